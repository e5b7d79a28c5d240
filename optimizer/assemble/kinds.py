"""The kinds of suite: what an experiment's ``suite.kind`` stands for. A new kind is one more line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.assemble.machine import CommandMachine, Machine, SandboxMachine
from optimizer.assemble.replaying import ReplayMachine
from optimizer.suites.agent import AgentSuite
from optimizer.suites.base import Suite
from optimizer.suites.command.suite import CommandSuite
from optimizer.suites.dataset import DatasetSuite
from optimizer.suites.replay import ReplaySuite


@dataclass(frozen=True, slots=True)
class Kind:
    """``load(settings, folder)`` is the suite of the experiment in ``folder``, ``settings`` being those of this kind;
    it raises SettingsError. ``machine()`` is what rollouts of it run on. ``asks_model(settings)`` says whether they ask
    a model; ``founded(suite, files)`` is the suite on a harness of these files, where it depends on them."""

    load: Callable[[Any, Path], Suite]
    machine: Callable[[], Machine]
    asks_model: Callable[[Any], bool] = lambda settings: True
    founded: Callable[[Any, Mapping[str, bytes]], Suite] = lambda suite, files: suite


KINDS: Mapping[str, Kind] = {
    "agent": Kind(AgentSuite.load, SandboxMachine),
    "dataset": Kind(DatasetSuite.load, SandboxMachine),
    "command": Kind(
        CommandSuite.load, CommandMachine, asks_model=lambda settings: settings.model, founded=CommandSuite.founded
    ),
    "replay": Kind(ReplaySuite.load, ReplayMachine, asks_model=lambda settings: False),
}
