"""Rollouts that are calls of a Python function, in this process: the same budget, the same ledger, no sandbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optimizer.errors import BudgetExceeded, RatchetError, SettingsError
from optimizer.evaluation.base import Runner, Stopped, Wanted
from optimizer.evaluation.budget import Budget, Grant
from optimizer.evaluation.cache import RolloutStore
from optimizer.evaluation.scores import as_score, described
from optimizer.records import Rollout, RolloutKey, Spend, Status

Score = Callable[[Any, str, int], object]
"""``score(harness, task, seed)``: one rollout of a harness on the task of that id. To be of use it gives a number in
[0, 1], the same one for the same arguments; or a pair of it and a few words on it, which are kept. What it is handed
as a harness is the view of its files."""
View = Callable[[Mapping[str, bytes]], Any]
"""What the function is given for a variant's files: their assignment, say."""

FLUSH_S = 0.1
"""Scores are written down together when they come quickly: a kill loses no more than was measured in this time (and
what was under way), and that is measured again."""
REASON_CHARS = 500


class InProcessRunner(Runner):
    """Calls ``score`` for one rollout after the other.

    An exception of the function is a crashed rollout: score 0, the reason kept. Whatever is no number from 0 to 1 is
    no measurement but a mistake in the function: :class:`optimizer.errors.SettingsError` says so and ends the campaign,
    which goes on from there once it is mended. Nothing can end a call that is under way: deadline and cancel are looked
    at before each call, and the function has this process's memory, files and network.
    """

    def __init__(
        self,
        score: Score,
        *,
        suite: str,
        store: RolloutStore,
        budget: Budget,
        view: View | None = None,
        on_rollout: Callable[[Rollout, str, bool], None] | None = None,
    ) -> None:
        """``suite`` is the suite's hash. ``on_rollout(rollout, purpose, cached)`` is called for each one."""
        self._score, self._suite, self._store, self._budget = score, suite, store, budget
        self._view = view or dict
        self._on_rollout = on_rollout
        self.scored_s = 0.0

    @property
    def waited_s(self) -> float:
        return 0.0

    def run_together(
        self, asked: Sequence[Wanted], *, deadline: float, purpose: str, cancel: threading.Event | None = None
    ) -> list[list[Rollout]]:
        """As :class:`Runner` says; in addition SettingsError for a score that is none."""
        keys = [[RolloutKey(one.tree, self._suite, task.id, seed) for task, seed in one.rollouts] for one in asked]
        wanted = dict.fromkeys(key for own in keys for key in own)
        finished = self._store.find(wanted)
        if self._on_rollout is not None:
            for known in finished.values():
                self._on_rollout(known, purpose, True)
        missing = [key for key in wanted if key not in finished]
        if missing:
            views = {one.tree: self._view(one.files) for one in asked if one.rollouts}
            with self._budget.rollouts(len(missing), purpose) as grant:
                self._store.start(missing, purpose)
                batch = _Batch(missing, finished, views, purpose, grant)
                try:
                    self._run_missing(batch, deadline, cancel)
                finally:
                    self._let_go(batch)
        return [[finished[key] for key in own] for own in keys]

    def _run_missing(self, batch: _Batch, deadline: float, cancel: threading.Event | None) -> None:
        for key in batch.missing:
            cancelled = cancel is not None and cancel.is_set()
            if cancelled or time.monotonic() >= deadline:
                why = "cancelled" if cancelled else "deadline"
                raise Stopped(why, list(batch.finished.values()))
            rollout = self._rollout(key, batch.views[key.tree])
            batch.finished[key] = rollout
            batch.unwritten.append(rollout)
            self._budget.count(batch.grant, rollout.spend.seconds)
            if time.monotonic() - batch.written_at >= FLUSH_S:
                self._write(batch)

    def _rollout(self, key: RolloutKey, harness: Any) -> Rollout:
        began = time.perf_counter()
        status, reason = Status.ok, ""
        answer: object = 0.0
        try:
            answer = self._score(harness, key.task, key.seed)
        except (RatchetError, BudgetExceeded):
            raise
        except Exception as error:
            status, reason = Status.crash, f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - began
        self.scored_s += seconds
        if isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], str):
            answer, reason = answer
        value = checked(answer, key.task, key.seed)
        return Rollout(key, status, value, reason[:REASON_CHARS], spend=Spend(rollouts=1, seconds=seconds))

    def _write(self, batch: _Batch) -> None:
        if batch.unwritten:
            self._store.finish(*batch.unwritten)
            if self._on_rollout is not None:
                for rollout in batch.unwritten:
                    self._on_rollout(rollout, batch.purpose, False)
        batch.unwritten.clear()
        batch.written_at = time.monotonic()

    def _let_go(self, batch: _Batch) -> None:
        """What was measured is written down, what was not begun costs nothing."""
        self._write(batch)
        for key in batch.missing:
            if key not in batch.finished:
                self._store.abandon(key, Spend())


@dataclass(slots=True)
class _Batch:
    """One batch on its way: what is missing, what is finished, and what of that is not written down yet."""

    missing: list[RolloutKey]
    finished: dict[RolloutKey, Rollout]
    views: Mapping[str, Any]
    purpose: str
    grant: Grant
    unwritten: list[Rollout] = field(default_factory=list)
    written_at: float = field(default_factory=time.monotonic)


def checked(answer: object, task: str, seed: int) -> float:
    """The score that the function gave. Raises :class:`SettingsError` unless it is a number from 0 to 1."""
    value = as_score(answer)
    if value is not None:
        return value
    raise SettingsError(
        f"score: got {described(answer)} for task '{task}' and seed {seed}, expected a number from 0 to 1",
        hint="scale the score into [0, 1], more being better; a rollout that cannot be scored should raise, and counts "
        "as 0. Nothing is lost: what was measured so far stands",
    )
