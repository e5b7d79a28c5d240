"""When a campaign stops: asked to, or because what is left does not pay for another experiment and the end."""

from __future__ import annotations

import datetime
import math
import time
from pathlib import Path

import pytest

from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.records import Spend
from optimizer.stopping import END_SHARE, LEAST_END_S, End, Stopping, seconds_until


class Clock:
    """A monotonic clock that goes when it is told to; it begins with the real one, which the budget goes by."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


def stopping(tmp_path: Path, limits: BudgetLimits, spent: Spend | None = None, clock: Clock | None = None) -> Stopping:
    end = End(exam=20, exam_share=0.1, exam_least=16, holdout=40)
    return Stopping(Budget(limits, spent), end, needed=10, stop_request=tmp_path / "stop", clock=clock or Clock())


def test_asked_once_the_first_reason_stays(tmp_path: Path) -> None:
    it = stopping(tmp_path, BudgetLimits(rollouts=100))
    assert it.halted() is None
    it.ask("Ctrl-C")
    it.ask("SIGTERM")
    assert it.halted() == "stopped: Ctrl-C"


def test_asked_by_a_file(tmp_path: Path) -> None:
    it = stopping(tmp_path, BudgetLimits(rollouts=100))
    it.stop_request.touch()
    assert it.halted() == "stopped: 'ratchet stop' asked for it"


@pytest.mark.parametrize(("spent", "over"), [(0, False), (90, False), (91, True), (100, True)])
def test_rollouts(tmp_path: Path, spent: int, over: bool) -> None:
    it = stopping(tmp_path, BudgetLimits(rollouts=100), Spend(rollouts=spent))
    assert (it.search_over() == "the budget of rollouts is spent") is over


def test_tokens_leave_room_for_the_end(tmp_path: Path) -> None:
    """10 tokens a rollout: 70 rollouts (one experiment, exam and holdout) need 700."""
    for spent, over in ((290, False), (310, True)):
        it = stopping(tmp_path, BudgetLimits(tokens=1_000), Spend(rollouts=spent // 10, input_tokens=spent))
        assert (it.search_over() == "the budget of tokens is spent") is over


def test_dollars(tmp_path: Path) -> None:
    assert stopping(tmp_path, BudgetLimits(usd=1.0), Spend(rollouts=10, usd=0.1)).search_over() is None
    it = stopping(tmp_path, BudgetLimits(usd=1.0), Spend(rollouts=10, usd=0.5))
    assert it.search_over() == "the budget of dollars is spent"


def test_without_any_limit_it_goes_on(tmp_path: Path) -> None:
    it = stopping(tmp_path, BudgetLimits(), Spend(rollouts=10**6, input_tokens=10**9))
    assert it.search_over() is None
    assert it.search_deadline() == it.final_deadline() == math.inf


def test_time_keeps_the_end_in_hand(tmp_path: Path) -> None:
    clock = Clock()
    began = clock.now
    it = stopping(tmp_path, BudgetLimits(deadline=began + 100.0), clock=clock)
    assert it.final_deadline() == began + 100.0
    before = it.search_deadline()
    assert began + (1 - END_SHARE) * 100 <= before < began + 100 - LEAST_END_S
    assert it.search_over() is None
    clock.now = before
    assert it.search_over() == "the time is up"


def test_the_end_is_timed_by_the_rate_seen(tmp_path: Path) -> None:
    clock = Clock()
    it = stopping(tmp_path, BudgetLimits(deadline=clock.now + 1_000.0), clock=clock)
    with it.budget.rollouts(100, "search") as grant:
        for _ in range(100):
            it.budget.count(grant, 0.1)
    clock.now += 50.0
    assert it.end_seconds() == pytest.approx(LEAST_END_S + 1.3 * 60 * 0.5)


def test_the_last_exam() -> None:
    assert End(exam=20, exam_share=0.1, exam_least=16, holdout=40).exam_rollouts(5_000) == 20
    assert End(exam=None, exam_share=0.1, exam_least=16, holdout=40).exam_rollouts(5_000) == 500
    assert End(exam=None, exam_share=0.1, exam_least=16, holdout=40).exam_rollouts(50) == 16
    for none in (
        End(exam=0, exam_share=0.1, exam_least=16, holdout=40),
        End(exam=None, exam_share=0.0, exam_least=0, holdout=40),
    ):
        assert not none.examines and none.exam_rollouts(5_000) == 0


@pytest.mark.parametrize(
    ("until", "seconds"), [("13:00", 1_800), ("12:31", 60), ("12:30", 86_400), ("12:29", 86_340), ("00:00", 41_400)]
)
def test_until_is_the_next_such_time(until: str, seconds: float) -> None:
    assert seconds_until(until, datetime.datetime(2025, 3, 1, 12, 30)) == seconds


def test_pruning_has_its_share_and_the_end_begins_earlier_by_it(tmp_path: Path) -> None:
    assert End(20, 0.1, 16, 40, 300, 0.2).prune_rollouts(5_000) == 300
    assert End(20, 0.1, 16, 40, None, 0.2).prune_rollouts(5_000) == 1_000
    for none in (End(20, 0.1, 16, 40), End(20, 0.1, 16, 40, 0, 0.2), End(20, 0.1, 16, 40, None, 0.0)):
        assert not none.prunes and not none.prune_rollouts(5_000)
    clock = Clock()
    it = stopping(tmp_path, BudgetLimits(deadline=clock.now + 10_000.0), clock=clock)
    it.end = End(20, 0.1, 16, 40, 300, 0.2)
    assert it.search_deadline() < it.prune_deadline() < it.final_deadline()
    assert it.prune_deadline() - it.search_deadline() == pytest.approx(1.3 * 300 / 4.0)
