"""The navigator as a problem: its space as components and options, and real rollouts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimizer.assemble import Request, plan_campaign
from optimizer.assemble.founding import found
from optimizer.bench.problems.base import baseline_of
from optimizer.bench.problems.navigator import Navigator, levels
from search_space.domains import Choice, FloatRange, IntRange
from search_space.harness import harness_from_files


@pytest.fixture(scope="module")
def navigator() -> Iterator[Navigator]:
    problem = Navigator(3)
    yield problem
    problem.close()


def test_ranges_are_taken_at_a_few_levels() -> None:
    assert levels(Choice((None, "a", 2))) == [None, "a", 2]
    assert levels(IntRange(1, 4)) == [1, 2, 3, 4]
    assert levels(IntRange(10, 90, step=10)) == [10, 30, 50, 70, 90]
    assert levels(FloatRange(0.0, 2.0)) == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert levels(FloatRange(1.0, 1.0)) == [1.0]


def test_a_campaign_that_is_here_already_is_no_part_of_the_problem(
    navigator: Navigator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planned = plan_campaign(Request(Path("navigator"), no_holdout=True))
    found(planned)
    assert plan_campaign(Request(Path("navigator"), no_holdout=True)).resumes
    again = Navigator(navigator.seed)
    assert not again._planned.resumes, "else its baseline would be the champion that stands there"
    assert again.variant(baseline_of(again)) == navigator.variant(baseline_of(navigator))


def test_the_baseline_is_the_shipped_harness_and_every_assignment_makes_a_harness(navigator: Navigator) -> None:
    baseline, draws = baseline_of(navigator), random.Random(5)
    tree, files = navigator.variant(baseline)
    assert "prompts/system.md" in files
    trees = {tree}
    for _ in range(40):
        drawn = {name: draws.choice(options) for name, options in navigator.components.items()}
        tree, files = navigator.variant(drawn)
        harness_from_files(files)
        trees.add(tree)
    assert len(trees) == 41
    lead = {**baseline, "method.lead": "method.verify"}
    assert navigator.variant(lead) == navigator.variant(baseline), "a lead that is not in the prompt counts for nothing"
    assert navigator.variant({**lead, "method.verify": "in"})[0] not in trees


def test_the_truth_is_measured_on_many_questions_that_nobody_else_sees(navigator: Navigator) -> None:
    assert len(navigator.holdout) == 400 and not navigator.exact
    assert not (set(navigator.search) | set(navigator.certify)) & set(navigator.holdout)


def test_a_rollout_is_a_real_one(navigator: Navigator) -> None:
    baseline = baseline_of(navigator)
    scores = [navigator.score(baseline, task, seed) for task in navigator.search[:4] for seed in (1, 2)]
    assert set(scores) == {0.0, 1.0}
