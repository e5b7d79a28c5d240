"""The only road to a score: rollouts of one variant through budget, pool, sandbox, door, grader and store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from optimizer.errors import BudgetExceeded
from optimizer.evaluation.budget import Budget, Grant
from optimizer.evaluation.cache import RolloutStore
from optimizer.evaluation.result import Result, read_result
from optimizer.evaluation.scratch import Scratch, remove_tree
from optimizer.evaluation.trajectories import TrajectoryKeeper
from optimizer.pools.base import Pool
from optimizer.records import Rollout, RolloutKey, Spend, Status, Task
from optimizer.sandboxes.base import Exit, Launch, Sandbox

if TYPE_CHECKING:
    from optimizer.suites.base import Suite

BUDGET_EXCEEDED = "budget_exceeded"
"""The door's error kind when the budget does not cover a call."""


class Door(Protocol):
    """The part of the model door that a rollout needs."""

    def open(self, session: str, seed: int, deadline: float, token_limit: int | None) -> str:
        """Admit a rollout and return its token; calls after ``deadline`` (monotonic) are refused."""
        ...

    def close(self, token: str) -> Spend:
        """Admit it no more, and say what it cost."""
        ...


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """``rollout_timeout_s`` bounds one rollout's wall time, ``rollout_tokens`` its tokens (None: only the budget does)."""

    rollout_timeout_s: float = 60.0
    rollout_tokens: int | None = None
    trajectories_per_experiment: int = 3
    trajectories_bytes: int = 32 * 1024 * 1024


class Stopped(Exception):
    """The deadline came or the caller cancelled before all rollouts were done. ``finished`` are done, counted and stored;
    those that were running have been killed and are not counted. ``reason`` is ``"deadline"`` or ``"cancelled"``."""

    def __init__(self, reason: str, finished: Sequence[Rollout]) -> None:
        super().__init__(f"{reason}: {len(finished)} rollouts had finished")
        self.reason = reason
        self.finished = list(finished)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a job hands back: how the sandbox left, what the rollout wrote, what the door counted."""

    exit: Exit
    result: Result
    spend: Spend
    refused: bool
    at_deadline: bool


class Runner:
    """Runs rollouts of variants on one suite. One batch at a time: :meth:`run` is called from one thread."""

    def __init__(
        self,
        *,
        suite: Suite,
        sandbox: Sandbox,
        pool: Pool,
        door: Door,
        socket: Path,
        store: RolloutStore,
        budget: Budget,
        scratch: Scratch,
        settings: RunnerSettings | None = None,
        keep_trajectories: Path | None = None,
        on_rollout: Callable[[Rollout, str, bool], None] | None = None,
    ) -> None:
        """``socket`` is where the door listens. ``keep_trajectories`` is the folder for the trajectories of failed
        rollouts on search tasks. ``on_rollout(rollout, purpose, cached)`` is called for each one, as it ends."""
        self._suite, self._sandbox, self._pool, self._door = suite, sandbox, pool, door
        self._socket, self._store, self._budget, self._scratch = socket, store, budget, scratch
        self._settings = settings or RunnerSettings()
        self._on_rollout = on_rollout or (lambda rollout, purpose, cached: None)
        self._keeper = TrajectoryKeeper(
            keep_trajectories, self._settings.trajectories_per_experiment, self._settings.trajectories_bytes
        )

    def run(
        self,
        tree: str,
        files: Mapping[str, bytes],
        wanted: Sequence[tuple[Task, int]],
        *,
        deadline: float,
        purpose: str,
        cancel: threading.Event | None = None,
        label: str = "",
    ) -> list[Rollout]:
        """The rollouts of the variant ``tree`` on ``wanted`` (task, seed) pairs, in that order.

        What the store knows is taken from there and costs nothing. ``deadline`` is a ``time.monotonic()`` instant.
        ``purpose`` names the budget's share (``"search"``, ``"exam"``, ``"holdout"``); ``label`` names the experiment in
        the names of kept trajectories.

        Raises :class:`optimizer.errors.BudgetExceeded` when the budget does not cover all that is missing (then nothing
        was run), or ran out on the way (then what finished before is stored); :class:`Stopped` at the deadline or when
        ``cancel`` is set; :class:`optimizer.errors.SandboxError` when no rollout can be started on this machine.
        """
        raise NotImplementedError
