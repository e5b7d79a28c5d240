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
from typing import TYPE_CHECKING

from optimizer.errors import BudgetExceeded
from optimizer.evaluation.base import Door, Runner, Stopped, Wanted
from optimizer.evaluation.batch import Batch, Stop
from optimizer.evaluation.budget import Budget, Grant
from optimizer.evaluation.cache import RolloutStore
from optimizer.evaluation.judging import Attempt, judge, why_not_counted
from optimizer.evaluation.outage import Next, Outage
from optimizer.evaluation.result import read_result
from optimizer.evaluation.scratch import Scratch, remove_tree
from optimizer.evaluation.trajectories import TrajectoryKeeper, read_trajectory
from optimizer.models.base import UpstreamError
from optimizer.pools.base import Pool
from optimizer.records import Rollout, RolloutKey, Spend, Split, Task
from optimizer.sandboxes.base import Exit, Launch, Sandbox

if TYPE_CHECKING:
    from optimizer.suites.base import LaunchedSuite

FAILED_BELOW = 0.5
"""A score under which a rollout counts as failed, and its trajectory is worth keeping."""


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """``rollout_timeout_s`` bounds one rollout's wall time, ``rollout_tokens`` its tokens (None: only the budget does).
    ``mcp_servers`` are those that the door relays to.
    After ``outage_s`` seconds without a single answer from a failing upstream the batch is given up. Trajectories of
    failed rollouts are kept up to a number per experiment and a size (compressed) altogether."""

    rollout_timeout_s: float = 60.0
    rollout_tokens: int | None = None
    outage_s: float = 300.0
    mcp_servers: tuple[str, ...] = ()
    trajectories_per_experiment: int = 3
    trajectories_bytes: int = 32 * 1024 * 1024


