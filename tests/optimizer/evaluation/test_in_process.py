"""Rollouts that are calls: paid for, stored, counted once; and what becomes of a function that does something else."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import BudgetExceeded, SettingsError
from optimizer.evaluation.base import Stopped, Wanted
from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.evaluation.cache import MemoryStore
from optimizer.evaluation.in_process import InProcessRunner, checked
from optimizer.records import Rollout, RolloutKey, Split, Status, Task

SUITE = "sha256:calls"


class Bench:
    """A runner on a function, its store and its budget."""

    def __init__(self, score: Callable[[Any, str, int], object], rollouts: int = 100) -> None:
        self.store, self.budget = MemoryStore(), Budget(BudgetLimits(rollouts=rollouts))
        self.told: list[tuple[str, str, bool]] = []
        self.runner = InProcessRunner(
            score,
            suite=SUITE,
            store=self.store,
            budget=self.budget,
            view=lambda files: files["text"].decode(),
            on_rollout=lambda rollout, purpose, cached: self.told.append((rollout.key.task, purpose, cached)),
        )

    def run(self, count: int, *, seed: int = 0, **keywords: Any) -> list[Rollout]:
        wanted = [(Task(f"t{number}", Split.search, ""), seed) for number in range(count)]
        keywords = {"deadline": math.inf, "purpose": "search", **keywords}
        return self.runner.run("tree", {"text": b"good"}, wanted, **keywords)


def test_words_beside_a_score_are_kept_with_it() -> None:
    rollout, *_ = Bench(lambda *_: (0.5, "half of it " + "was right " * 100)).run(1)
    assert (rollout.status, rollout.score) == (Status.ok, 0.5)
    assert rollout.reason.startswith("half of it was right") and len(rollout.reason) == 500


def test_every_call_is_a_rollout_in_the_order_asked() -> None:
    calls: list[tuple[str, str, int]] = []

    def score(harness: str, task: str, seed: int) -> float:
        calls.append((harness, task, seed))
        return 0.1 * len(calls)

    bench = Bench(score)
    rollouts = bench.run(3, seed=7)
    assert calls == [("good", f"t{number}", 7) for number in range(3)]
    assert [rollout.key for rollout in rollouts] == [RolloutKey("tree", SUITE, f"t{n}", 7) for n in range(3)]
    assert [rollout.score for rollout in rollouts] == pytest.approx([0.1, 0.2, 0.3])
    assert all(rollout.status is Status.ok and rollout.spend.rollouts == 1 for rollout in rollouts)
    assert bench.budget.spent.rollouts == 3
    assert bench.run(4, seed=7)[:3] == rollouts, "what is known is not measured again"
    assert (len(calls), bench.budget.spent.rollouts) == (4, 4)
    assert [cached for _, _, cached in bench.told] == [False] * 3 + [True] * 3 + [False]


def test_two_variants_side_by_side() -> None:
    bench = Bench(lambda harness, task, seed: 1.0 if harness == "good" else 0.0)
    task = Task("t", Split.search, "")
    asked = [Wanted("a", {"text": b"good"}, [(task, 1), (task, 1)]), Wanted("b", {"text": b"bad"}, [(task, 1)])]
    ours, theirs = bench.runner.run_together(asked, deadline=math.inf, purpose="search")
    assert [[rollout.score for rollout in side] for side in (ours, theirs)] == [[1.0, 1.0], [0.0]]
    assert bench.budget.spent.rollouts == 2, "asked for twice, run once"


@given(st.lists(st.integers(0, 7), max_size=12), st.integers(0, 30))
def test_the_budget_is_never_overrun(counts: list[int], budget: int) -> None:
    calls: list[str] = []
    bench = Bench(lambda harness, task, seed: float(calls.append(task) is None), rollouts=budget)
    for seed, count in enumerate(counts):
        left = budget - len(calls)
        if count > left:
            with pytest.raises(BudgetExceeded):
                bench.run(count, seed=seed)
        else:
            bench.run(count, seed=seed)
        assert len(calls) == bench.budget.spent.rollouts == len(bench.store.finished) <= budget


def test_an_exception_is_a_crashed_rollout() -> None:
    def score(harness: str, task: str, seed: int) -> float:
        if task == "t1":
            raise KeyError("no such column")
        return 1.0

    rollouts = Bench(score).run(3)
    assert [rollout.status for rollout in rollouts] == [Status.ok, Status.crash, Status.ok]
    assert (rollouts[1].score, rollouts[1].reason) == (0.0, "KeyError: 'no such column'")


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.01, 1.2, "0.5", None, [0.5], 1j])
def test_what_is_no_score_ends_it_and_nothing_is_lost(wrong: object) -> None:
    bench = Bench(lambda harness, task, seed: wrong if task == "t2" else 0.5)
    with pytest.raises(SettingsError, match=r"task 't2' and seed 0, expected a number from 0 to 1") as raised:
        bench.run(4)
    assert repr(wrong) in raised.value.message and type(wrong).__name__ in raised.value.message
    assert sorted(key.task for key in bench.store.finished) == ["t0", "t1"]
    assert bench.budget.spent.rollouts == 2
    assert set(bench.store.started) == set(bench.store.finished), "what was begun and not measured is let go"


@pytest.mark.parametrize("value", [0, 1, 0.25, True, np.float32(0.5), np.float64(1.0), np.int64(1)])
def test_any_number_will_do(value: Any) -> None:
    assert checked(value, "t", 0) == float(value)


def test_the_deadline_and_a_cancel_are_seen_between_calls() -> None:
    cancel, bench = threading.Event(), Bench(lambda harness, task, seed: cancel.set() or 1.0 if task == "t1" else 0.0)
    with pytest.raises(Stopped) as stopped:
        bench.run(4, cancel=cancel)
    assert (stopped.value.reason, [one.score for one in stopped.value.finished]) == ("cancelled", [0.0, 1.0])
    assert bench.budget.spent.rollouts == len(bench.store.finished) == 2
    with pytest.raises(Stopped, match="deadline: 2 rollouts had finished"):
        bench.run(4, deadline=time.monotonic())
    assert len(bench.run(4)) == 4, "what was stopped is gone on with"
    assert bench.budget.spent.rollouts == 4


def test_what_took_long_is_written_down_at_once() -> None:
    """A kill in a later call would not lose it."""
    there: list[int] = []

    def score(harness: str, task: str, seed: int) -> float:
        there.append(len(bench.store.finished))
        time.sleep(0.12)
        return 0.5

    bench = Bench(score)
    bench.run(3)
    assert there == [0, 1, 2]
