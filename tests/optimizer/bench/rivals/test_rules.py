"""What sets one peer apart from another."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from optimizer.bench.problems.base import Assignment
from optimizer.bench.problems.rich import Rich
from optimizer.bench.rivals import openevolve_run
from optimizer.bench.rivals.base import Metered
from optimizer.bench.rivals.gepa_adapter import Gepa
from optimizer.bench.rivals.greedy import Greedy
from optimizer.bench.rivals.openevolve_run import OpenEvolve
from optimizer.bench.rivals.optuna_study import OptunaStudy
from optimizer.bench.rivals.programs import assignment_of, program_of
from optimizer.errors import RatchetError
from tests.optimizer.bench.plain import Plain

TASKS = tuple(f"s{n}" for n in range(40))


@dataclass(frozen=True)
class Lucky(Plain):
    """Nothing matters; the first rollouts of a campaign score 1 and all later ones 0."""

    first: int = 0
    drawn: list[int] = field(default_factory=list)

    def score(self, assignment: Assignment, task: str, seed: int) -> float:
        self.drawn.append(seed)
        return float(len(self.drawn) <= self.first)


def test_greedy_keeps_what_scores_higher_and_never_what_scores_the_same() -> None:
    problem = Plain(components={"a": ("0", "1", "2"), "b": ("0", "1", "2")})
    finding = Greedy().run(Metered(problem, 300), seed=0)

    scores = [problem.truth(champion) for champion in finding.chain]
    assert scores == [0.0, 0.5, 1.0]
    assert finding.claimed == 1.0


def test_greedy_believes_a_lucky_record_and_its_rerun_measures_it_again() -> None:
    believing = Greedy().run(Metered(Lucky(first=3), 60), seed=0)
    assert believing.chain == (believing.champion,)

    # The second candidate of the rerun rule meets an incumbent that scores 0 by then, as it does itself: no keep. But
    # a lucky candidate beside an unlucky incumbent is kept with the score that it had.
    lucky = Lucky(first=0)
    rerun = Greedy(rerun=True).run(Metered(lucky, 60), seed=0)
    assert rerun.candidates == 9  # 3 tasks for the baseline, 6 for each candidate and its incumbent
    assert believing.candidates == 19


def test_no_two_rollouts_of_a_campaign_share_a_seed() -> None:
    problem = Lucky()
    Greedy().run(Metered(problem, 60), seed=0)
    Greedy().run(Metered(problem, 60), seed=1)

    assert len(set(problem.drawn)) == len(problem.drawn) == 120


def test_the_wilcoxon_pruner_saves_rollouts_on_what_is_worse() -> None:
    problem = Plain(search=TASKS, components={"a": ("1", "0", "0 too"), "b": ("1", "0", "0 too")})
    plain = OptunaStudy("tpe", trials=None).run(Metered(problem, 400), seed=0)
    pruned = OptunaStudy("wilcoxon", trials=None, pruned=True).run(Metered(problem, 400), seed=0)

    assert plain.candidates == 9
    assert pruned.candidates > plain.candidates


@pytest.mark.parametrize(("trials", "tasks"), [(1, 40), (2, 40), (5, 20), (1000, 10)])
def test_a_trial_is_over_as_many_tasks_as_leave_the_trials_wanted(trials: int, tasks: int) -> None:
    finding = OptunaStudy("tpe", trials=trials).run(Metered(Plain(search=TASKS), 100), seed=0)

    assert finding.candidates == 100 // tasks - 1


def test_gepa_tries_a_proposal_on_a_minibatch_before_the_validation_set() -> None:
    problem = Plain(search=TASKS, components={"a": ("1", "0"), "b": ("1", "0")})  # whatever is proposed is worse
    metered = Metered(problem, 20 + 6 * 5)
    finding = Gepa(minibatch=3, skip_perfect=False).run(metered, seed=0)

    assert finding.candidates == 5
    assert metered.spent == metered.budget


@pytest.mark.parametrize("seed", [0, 2])
def test_a_merge_of_gepa_that_is_kept_was_offered_like_any_other_candidate(seed: int) -> None:
    finding = Gepa().run(Metered(Rich(seed), 1500), seed=seed)

    offered = [candidate for _, candidate in finding.offered]
    assert all(champion in offered for champion in finding.chain[1:])


def test_a_program_says_the_assignment_it_was_made_from() -> None:
    assignment = {"part-0": "option: 1", "part-1": ""}
    assert assignment_of(program_of(assignment)) == assignment


def test_an_openevolve_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openevolve_run, "CHILD", "optimizer.bench.rivals.no_such_module")

    with pytest.raises(RatchetError, match=r"exit code 1.*no_such_module"):
        OpenEvolve().run(Metered(Plain(), 20), seed=0)