class SandboxRunner(Runner):
    """Runs rollouts of variants on one suite, each in a process of its own."""

    def __init__(
        self,
        *,
        suite: LaunchedSuite,
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
        self._outage = Outage(door.trouble, self._settings.outage_s)
        self._on_rollout = on_rollout or (lambda rollout, purpose, cached: None)
        self._keeper = TrajectoryKeeper(
            keep_trajectories, self._settings.trajectories_per_experiment, self._settings.trajectories_bytes
        )

    def run_together(
        self, asked: Sequence[Wanted], *, deadline: float, purpose: str, cancel: threading.Event | None = None
    ) -> list[list[Rollout]]:
        """As :class:`Runner` says; in addition :class:`optimizer.errors.ModelUnavailable` when the upstream failed and
        waiting is of no use, or was of none; :class:`optimizer.errors.SandboxError` when no rollout can be started on
        this machine."""
        suite = self._suite.hash
        keys = [[RolloutKey(one.tree, suite, task.id, seed) for task, seed in one.rollouts] for one in asked]
        pairs = zip(keys, asked, strict=True)
        tasks = {key: task for own, one in pairs for key, (task, _) in zip(own, one.rollouts, strict=True)}
        finished = self._known(tasks, purpose)
        missing = [key for key in tasks if key not in finished]
        if missing:
            stop = Stop(cancel)
            with self._budget.rollouts(len(missing), purpose) as grant:
                harness = {one.tree: self._scratch.export(one.tree, one.files) for one in asked if one.rollouts}
                labels = {one.tree: one.label or purpose for one in asked}
                batch = Batch(harness, labels, deadline, purpose, stop, tasks, missing, finished)
                self._run_missing(batch, grant)
            self._raise_when_incomplete(batch)
        return [[finished[key] for key in own] for own in keys]

    @property
    def waited_s(self) -> float:
        return self._door.trouble().waited_s

    def _known(self, keys: Mapping[RolloutKey, Task], purpose: str) -> dict[RolloutKey, Rollout]:
        known = self._store.find(keys)
        for rollout in known.values():
            self._on_rollout(rollout, purpose, True)
        return known

    def _run_missing(self, batch: Batch, grant: Grant) -> None:
        """Everything that touches store, suite and budget happens here, in the caller's thread; jobs only run. What the
        upstream failed is tried again when the others are done."""
        todo = batch.missing
        try:
            while todo and not batch.why:
                self._store.start(todo, batch.purpose)
                todo = self._round(batch, todo, grant)
        finally:
            for _, (key, trajectory) in sorted(batch.failed.items()):
                self._keeper.keep(batch.labels[key.tree], key, trajectory)

    def _round(self, batch: Batch, keys: Sequence[RolloutKey], grant: Grant) -> list[RolloutKey]:
        """One attempt at each of ``keys``; those to be tried again, in the same order."""
        jobs = [partial(self._attempt, batch, key) for key in keys]
        again: list[RolloutKey] = []
        unbegun = dict.fromkeys(keys)
        with closing(self._pool.each(jobs, stop=batch.stop)) as attempts:
            for index, attempt in attempts:
                key, why = keys[index], why_not_counted(attempt)
                del unbegun[key]
                if why in ("model", "waited") and not batch.why:
                    why = self._after_failure(batch, key, attempt, again)
                    if why == "again":
                        continue
                    # It counts as it is: what it made itself wait for is not taken off.
                    attempt = replace(attempt, account=replace(attempt.account, waited_s=0.0))
                elif why:
                    self._abandon(key, attempt)
                if why:
                    # The first reason is the true one: rollouts ended because of it look cancelled.
                    batch.why = batch.why or why
                    batch.stop.set()
                    continue
                self._finish(batch, key, attempt, grant)
        for key in unbegun:  # what stopped the others came before their turn: they cost nothing
            self._store.abandon(key, Spend())
        return sorted(again, key=batch.missing.index)

    def _after_failure(self, batch: Batch, key: RolloutKey, attempt: Attempt, again: list[RolloutKey]) -> str:
        """What comes of an attempt that the upstream spoilt: ``again``, why to give up, or empty to count it."""
        answer = self._outage.after(attempt, batch.tries[key], partial(self._well, batch, key))
        if answer is Next.count:
            return ""
        self._abandon(key, attempt)
        if answer is Next.again:
            again.append(key)
            return "again"
        batch.given_up = answer
        return "model"

    def _well(self, batch: Batch, key: RolloutKey, error: UpstreamError) -> int:
        """How often, this time included, the upstream was found well after it failed ``key``; 0 when it is not now."""
        found = self._door.probe(error)
        if (cost := found.spend + found.wasted) != Spend():
            self._store.spend(batch.purpose, cost)
        batch.well[key] += found.failure is None
        return 0 if found.failure is not None else batch.well[key]

    def _abandon(self, key: RolloutKey, attempt: Attempt) -> None:
        """No measurement, but paid for."""
        account = attempt.account
        self._store.abandon(key, replace(account.spend + account.wasted, seconds=attempt.exit.seconds))

    def _attempt(self, batch: Batch, key: RolloutKey) -> Attempt:
        """One rollout, from an empty folder to what it left; runs in a thread of the pool."""
        task, harness = batch.tasks[key], batch.harness[key.tree]
        self._door.hold(batch.deadline, batch.stop)
        now = time.monotonic()
        timeout_s = min(self._settings.rollout_timeout_s, batch.deadline - now)
        if timeout_s <= 0:
            return Attempt(Exit("timeout", 0.0, "deadline"))
        folder = self._scratch.folder()
        refusals = self._budget.refusals
        batch.tries[key] += 1  # one attempt at a key is under way at a time
        session = f"{key.tree}/{key.task}/{key.seed}"
        token = self._door.open(session, session_seed(key), now + timeout_s, self._settings.rollout_tokens)
        try:
            payload = {
                **self._suite.payload(task),
                "harness": str(harness),
                "folder": str(folder),
                "door": str(self._socket),
                "token": token,
                "seed": session_seed(key),
                "mcp": list(self._settings.mcp_servers),
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
            account = self._door.close(token)
            remove_tree(folder)
        return Attempt(ended, result, account, self._budget.refusals != refusals, trajectory)

    def _finish(self, batch: Batch, key: RolloutKey, attempt: Attempt, grant: Grant) -> None:
        rollout = judge(self._suite, batch.tasks[key], key, attempt)
        self._budget.count(grant, rollout.spend.seconds)
        self._store.finish(rollout)
        if attempt.account.wasted != Spend():
            self._store.spend(batch.purpose, attempt.account.wasted)
        batch.finished[key] = rollout
        if attempt.trajectory and rollout.score < FAILED_BELOW:
            # The first ones in the order asked, whatever the order in which they ended.
            batch.failed[batch.missing.index(key)] = (key, attempt.trajectory)
            while len(batch.failed) > self._settings.trajectories_per_experiment:
                del batch.failed[max(batch.failed)]
        self._on_rollout(rollout, batch.purpose, False)

    def _raise_when_incomplete(self, batch: Batch) -> None:
        if len(batch.finished) == len(batch.tasks):
            return
        if batch.given_up is not None:
            raise batch.given_up
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
