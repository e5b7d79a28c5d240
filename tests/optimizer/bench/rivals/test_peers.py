"""What every peer keeps to, whatever it does inside: the budget, the chain, its own word, the seed."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import pytest

from optimizer.bench import roster
from optimizer.bench.problems.base import Keys, Problem, baseline_of, check_options
from optimizer.bench.problems.chances import Sizes
from optimizer.bench.problems.rich import Rich, RichWorld
from optimizer.bench.problems.scarce import Scarce, ScarceWorld
from optimizer.bench.rivals.base import Finding, Metered
from optimizer.errors import SettingsError

PEERS = ["greedy", "greedy-rerun", "tpe", "wilcoxon", "gepa", "openevolve", "random"]
ONE_EDIT = ["greedy", "greedy-rerun", "gepa", "openevolve"]
SIZES = Sizes(search=16, certify=2, holdout=1, population=20)
BUDGET = 330
"""Twenty runs over the search tasks, and a rest that no run fits into."""


@pytest.mark.parametrize("problem", ["rich", "stream"])
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_spends_its_budget_and_no_more(name: str, problem: str) -> None:
    metered, finding = _campaign(name, problem)

    assert metered.spent <= BUDGET
    assert finding.candidates == len(finding.offered) > 0
    if problem == "rich":
        assert metered.left < SIZES.search  # not one run over the search tasks more


@pytest.mark.parametrize("problem", ["rich", "stream"])
@pytest.mark.parametrize("name", PEERS)
def test_the_chain_starts_at_the_baseline_and_holds_assignments_of_the_problem(name: str, problem: str) -> None:
    metered, finding = _campaign(name, problem)

    assert finding.chain[0] == baseline_of(metered.problem)
    assert finding.chain[-1] == finding.champion
    for assignment in [*finding.chain, *(one for pair in finding.offered for one in pair)]:
        Keys(metered.problem)(assignment)
        check_options(metered.problem, assignment)


@pytest.mark.parametrize("problem", ["rich", "stream"])
@pytest.mark.parametrize("name", PEERS)
def test_what_was_kept_was_offered_to_the_champion_of_then(name: str, problem: str) -> None:
    _, finding = _campaign(name, problem)

    pairs = [(dict(then), dict(candidate)) for then, candidate in finding.offered]
    assert all(
        any(candidate == kept for _, candidate in pairs) for kept in (dict(champion) for champion in finding.chain[1:])
    )
    assert all(then in [dict(champion) for champion in finding.chain] for then, _ in pairs)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_claims_what_its_own_record_shows(name: str) -> None:
    _, finding = _campaign(name, "rich")

    assert finding.claimed is not None and math.isfinite(finding.claimed) and -1.0 <= finding.claimed <= 1.0
    assert finding.certified == (finding.claimed > 0)
    assert finding.own_s >= 0.0


@pytest.mark.parametrize("name", PEERS)
def test_the_same_seed_gives_the_same_finding_and_another_seed_another(name: str) -> None:
    _, once = _campaign(name, "rich")
    _, again = _run(name, _problem("rich"), seed=7)
    _, other = _run(name, _problem("rich"), seed=8)

    assert replace(again, own_s=0.0) == replace(once, own_s=0.0)
    assert other.offered != once.offered


@pytest.mark.parametrize("name", ONE_EDIT)
def test_on_a_stream_edits_are_met_once_each_and_in_order(name: str) -> None:
    metered, finding = _campaign(name, "stream")

    met = list(metered.problem.components)[: finding.candidates]
    for edit, (_, candidate) in zip(met, finding.offered, strict=True):
        assert candidate[edit] == "on"
        later = list(metered.problem.components)[len(met) :]
        assert all(candidate[name] == "off" for name in later)


@pytest.mark.parametrize("name", PEERS)
def test_without_a_rollout_the_baseline_is_handed_over(name: str) -> None:
    _, finding = _run(name, _problem("rich"), seed=7, budget=0)

    assert finding.chain == (finding.champion,) == (baseline_of(_problem("rich")),)
    assert (finding.claimed, finding.certified, finding.candidates) == (0.0, False, 0)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_finds_what_is_easy_to_find(name: str) -> None:
    metered, finding = _campaign(name, "rich")

    assert metered.problem.truth(finding.champion) > metered.problem.truth(finding.chain[0]) + 0.1


def test_a_missing_package_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(roster.NEEDS, "gepa", ("a_package_that_nobody_has",))

    with pytest.raises(SettingsError) as caught:
        roster.rival_of("gepa")

    assert "a_package_that_nobody_has" in caught.value.message
    assert "ratchet-harness[bench]" in caught.value.hint


@cache
def _campaign(name: str, problem: str) -> tuple[Metered, Finding]:
    return _run(name, _problem(problem), seed=7)


def _run(name: str, problem: Problem, *, seed: int, budget: int = BUDGET) -> tuple[Metered, Finding]:
    metered = Metered(problem, budget)
    return metered, roster.rival_of(name).run(metered, seed=seed)


@cache
def _problem(name: str) -> Problem:
    if name == "rich":
        return Rich(3, RichWorld(components=3, options=4, sizes=SIZES))
    return Scarce(3, ScarceWorld(edits=12, helpful=0.5, sizes=SIZES))
