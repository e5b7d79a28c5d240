"""The kinds of suite: what an experiment's ``suite.kind`` stands for. A new kind is one more line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.assemble.machine import Machine, SandboxMachine
from optimizer.suites.agent import AgentSuite
from optimizer.suites.base import Suite
from optimizer.suites.dataset import DatasetSuite


@dataclass(frozen=True, slots=True)
class Kind:
    """``load(settings, folder)`` is the suite of the experiment in ``folder``, ``settings`` being those of this kind;
    it raises SettingsError. ``machine()`` is what rollouts of it run on."""

    load: Callable[[Any, Path], Suite]
    machine: Callable[[], Machine]


KINDS: Mapping[str, Kind] = {
    "agent": Kind(AgentSuite.load, SandboxMachine),
    "dataset": Kind(DatasetSuite.load, SandboxMachine),
}
