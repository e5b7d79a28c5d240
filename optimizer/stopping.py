"""When to stop: somebody asked, or what is left would not pay for another experiment and the end that was promised."""

from __future__ import annotations

import datetime
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from optimizer.evaluation.budget import Budget

TIME_MARGIN = 1.3
"""The end is given this many times the seconds that it should take at the rate seen so far."""
FIRST_RATE = 4.0
"""Rollouts a second assumed before any was seen."""
END_SHARE = 0.4
"""Before a rate was seen, the end is given at most this share of the time."""
LEAST_END_S = 2.0
TIME_IS_UP = "the time is up"


@dataclass(frozen=True, slots=True)
class End:
    """What is promised for the end of a campaign: ``exam`` rollouts for the last exam, at most, and exactly ``holdout``
    for the look at the holdout; and ``prune`` before them, at most, for pruning. Without a limit on rollouts, the exam
    gets ``exam_share`` and pruning ``prune_share`` of what was spent."""

    exam: int | None
    exam_share: float
    exam_least: int
    holdout: int
    prune: int | None = 0
    prune_share: float = 0.0

    @property
    def examines(self) -> bool:
        """Whether a last exam is held: something is kept for it."""
        return self.exam_share > 0 and self.exam != 0

    @property
    def prunes(self) -> bool:
        """Whether changes are left out to see which of them pay: something is kept for it."""
        return self.prune_share > 0 and self.prune != 0

    def exam_rollouts(self, spent: int) -> int:
        """Rollouts for the last exam, when ``spent`` were spent."""
        if not self.examines:
            return 0
        return self.exam if self.exam is not None else max(self.exam_least, int(self.exam_share * spent))

    def prune_rollouts(self, spent: int) -> int:
        """Rollouts for pruning, when ``spent`` were spent before it."""
        return int(self.prune_share * spent) if self.prune is None else self.prune


@dataclass(slots=True)
class Stopping:
    """Asked before every experiment. ``needed`` is the number of rollouts below which an experiment is not begun;
    ``stop_request`` a file whose existence asks for a graceful stop; ``clock`` a monotonic clock in seconds."""

    budget: Budget
    end: End
    needed: int
    stop_request: Path
    cancel: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    asked: str = ""
    began_at: float = 0.0
    began_with: int = 0

    def __post_init__(self) -> None:
        self.began_at, self.began_with = self.clock(), self.budget.spent.rollouts

    def ask(self, who: str) -> None:
        """Ask for a graceful stop: the experiment in hand is finished, then the campaign ends and can be resumed."""
        self.asked = self.asked or who

    def halted(self) -> str | None:
        """Why to end now without an end phase (somebody asked), or None."""
        if self.asked:
            return f"stopped: {self.asked}"
        if self.stop_request.exists():
            return "stopped: 'ratchet stop' asked for it"
        return None

    def search_over(self) -> str | None:
        """Which limit leaves no room for another experiment, or None."""
        left = self.budget.left("search")
        if left.rollouts is not None and left.rollouts < self.needed:
            return "the budget of rollouts is spent"
        mean = self._mean_tokens()
        if left.tokens is not None and left.tokens < mean * (self.needed + self._end_rollouts()):
            return "the budget of tokens is spent"
        if left.usd is not None and left.usd <= self._mean_usd() * (self.needed + self._end_rollouts()):
            return "the budget of dollars is spent"
        deadline = self.search_deadline()
        if self.clock() >= deadline:
            return TIME_IS_UP
        return None

    def search_deadline(self) -> float:
        """The ``clock`` instant at which the search must be over, so that the end fits before the deadline."""
        deadline = self.budget.limits.deadline
        return math.inf if deadline is None else deadline - self.end_seconds()

    def prune_deadline(self) -> float:
        """The ``clock`` instant at which pruning must be over, so that what comes after it fits."""
        deadline = self.budget.limits.deadline
        return math.inf if deadline is None else deadline - self._seconds_for(self._after_pruning())

    def final_deadline(self) -> float:
        """The ``clock`` instant at which everything must be over."""
        deadline = self.budget.limits.deadline
        return math.inf if deadline is None else deadline

    def end_seconds(self) -> float:
        """Seconds to leave for pruning, the last exam and the holdout, from the rate of this sitting so far."""
        return self._seconds_for(self._end_rollouts())

    def _seconds_for(self, rollouts: int) -> float:
        done, passed = self.budget.spent.rollouts - self.began_with, self.clock() - self.began_at
        if done >= 20 and passed > 0:
            return LEAST_END_S + TIME_MARGIN * rollouts * passed / done
        deadline = self.budget.limits.deadline
        whole = math.inf if deadline is None else deadline - self.began_at
        return min(END_SHARE * whole, LEAST_END_S + TIME_MARGIN * rollouts / FIRST_RATE)

    def shrink_end(self, *, exam: int, holdout: int) -> None:
        """Less is needed at the end than was set aside: at most ``exam`` rollouts for the last exam, and ``holdout``
        for the holdout. The search has the rest."""
        before = self.end
        exam = exam if before.exam is None else min(exam, before.exam)
        least = min(before.exam_least, exam)
        self.end = replace(before, exam=None if before.exam is None else exam, exam_least=least, holdout=holdout)
        self.budget.release("holdout", rollouts=before.holdout - holdout)
        if before.exam is not None:
            self.budget.release("final", rollouts=before.exam - exam)

    def _end_rollouts(self) -> int:
        return self._after_pruning() + self.end.prune_rollouts(self.budget.spent.rollouts)

    def _after_pruning(self) -> int:
        return self.end.holdout + self.end.exam_rollouts(self.budget.spent.rollouts)

    def _mean_tokens(self) -> float:
        spent = self.budget.spent
        return spent.tokens / spent.rollouts if spent.rollouts else 0.0

    def _mean_usd(self) -> float:
        spent = self.budget.spent
        return spent.usd / spent.rollouts if spent.rollouts else 0.0


def seconds_until(until: str, now: datetime.datetime) -> float:
    """Seconds from ``now`` (local time) to the next ``HH:MM``: today, or tomorrow when that has passed."""
    hours, minutes = map(int, until.split(":"))
    then = now.replace(hour=hours, minute=minutes, second=0, microsecond=0)
    if then <= now:
        then += datetime.timedelta(days=1)
    return (then - now).total_seconds()
