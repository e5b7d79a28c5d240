"""What holds for every problem of the roster: its score is a pure function, and its truth is the mean of its scores."""

from __future__ import annotations

import statistics
import subprocess
import sys

import pytest

from optimizer.bench.problems.base import Assignment, Problem, baseline_of
from optimizer.bench.roster import PROBLEMS, problem_of

CHANCY = ("rich", "scarce", "null", "null-harm", "trap", "interaction", "deterministic")
SCORES = """
import sys
from optimizer.bench.problems.base import baseline_of
from optimizer.bench.roster import problem_of
problem = problem_of(sys.argv[1], 3)
print([problem.score(baseline_of(problem), task, seed) for task in problem.certify for seed in (0, -5, 2**70)])
"""


def changed(problem: Problem, number: int) -> Assignment:
    """Some assignment that is not the baseline: every third component has another option."""
    return {
        component: options[(number + place) % len(options)] if place % 3 == number % 3 else options[0]
        for place, (component, options) in enumerate(problem.components.items())
    }


@pytest.fixture(params=CHANCY)
def problem(request: pytest.FixtureRequest) -> Problem:
    return problem_of(request.param, 3)


def test_it_is_what_its_name_says(problem: Problem) -> None:
    assert PROBLEMS[problem.name]
    assert problem.deterministic == (problem.name == "deterministic")
    assert problem.stream == (problem.name in ("scarce", "null", "null-harm"))
    splits = [*problem.search, *problem.certify, *problem.holdout]
    assert len(set(splits)) == len(splits)
    assert all(len(set(options)) == len(options) > 1 for options in problem.components.values())


def test_a_score_depends_on_nothing_but_its_arguments(problem: Problem) -> None:
    again = problem_of(problem.name, problem.seed)
    wanted = [(changed(problem, n), task, seed) for n in range(3) for task in problem.search[:5] for seed in range(3)]
    first = [problem.score(*one) for one in wanted]
    assert [again.score(*one) for one in reversed(wanted)] == first[::-1]
    assert all(0.0 <= score <= 1.0 for score in first)


def test_another_process_gets_the_same_scores(problem: Problem) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCORES, problem.name], capture_output=True, text=True, check=True, timeout=60
    )
    baseline = baseline_of(problem)
    scores = [problem.score(baseline, task, seed) for task in problem.certify for seed in (0, -5, 2**70)]
    assert done.stdout.strip() == str(scores)


def test_the_truth_is_the_mean_of_the_scores(problem: Problem) -> None:
    """On the tasks that can be run: they are a sample of the population, so within five standard errors of it."""
    for assignment in (baseline_of(problem), changed(problem, 1)):
        unseen = (*problem.certify, *problem.holdout)
        seeds = range(1 if problem.deterministic else 40)
        means = [statistics.fmean(problem.score(assignment, task, seed) for seed in seeds) for task in unseen]
        error = max(statistics.stdev(means), 0.05) / len(means) ** 0.5
        assert abs(statistics.fmean(means) - problem.truth(assignment)) < 5 * error


def test_different_harnesses_draw_independently() -> None:
    """Two harnesses of the same chances agree no more often than chance has it."""
    null = problem_of("null", 3)
    one, other = baseline_of(null), changed(null, 1)
    assert null.truth(one) == null.truth(other)
    pairs = [(null.score(one, task, n), null.score(other, task, n)) for task in null.search for n in range(60)]
    chances = [statistics.fmean(null.score(one, task, n) for n in range(100, 160)) for task in null.search]
    by_chance = statistics.fmean(p * p + (1 - p) * (1 - p) for p in chances)
    assert abs(statistics.fmean(a == b for a, b in pairs) - by_chance) < 0.05


def test_different_tasks_and_seeds_draw_independently() -> None:
    """On one task the number of passes spreads as a binomial's does."""
    null = problem_of("null", 4)
    baseline = baseline_of(null)
    passes = [[null.score(baseline, task, seed) for seed in range(200)] for task in null.search]
    halves = [(statistics.fmean(row[:100]), statistics.fmean(row[100:])) for row in passes]
    expected = statistics.fmean((p + q) / 2 * (1 - (p + q) / 2) * 2 / 100 for p, q in halves)
    assert 0.5 < statistics.fmean((p - q) ** 2 for p, q in halves) / expected < 2.0
