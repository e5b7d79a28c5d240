"""The only road to a score: rollouts of one variant through budget, pool, sandbox, door, grader and store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from optimizer.errors import BudgetExceeded
from optimizer.evaluation.budget import Budget, Grant
from optimizer.evaluation.cache import RolloutStore
from optimizer.evaluation.result import Result, read_result
from optimizer.evaluation.scratch import Scratch, remove_tree
from optimizer.evaluation.trajectories import TrajectoryKeeper, read_trajectory
from optimizer.pools.base import Pool
from optimizer.records import Rollout, RolloutKey, Spend, Split, Status, Task
from optimizer.sandboxes.base import Exit, Launch, Sandbox

if TYPE_CHECKING:
    from optimizer.suites.base import Suite

REASON_CHARS = 500
OUTPUT_LINES = 3
FAILED_BELOW = 0.5
"""A score under which a rollout counts as failed, and its trajectory is worth keeping."""


class Door(Protocol):
    """The part of the model door that a rollout needs."""

    def open(self, session: str, seed: int, deadline: float, token_limit: int | None = None) -> str:
        """Admit a rollout and return its token; calls after ``deadline`` (monotonic) are refused."""
        ...

    def close(self, token: str) -> Spend:
        """Admit it no more, and say what it cost."""
        ...


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """``rollout_timeout_s`` bounds one rollout's wall time, ``rollout_tokens`` its tokens (None: only the budget does).
    Trajectories of failed rollouts are kept up to a number per experiment and a size (compressed) altogether."""

    rollout_timeout_s: float = 60.0
    rollout_tokens: int | None = None
    trajectories_per_experiment: int = 3
    trajectories_bytes: int = 32 * 1024 * 1024


class Stopped(Exception):
    """The deadline came, or the caller cancelled, before all rollouts were done.

    ``finished`` are done, counted and stored (those found in the store among them); those that were running have been
    killed and are not counted. ``reason`` is ``"deadline"`` or ``"cancelled"``.
    """

    def __init__(self, reason: str, finished: Sequence[Rollout]) -> None:
        super().__init__(f"{reason}: {len(finished)} rollouts had finished")
        self.reason = reason
        self.finished = list(finished)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Rollouts of one variant: its ``tree``, its ``files``, and (task, seed) pairs. ``label`` names the experiment in
    the names of kept trajectories."""

    tree: str
    files: Mapping[str, bytes]
    rollouts: Sequence[tuple[Task, int]]
    label: str = ""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What a job hands back: how the sandbox left, what the rollout wrote, what the door counted."""

    exit: Exit
    result: Result = field(default_factory=Result)
    spend: Spend = field(default_factory=Spend)
    refused: bool = False
    trajectory: bytes = b""


@dataclass(slots=True)
class _Batch:
    """One call of :meth:`Runner.run_together`. ``harness`` and ``labels`` are by tree. ``stop`` ends its running
    rollouts; ``why`` says what stopped it."""

    harness: Mapping[str, Path]
    labels: Mapping[str, str]
    deadline: float
    purpose: str
    stop: _Stop
    tasks: dict[RolloutKey, Task]
    missing: list[RolloutKey]
    finished: dict[RolloutKey, Rollout]
    why: str = ""
    failed: dict[int, tuple[RolloutKey, bytes]] = field(default_factory=dict)


class _Stop(threading.Event):
    """Set by itself or by the caller's event."""

    def __init__(self, caller: threading.Event | None) -> None:
        super().__init__()
        self._caller = caller

    def is_set(self) -> bool:
        return super().is_set() or (self._caller is not None and self._caller.is_set())


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
        """The rollouts of one variant, in the order of ``wanted``: see :meth:`run_together`."""
        asked = Wanted(tree, files, wanted, label)
        return self.run_together([asked], deadline=deadline, purpose=purpose, cancel=cancel)[0]

    def run_together(
        self, asked: Sequence[Wanted], *, deadline: float, purpose: str, cancel: threading.Event | None = None
    ) -> list[list[Rollout]]:
        """The rollouts of several variants side by side: a list for each of ``asked``, in the order of its rollouts.

        What the store knows is taken from there and costs nothing. ``deadline`` is a ``time.monotonic()`` instant.
        ``purpose`` names the budget's share (``"search"``, ``"exam"``, ``"holdout"``).

        Raises :class:`optimizer.errors.BudgetExceeded` when the budget does not cover all that is missing (then nothing
        was run), or ran out on the way (then what finished before is stored); :class:`Stopped` at the deadline or when
        ``cancel`` is set; :class:`optimizer.errors.SandboxError` when no rollout can be started on this machine.
        """
        suite = self._suite.hash
        keys = [[RolloutKey(one.tree, suite, task.id, seed) for task, seed in one.rollouts] for one in asked]
        pairs = zip(keys, asked, strict=True)
        tasks = {key: task for own, one in pairs for key, (task, _) in zip(own, one.rollouts, strict=True)}
        finished = self._known(tasks, purpose)
        missing = [key for key in tasks if key not in finished]
        if missing:
            stop = _Stop(cancel)
            with self._budget.rollouts(len(missing), purpose) as grant:
                harness = {one.tree: self._scratch.export(one.tree, one.files) for one in asked if one.rollouts}
                labels = {one.tree: one.label or purpose for one in asked}
                batch = _Batch(harness, labels, deadline, purpose, stop, tasks, missing, finished)
                self._store.start(missing, purpose)
                self._run_missing(batch, grant)
            self._raise_when_incomplete(batch)
        return [[finished[key] for key in own] for own in keys]

    def _known(self, keys: Mapping[RolloutKey, Task], purpose: str) -> dict[RolloutKey, Rollout]:
        known = {}
        for key in keys:
            rollout = self._store.find(key)
            if rollout is not None:
                known[key] = rollout
                self._on_rollout(rollout, purpose, True)
        return known

    def _run_missing(self, batch: _Batch, grant: Grant) -> None:
        """Everything that touches store, suite and budget happens here, in the caller's thread; jobs only run."""
        jobs = [partial(self._attempt, batch, key) for key in batch.missing]
        try:
            with closing(self._pool.each(jobs, stop=batch.stop)) as attempts:
                for index, attempt in attempts:
                    why = _why_not_counted(attempt)
                    if why:
                        # The first reason is the true one: rollouts ended because of it look cancelled.
                        batch.why = batch.why or why
                        batch.stop.set()
                        continue
                    self._finish(batch, index, attempt, grant)
        finally:
            for _, (key, trajectory) in sorted(batch.failed.items()):
                self._keeper.keep(batch.labels[key.tree], key, trajectory)

    def _attempt(self, batch: _Batch, key: RolloutKey) -> _Attempt:
        """One rollout, from an empty folder to what it left; runs in a thread of the pool."""
        task, harness = batch.tasks[key], batch.harness[key.tree]
        now = time.monotonic()
        timeout_s = min(self._settings.rollout_timeout_s, batch.deadline - now)
        if timeout_s <= 0:
            return _Attempt(Exit("timeout", 0.0, "deadline"))
        folder = self._scratch.folder()
        refusals = self._budget.refusals
        session = f"{key.tree}/{key.task}/{key.seed}"
        token = self._door.open(session, session_seed(key), now + timeout_s, self._settings.rollout_tokens)
        try:
            payload = {
                **self._suite.payload(task),
                "harness": str(harness),
                "folder": str(folder),
                "door": str(self._socket),
                "token": token,
            }
            readable = (harness, self._socket, *self._suite.readable)
            launch = Launch(self._suite.entry, payload, folder, readable, timeout_s)
            ended = self._sandbox.run(launch, cancel=batch.stop)
            if ended.status == "timeout" and timeout_s < self._settings.rollout_timeout_s:
                ended = replace(ended, reason="deadline")
            result = read_result(folder)
            keep = self._keeper.wanted and task.split is Split.search
            trajectory = read_trajectory(folder) if keep else b""
        finally:
            spend = self._door.close(token)
            remove_tree(folder)
        return _Attempt(ended, result, spend, self._budget.refusals != refusals, trajectory)

    def _finish(self, batch: _Batch, index: int, attempt: _Attempt, grant: Grant) -> None:
        key = batch.missing[index]
        rollout = self._judge(batch.tasks[key], key, attempt)
        self._budget.count(grant, rollout.spend.seconds)
        self._store.finish(rollout)
        batch.finished[key] = rollout
        if attempt.trajectory and rollout.score < FAILED_BELOW:
            # The first ones in the order asked, whatever the order in which they ended.
            batch.failed[index] = (key, attempt.trajectory)
            while len(batch.failed) > self._settings.trajectories_per_experiment:
                del batch.failed[max(batch.failed)]
        self._on_rollout(rollout, batch.purpose, False)

    def _judge(self, task: Task, key: RolloutKey, attempt: _Attempt) -> Rollout:
        ended, result = attempt.exit, attempt.result
        status, score, reason = Status.ok, 0.0, ""
        if ended.status == "timeout":
            status, reason = Status.timeout, ended.reason
        elif ended.status == "crash":
            status, reason = Status.crash, _with_output(ended.reason, ended.output)
        elif result.broken:
            status, reason = Status.crash, _with_output(result.broken, ended.output)
        elif result.outcome == "model_error":
            status, reason = Status.crash, f"model error: {result.reason}"
        else:
            score = self._suite.grade(task, result.answer)
            if not 0.0 <= score <= 1.0:
                raise ValueError(f"the suite scored task {task.id} {score!r}, expected a number from 0 to 1")
            reason = "" if result.outcome == "answered" else f"{result.outcome}: {result.reason}".rstrip(": ")
        spend = replace(attempt.spend, rollouts=1, seconds=ended.seconds)
        answer = None if status is not Status.ok else result.answer
        return Rollout(key, status, score, reason[:REASON_CHARS], answer, result.steps, spend)

    def _raise_when_incomplete(self, batch: _Batch) -> None:
        if len(batch.finished) == len(batch.tasks):
            return
        why = batch.why or "cancelled"
        if why == "budget":
            left = self._budget.left(batch.purpose)
            raise BudgetExceeded(f"used up during {batch.purpose}: {left.tokens} tokens, {left.usd} dollars left")
        raise Stopped(why, [batch.finished[key] for key in batch.tasks if key in batch.finished])


def session_seed(key: RolloutKey) -> int:
    """The seed of a rollout's model calls, below 2**63. The tree has no part in it: a variant meets the same luck as
    the champion that it is compared with, as far as the model allows."""
    digest = sha256(f"{key.suite}\0{key.task}\0{key.seed}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _why_not_counted(attempt: _Attempt) -> str:
    """Why an attempt is no measurement of the variant; empty when it is one."""
    if attempt.exit.status == "cancelled":
        return "cancelled"
    if attempt.refused:
        return "budget"
    if attempt.exit.status == "timeout" and attempt.exit.reason == "deadline":
        return "deadline"
    return ""


def _with_output(reason: str, output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and line.strip() not in reason]
    return f"{reason} | {' | '.join(lines[-OUTPUT_LINES:])}" if lines else reason
