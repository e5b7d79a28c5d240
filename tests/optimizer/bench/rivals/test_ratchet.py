"""Ratchet on the bench is a real campaign: what it hands over stands on its branch and in its ledger."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from optimizer.bench.measuring import measured
from optimizer.bench.problems.base import Problem, baseline_of
from optimizer.bench.problems.rich import Rich
from optimizer.bench.problems.scarce import Scarce, ScarceWorld
from optimizer.bench.rivals.base import Metered
from optimizer.bench.rivals.ratchet import Ratchet
from optimizer.errors import SettingsError

WORLD = replace(ScarceWorld(), edits=30, helpful=0.3, gain_low=0.08, gain_high=0.2)


@pytest.mark.parametrize("problem", [Rich(seed=3), Scarce(seed=3, world=WORLD)], ids=["rich", "stream"])
def test_what_is_handed_over_is_what_was_measured(problem: Problem) -> None:
    metered = Metered(problem, 1_500)
    finding = Ratchet().run(metered, seed=5)
    assert 1_000 < metered.spent <= 1_500
    assert finding.chain[0] == baseline_of(problem) and finding.champion == finding.chain[-1]
    assert all(before != after for before, after in itertools.pairwise(finding.chain))
    assert finding.certified == (finding.claimed is not None)
    assert finding.candidates == len(finding.offered) > 3
    assert all(set(after) == set(problem.components) for _, after in finding.offered)
    assert 0 < finding.own_s < 60
    found = measured(problem, metered, finding)
    assert found.working_gain > 0.03, "what helps helps a lot here"
    assert (found.keeps > 0) == (len(finding.chain) > 1)


def test_a_stream_is_offered_one_edit_at_a_time_in_declared_order() -> None:
    problem = Scarce(seed=4, world=WORLD)
    finding = Ratchet().run(Metered(problem, 1_200), seed=4)
    order = []
    for champion, candidate in finding.offered:
        (changed,) = [name for name in problem.components if champion[name] != candidate[name]]
        order.append(changed)
    assert order[:8] == list(problem.components)[:8]


def test_the_same_seed_finds_the_same() -> None:
    one, two = (Ratchet().run(Metered(Rich(seed=3), 900), seed=1) for _ in range(2))
    assert replace(one, own_s=0.0) == replace(two, own_s=0.0)


def test_a_budget_without_room_for_an_experiment_is_refused() -> None:
    with pytest.raises(SettingsError, match="got 20 rollouts, expected at least"):
        Ratchet().run(Metered(Rich(seed=3), 20), seed=1)
