"""What rollouts run on: scratch folder, pool, sandbox, door, runner; and who proposes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from optimizer.assemble.mcp import targets_of
from optimizer.assemble.models import recorder_of
from optimizer.assemble.planned import Planned
from optimizer.assemble.screening import Screen
from optimizer.assemble.sizes import workers_of
from optimizer.datasets.judge import Noise
from optimizer.evaluation.budget import Budget
from optimizer.evaluation.cache import RolloutStore
from optimizer.evaluation.checks import check_commands, check_files
from optimizer.evaluation.judged import JudgedSandbox
from optimizer.evaluation.runner import RunnerSettings, SandboxRunner
from optimizer.evaluation.scratch import Scratch
from optimizer.models.door import Door
from optimizer.models.relay import Relay
from optimizer.models.retrying import Retries
from optimizer.models.server import DoorServer
from optimizer.pools.threads import ThreadPool
from optimizer.proposers.base import Proposer
from optimizer.proposers.human import HumanProposer
from optimizer.proposers.mix import MixProposer
from optimizer.proposers.random import RandomProposer
from optimizer.proposers.screened import ScreenedProposer
from optimizer.proposers.sweep import SweepProposer
from optimizer.proposers.thompson import ThompsonProposer
from optimizer.proposers.tpe import TPEProposer
from optimizer.records import Rollout
from optimizer.sandboxes.base import Sandbox
from optimizer.sandboxes.limits import Limits
from optimizer.sandboxes.process import ProcessSandbox
from optimizer.suites.base import LaunchedSuite
from optimizer.suites.dataset import DatasetSuite
from search_space.harness import agent_of


def launched(planned: Planned) -> LaunchedSuite:
    """The suite as one whose rollouts are launched in a sandbox; other kinds have machines that ask for no such one."""
    assert isinstance(planned.suite, LaunchedSuite), f"{planned.settings.suite.kind}: nothing is launched"
    return planned.suite


def start_sandbox(
    planned: Planned,
    stack: ExitStack,
    *,
    readable: Sequence[Path] = (),
    devices: Sequence[Path] = (),
    limits: Limits | None = None,
) -> ProcessSandbox:
    """The sandbox with what rollouts need loaded; ``readable`` beside what the suite says, and ``devices``. Raises
    SandboxError when it cannot be."""
    suite = launched(planned)
    # The SDK takes a second to import: once here, rather than in each rollout.
    agent = agent_of(planned.start[1])
    sdk: dict[str, Mapping[str, Any] | None] = {"mcp": None} if agent is not None and agent.mcp else {}
    sandbox = ProcessSandbox(
        preload={**suite.preload, **sdk},
        readable=(*suite.readable, *readable),
        devices=devices,
        limits=limits,
    )
    stack.callback(sandbox.close)
    sandbox.start()
    return sandbox


def start_runner(
    planned: Planned,
    stack: ExitStack,
    sandbox: Sandbox,
    store: RolloutStore,
    budget: Budget,
    trajectories: Path | None,
    on_rollout: Callable[[Rollout, str, bool], None],
    *,
    model: bool = True,
) -> tuple[SandboxRunner, Scratch]:
    """What turns variants into scores, on ``sandbox``; ``stack`` closes it. Without a ``model`` nobody answers at the
    door."""
    settings, suite = planned.settings, launched(planned)
    scratch = stack.enter_context(Scratch())
    pool = ThreadPool(workers_of(settings))
    stack.callback(pool.close)
    upstreams = {"agent": recorder_of(planned, stack)} if model else {}
    door = Door(upstreams, budget, retries=Retries(for_s=settings.model.retry_for_s))
    relay = Relay(targets_of(planned), door)
    stack.callback(relay.close)
    server = DoorServer(door, scratch.socket, relay=relay)
    stack.callback(server.close)
    runner = SandboxRunner(
        suite=suite,
        sandbox=judged(suite, sandbox, door),
        pool=pool,
        door=door,
        socket=scratch.socket,
        store=store,
        budget=budget,
        scratch=scratch,
        settings=RunnerSettings(
            rollout_timeout_s=settings.sandbox.rollout_timeout_s,
            outage_s=settings.model.retry_for_s,
            mcp_servers=tuple(settings.mcp),
        ),
        keep_trajectories=trajectories,
        on_rollout=on_rollout,
    )
    return runner, scratch


def judged(suite: LaunchedSuite, sandbox: Sandbox, door: Door) -> Sandbox:
    """The sandbox, with the suite's judge behind it where it has one."""
    judge = suite.judge if isinstance(suite, DatasetSuite) else None
    return sandbox if judge is None else JudgedSandbox(sandbox, door, judge)


def judge_noise(planned: Planned) -> Noise | None:
    """How noisy the suite's judge was found to be in this process; None without a judge, or before it was asked."""
    judge = planned.suite.judge if isinstance(planned.suite, DatasetSuite) else None
    return None if judge is None else judge.noise


def proposer_of(planned: Planned) -> Proposer:
    wanted = planned.settings.proposers
    weighted: list[tuple[Proposer, float]] = []
    if wanted.thompson:
        weighted.append((ThompsonProposer(), wanted.thompson))
    if wanted.tpe:
        weighted.append((TPEProposer(), wanted.tpe))
    if wanted.random:
        weighted.append((RandomProposer(), wanted.random))
    if wanted.sweep:
        weighted.append((SweepProposer(), wanted.sweep))
    first = [HumanProposer(planned.folder / wanted.human)] if wanted.human else []
    if wanted.recipes:
        first.append(HumanProposer(planned.folder / wanted.recipes, name="recipes"))
    mixed = MixProposer(weighted, first=first)
    screen = planned.settings.screen
    if not screen.transcripts:
        return mixed
    return ScreenedProposer(mixed, Screen.load(screen, planned.folder).predict, screen.candidates)


def checker(
    planned: Planned, sandbox: ProcessSandbox, scratch: Scratch, cancel: threading.Event
) -> Callable[[Mapping[str, bytes]], str | None]:
    checks = planned.settings.checks
    commands = partial(
        check_commands, checks.commands, sandbox=sandbox, scratch=scratch, timeout_s=checks.timeout_s, cancel=cancel
    )
    return lambda files: planned.suite.problem(files) or check_files(files) or commands(files)
