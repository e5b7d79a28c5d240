"""The runner: every score is paid for, stored, counted once, and in the order asked."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from optimizer.errors import BudgetExceeded, SandboxError, SettingsError
from optimizer.evaluation.base import Stopped
from optimizer.evaluation.budget import BudgetLimits
from optimizer.evaluation.runner import RunnerSettings, session_seed
from optimizer.evaluation.trajectories import read_kept
from optimizer.records import RolloutKey, Split, Status


def test_rollouts_come_in_the_order_asked(bench: Any) -> None:
    wanted = bench.wanted(6)[::-1]
    rollouts = bench.run("double", wanted)
    assert [rollout.key for rollout in rollouts] == [
        RolloutKey("double", "sha256:tiny", task.id, seed) for task, seed in wanted
    ]
    assert [(r.status, r.score, r.reason, r.steps) for r in rollouts] == [(Status.ok, 1.0, "", 3)] * 6
    assert [r.answer for r in rollouts] == [str(2 * int(task.prompt)) for task, _ in wanted]
    assert all(rollout.spend.rollouts == 1 and rollout.spend.seconds > 0 for rollout in rollouts)
    assert set(bench.store.finished.values()) == set(rollouts)
    assert set(bench.store.started.values()) == {"search"}
    assert bench.budget.spent.rollouts == 6


def test_what_is_known_costs_nothing(bench: Any) -> None:
    first = bench.run("double", bench.wanted(3))
    again = bench.run("double", bench.wanted(5))
    assert again[:3] == first
    assert bench.budget.spent.rollouts == 5
    assert [(purpose, cached) for _, purpose, cached in bench.seen].count(("search", True)) == 3
    assert len(bench.door.opened) == 5


def test_the_same_rollout_asked_twice_runs_once(bench: Any) -> None:
    wanted = bench.wanted(1) * 3
    rollouts = bench.run("double", wanted)
    assert len(rollouts) == 3
    assert len(set(rollouts)) == 1
    assert bench.budget.spent.rollouts == 1


def test_seeds_and_trees_are_told_apart(bench: Any) -> None:
    bench.run("double", [*bench.wanted(1), *bench.wanted(1, seed=1)])
    bench.run("wrong", bench.wanted(1))
    assert bench.budget.spent.rollouts == 3
    sessions = {session: seed for session, seed, _ in bench.door.opened}
    # The same luck for champion and variant, another for another repeat.
    assert sessions["double/search-1/0"] == sessions["wrong/search-1/0"] != sessions["double/search-1/1"]
    assert 0 <= session_seed(RolloutKey("t", "s", "x", 1)) < 1 << 63


@pytest.mark.parametrize(
    ("order", "status", "reason"),
    [
        ("raise too bad", Status.crash, "ValueError: too bad"),
        ("silent", Status.crash, "it ended with exit code 0 before its entry returned"),
        ("malformed", Status.crash, "its result.json is not JSON: JSONDecodeError"),
        ("give-up", Status.ok, "step_limit: 8 steps"),
        ("wrong", Status.ok, ""),
    ],
)
def test_failures_score_nothing_and_say_why(bench: Any, order: str, status: Status, reason: str) -> None:
    (rollout,) = bench.run(order, bench.wanted(1))
    assert (rollout.status, rollout.score) == (status, 0.0)
    assert rollout.reason == reason or rollout.reason.startswith(f"{reason} | Traceback")
    assert bench.budget.spent.rollouts == 1


@pytest.mark.parametrize("settings", [RunnerSettings(rollout_timeout_s=0.3)])
def test_a_rollout_that_takes_too_long_counts_as_a_timeout(bench: Any) -> None:
    rollouts = bench.run("sleep-on search-2", bench.wanted(3))
    assert [r.status for r in rollouts] == [Status.ok, Status.timeout, Status.ok]
    assert rollouts[1].reason == "still running after 0.3 s"


def test_what_the_model_cost_is_the_rollouts_cost(bench: Any) -> None:
    rollouts = bench.run("ask", bench.wanted(4))
    assert [rollout.spend.tokens for rollout in rollouts] == [10] * 4
    assert bench.budget.spent.tokens == 40
    assert bench.budget.spent.calls == 4


@pytest.mark.parametrize("settings", [RunnerSettings(rollout_tokens=500)])
def test_the_door_is_told_the_limit_of_a_rollout(bench: Any) -> None:
    bench.run("double", bench.wanted(1))
    assert [limit for _, _, limit in bench.door.opened] == [500]


@pytest.mark.parametrize("limits", [BudgetLimits(rollouts=5)])
def test_nothing_is_run_that_the_budget_does_not_cover(bench: Any) -> None:
    bench.run("double", bench.wanted(3))
    with pytest.raises(BudgetExceeded, match="3 rollouts for search, 2 left"):
        bench.run("wrong", bench.wanted(3))
    assert len(bench.door.opened) == 3
    # What is known is not asked for again.
    assert len(bench.run("double", bench.wanted(5))) == 5


@pytest.mark.parametrize("limits", [BudgetLimits(rollouts=6)])
def test_the_holdout_always_fits(bench: Any) -> None:
    bench.budget.reserve_for("holdout", rollouts=4)
    bench.run("double", bench.wanted(2))
    with pytest.raises(BudgetExceeded):
        bench.run("double", bench.wanted(3))
    assert len(bench.run("double", bench.wanted(4, Split.holdout), purpose="holdout")) == 4


@pytest.mark.parametrize("limits", [BudgetLimits(tokens=35)])
def test_a_rollout_whose_calls_were_refused_is_no_measurement(bench: Any) -> None:
    with pytest.raises(BudgetExceeded, match="used up during search: 5 tokens"):
        bench.run("ask", bench.wanted(6))
    assert bench.budget.spent.tokens == 30
    assert len(bench.store.finished) <= 3
    assert all(rollout.score == 1.0 for rollout in bench.store.finished.values())
    assert bench.budget.spent.rollouts == len(bench.store.finished)


def test_at_the_deadline_the_running_ones_are_ended_and_not_counted(bench: Any) -> None:
    started = time.monotonic()
    with pytest.raises(Stopped) as caught:
        bench.run("sleep-on search-2", bench.wanted(8), deadline=started + 0.8)
    assert time.monotonic() - started < 1.8
    assert caught.value.reason == "deadline"
    assert "search-2" not in {rollout.key.task for rollout in caught.value.finished}
    assert set(caught.value.finished) == set(bench.store.finished.values())
    assert bench.budget.spent.rollouts == len(caught.value.finished)


def test_past_the_deadline_nothing_is_started(bench: Any) -> None:
    with pytest.raises(Stopped, match="deadline: 0 rollouts"):
        bench.run("double", bench.wanted(2), deadline=time.monotonic() - 1)
    assert bench.door.opened == []


def test_cancel_ends_the_running_ones_at_once(bench: Any) -> None:
    cancel = threading.Event()
    timer = threading.Timer(0.5, cancel.set)
    timer.start()
    started = time.monotonic()
    with pytest.raises(Stopped) as caught:
        bench.run("sleep-on search-1", bench.wanted(8), cancel=cancel)
    assert time.monotonic() - started < 1.5
    assert caught.value.reason == "cancelled"
    assert bench.budget.spent.rollouts == len(bench.store.finished) == len(caught.value.finished)
    timer.join()


def test_an_interrupt_leaves_nothing_running(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(rollout: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.store, "finish", interrupt)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        bench.run("sleep-on search-1", bench.wanted(4))
    assert time.monotonic() - started < 2.0


@pytest.mark.parametrize("score", [2.0, -0.1, float("nan"), float("inf"), "1", None])
def test_a_broken_grader_is_no_score(bench: Any, monkeypatch: pytest.MonkeyPatch, score: object) -> None:
    monkeypatch.setattr(bench.suite, "grade", lambda task, answer: score, raising=False)
    with pytest.raises(SettingsError, match=r"scored task 'search-1' .*, expected a number from 0 to 1") as raised:
        bench.run("double", bench.wanted(1))
    assert repr(score) in raised.value.message and "mend the grader" in raised.value.hint


def test_a_grader_that_fails_is_named(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def grade(task: object, answer: object) -> float:
        raise KeyError("weights")

    monkeypatch.setattr(bench.suite, "grade", grade, raising=False)
    with pytest.raises(SettingsError, match="grader failed on task 'search-1': KeyError: 'weights'"):
        bench.run("double", bench.wanted(1))


def test_no_sandbox_no_score(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def run(self, launch: object, *, cancel: object = None) -> None:
            raise SandboxError("no processes left")

    monkeypatch.setattr(bench.runner, "_sandbox", Broken())
    with pytest.raises(SandboxError, match="no processes left"):
        bench.run("double", bench.wanted(3))
    assert bench.store.finished == {}


def test_a_few_trajectories_of_failures_are_kept(bench: Any) -> None:
    bench.run("wrong", bench.wanted(8), label="experiment-7")
    names = sorted(path.name for path in bench.kept.iterdir())
    assert names == [f"experiment-7--search-{number}--0.jsonl.zlib" for number in (1, 2, 3)]
    assert read_kept(bench.kept / names[0]) == '{"task": "search-1", "order": "wrong"}\n'
    bench.run("double", bench.wanted(8), label="experiment-8")
    bench.run("wrong", bench.wanted(8, Split.holdout), label="experiment-9", purpose="holdout")
    assert len(list(bench.kept.iterdir())) == 3


@pytest.mark.parametrize("settings", [replace(RunnerSettings(), trajectories_bytes=100)])
def test_kept_trajectories_are_bounded_altogether(bench: Any) -> None:
    for number in range(4):
        bench.run("wrong", bench.wanted(2, seed=number), label=f"experiment-{number}")
    kept = list(bench.kept.iterdir())
    assert sum(path.stat().st_size for path in kept) <= 100
    assert {path.name.split("--")[0] for path in kept} == {"experiment-3"}
