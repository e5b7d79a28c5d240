"""Tier 2: the exam's error and its interval."""

from __future__ import annotations

import random
from dataclasses import replace

from optimizer.acceptance.exam import (
    ExamResult,
    Outcome,
    exam_due,
    final_due,
    first_repeat_of,
    look_exam,
    plan_exam,
)
from optimizer.acceptance.presets import FAST
from optimizer.records import Evaluation

SETTINGS = FAST.exam
TASKS = tuple(f"c{n:02}" for n in range(20))


def hold(
    seed: int,
    gain: float,
    *,
    hoped: float,
    uneven: float = 0.0,
    tasks: tuple[str, ...] = TASKS,
    repeats: int = 20,
    final: bool = False,
) -> tuple[ExamResult, float]:
    """One exam against known chances; also the gain on the population, of which ``tasks`` are a sample."""
    rng = random.Random(seed)
    settings = replace(SETTINGS, max_repeats=repeats)
    before = {task: rng.uniform(0.2, 0.8) for task in tasks}
    after = {task: min(1.0, max(0.0, p + gain + rng.gauss(0, uneven))) for task, p in before.items()}
    evaluation = Evaluation({}, {})
    while ask := plan_exam(tasks, evaluation, settings):
        grown = []
        for keys, scores, chances in (
            (ask.candidate, evaluation.candidate, after),
            (ask.champion, evaluation.champion, before),
        ):
            new = dict(scores)
            for task, _ in keys:
                new[task] = (*new.get(task, ()), float(rng.random() < chances[task]))
            grown.append(new)
        evaluation = Evaluation(*grown)
        if result := look_exam(evaluation, settings, hoped=hoped, final=final):
            return result, gain
    raise AssertionError("the last look must decide")


def test_the_first_ask_is_two_fresh_paired_repeats() -> None:
    first = first_repeat_of(2, SETTINGS)
    ask = plan_exam(TASKS, Evaluation({}, {}), SETTINGS, first_repeat=first)
    assert ask.candidate == ask.champion
    assert {repeat for _, repeat in ask.candidate} == {first, first + 1}
    assert len(ask.candidate) == 2 * len(TASKS)


def test_half_an_ask_is_asked_again() -> None:
    half = Evaluation(dict.fromkeys(TASKS, (1.0,)), dict.fromkeys(TASKS[:3], (1.0, 1.0)))
    ask = plan_exam(TASKS, half, SETTINGS)
    assert set(ask.candidate) == {(task, 1) for task in TASKS}
    assert {task for task, _ in ask.champion} == set(TASKS[3:])


def test_no_more_than_max_repeats_and_no_task_no_ask() -> None:
    full = dict.fromkeys(TASKS, (1.0,) * SETTINGS.max_repeats)
    assert not plan_exam(TASKS, Evaluation(full, full), SETTINGS)
    assert not plan_exam((), Evaluation({}, {}), SETTINGS)


def test_a_real_gain_passes_and_its_interval_is_above_zero() -> None:
    result, _ = hold(1, 0.25, hoped=0.3)
    assert result.outcome is Outcome.passed
    assert result.low > 0
    assert "exam passed: better on" in result.reason


def test_a_clear_loss_fails_soon() -> None:
    result, _ = hold(2, -0.25, hoped=0.2)
    assert result.outcome is Outcome.failed
    assert result.repeats <= 5


def test_what_cannot_be_decided_is_unclear() -> None:
    cut = look_exam(Evaluation({}, {}), SETTINGS, hoped=0.1, last=True)
    assert cut is not None and cut.outcome is Outcome.unclear
    assert look_exam(Evaluation({}, {}), SETTINGS, hoped=0.1) is None
    scores = dict.fromkeys(TASKS, (0.0, 1.0))
    same = dict.fromkeys(TASKS, (1.0, 0.0))
    ended = look_exam(Evaluation(scores, same), SETTINGS, hoped=0.02, last=True)
    assert ended is not None and ended.outcome is Outcome.unclear


def test_equal_scores_without_noise_never_pass() -> None:
    scores = dict.fromkeys(TASKS, (1.0, 1.0))
    result = look_exam(Evaluation(scores, scores), SETTINGS, hoped=0.1, last=True)
    assert result is not None and result.outcome is not Outcome.passed


def test_false_passes_stay_under_the_error_that_one_exam_may_spend() -> None:
    """Nothing is better, with noise only and with effects that differ from task to task around nothing."""
    runs = 400
    for uneven, tasks in ((0.0, TASKS), (0.15, TASKS), (0.1, TASKS[:8])):
        passed = sum(
            hold(seed, 0.0, hoped=0.12, uneven=uneven, tasks=tasks, repeats=8)[0].outcome is Outcome.passed
            for seed in range(runs)
        )
        # alpha_each is 1/40; three standard errors of a share measured in 400 runs.
        assert passed / runs <= SETTINGS.alpha_each + 3 * (SETTINGS.alpha_each / runs) ** 0.5


def test_the_interval_covers_although_the_exam_stops_when_it_likes() -> None:
    for gain in (0.0, 0.06, 0.15):
        results = [hold(1000 + seed, gain, hoped=0.2, uneven=0.05, repeats=10) for seed in range(150)]
        covered = sum(result.low <= truth <= result.high for result, truth in results)
        assert covered / 150 >= 0.95
        assert all((result.low > 0) == (result.outcome is Outcome.passed) for result, _ in results)


def test_when_exams_are_due() -> None:
    assert not exam_due(SETTINGS, hoped=0.149, held=0)
    assert exam_due(SETTINGS, hoped=SETTINGS.threshold, held=0)
    assert not exam_due(SETTINGS, hoped=0.5, held=SETTINGS.planned - 1), "the last one is for the end"
    assert final_due(SETTINGS, hoped=0.01, held=SETTINGS.planned - 1)
    assert not final_due(SETTINGS, hoped=0.0, held=0)
    assert not final_due(SETTINGS, hoped=0.5, held=SETTINGS.planned)


def test_the_last_exam_spends_its_budget_and_does_not_lean_high() -> None:
    """Means of 60 exams of a gain of 15 points; a standard error of them is about half a point."""
    leaning = {}
    for final in (False, True):
        results = [hold(seed, 0.15, hoped=0.15, uneven=0.05, repeats=30, final=final)[0] for seed in range(60)]
        passed = [result for result in results if result.outcome is Outcome.passed]
        leaning[final] = sum(result.effect - 0.15 for result in passed) / len(passed)
        if final:
            assert all(result.repeats == 30 for result in passed)
            assert all(result.low > 0 for result in passed)
    assert leaning[False] > 0.02 > leaning[True] > -0.02
