"""Score, tie-breaks and constraints together."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.constraints import Constraint, Costs
from optimizer.acceptance.objective import Objective, baseline_costs, decide
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import FAST
from optimizer.acceptance.working import look
from optimizer.records import Decision, Evaluation, Spend, Verdict
from optimizer.standing import Standing

SETTINGS = replace(FAST.working, max_passes=3)
ORDER = tuple(f"t{n:02}" for n in range(20))
CHEAP = Objective((Constraint("tokens", at_most_rise=0.1), Constraint("rounds", at_most=5.0)))
NOTHING = Costs()


def spend(tokens: int, calls: int = 3) -> Spend:
    return Spend(rollouts=1, calls=calls, input_tokens=tokens)


def champion(score: float) -> Pool:
    """Half of three rollouts on each task succeed, so to say."""
    return Pool().absorb(dict.fromkeys(ORDER, (score - 0.1, score, score + 0.1)))


def evaluation(score: float, tokens: int, passes: int = 3, calls: int = 3) -> Evaluation:
    scores = {task: (score + (0.1 if n % 2 else -0.1),) * passes for n, task in enumerate(ORDER)}
    return Evaluation(
        scores,
        {},
        candidate_costs={
            task: (spend(tokens, calls), spend(tokens + 10, calls), spend(tokens - 10, calls))[:passes]
            for task in ORDER
        },
    )


def known(tokens: int) -> Costs:
    costs = {task: (spend(tokens), spend(tokens + 10), spend(tokens - 10)) for task in ORDER}
    return NOTHING.absorb(costs, CHEAP.compared, lambda task: 0)


def answer(pool: Pool, found: Evaluation, objective: Objective = CHEAP, *, simplicity: int = 0) -> Decision | None:
    return decide(pool, found, SETTINGS, ORDER, objective, baseline=known(1_000), simplicity=simplicity).decision


def test_a_keep_within_its_limits_stands() -> None:
    kept = answer(champion(0.5), evaluation(0.9, 1_050))
    assert kept is not None and kept.verdict is Verdict.keep and not kept.refused
    assert replace(kept, chance=None) == look(champion(0.5), evaluation(0.9, 1_050), SETTINGS, ORDER)


def test_a_keep_that_costs_too_much_is_refused_in_numbers() -> None:
    refused = answer(champion(0.5), evaluation(0.9, 1_400))
    assert refused is not None and refused.verdict is Verdict.discard
    assert refused.refused == "tokens" and "refused: tokens rises by 40.0%" in refused.reason
    assert refused.effect and refused.effect > 0, "what was measured stays"
    slow = answer(champion(0.5), evaluation(0.9, 1_000, calls=9))
    assert slow is not None and slow.refused == "rounds"


def test_what_could_be_kept_but_costs_too_much_is_not_measured_to_the_end() -> None:
    found = evaluation(0.53, 1_400, passes=1)
    assert look(champion(0.5), found, SETTINGS, ORDER) is None
    refused = answer(champion(0.5), found)
    assert refused is not None and refused.verdict is Verdict.discard and refused.refused == "tokens"
    few = Evaluation(
        {task: found.candidate[task] for task in ORDER[:10]},
        {},
        candidate_costs={task: found.candidate_costs[task] for task in ORDER[:10]},
    )
    assert answer(champion(0.5), few) is None, "no keep could be decided on so little either"


def test_a_simplification_must_keep_the_limits_too() -> None:
    # A hair above the champion at the cap: not better than most edits, and not worse by the margin.
    found = evaluation(0.505, 1_000)
    assert (dropped := answer(champion(0.5), found)) is not None and dropped.verdict is Verdict.discard
    kept = answer(champion(0.5), found, simplicity=1)
    assert kept is not None and kept.verdict is Verdict.keep and kept.simplification and kept.chance is None
    refused = answer(champion(0.5), evaluation(0.505, 1_400), simplicity=1)
    assert refused is not None and refused.refused == "tokens" and not refused.simplification
    assert refused.conceded == 0.0, "what is refused takes nothing of the margin"


def test_what_only_takes_away_is_a_simplification_without_any_setting() -> None:
    more, less = {"prompts/system.md": b"one two three"}, {"prompts/system.md": b"one three"}
    assert Objective().simplicity(more, less) == 1
    assert Objective().simplicity(less, more) == 0, "what is longer is not held against an edit unless one says so"
    assert Objective(tie_breaks=("prompt_tokens",)).simplicity(less, more) == -1
    other = {"prompts/system.md": b"four"}
    assert Objective().simplicity(more, other) == 0 < Objective(tie_breaks=("prompt_tokens",)).simplicity(more, other)


PAYS = Objective((Constraint("tokens", at_most_rise=0.1, unless_gain=0.02),))


def test_a_limit_is_lifted_for_what_pays() -> None:
    kept = answer(champion(0.5), evaluation(0.9, 1_400), PAYS)
    assert kept is not None and kept.verdict is Verdict.keep and not kept.refused
    assert "tokens rises by 40.0%" in kept.reason and "but it pays: P(gain of 2.0 points or more)" in kept.reason
    both = replace(PAYS, constraints=(*PAYS.constraints, Constraint("rounds", at_most=5.0)))
    refused = answer(champion(0.5), evaluation(0.9, 1_400, calls=9), both)
    assert refused is not None and refused.refused == "rounds", "each limit is paid for by itself"


def test_what_gains_too_little_to_pay_is_refused_and_when_that_is_open_measured_on() -> None:
    small = answer(champion(0.5), evaluation(0.51, 1_400), PAYS)
    assert small is not None and small.refused == "tokens" and "and it does not pay" in small.reason
    open_still = evaluation(0.56, 1_400, passes=2)
    told = answer(champion(0.5), open_still, replace(CHEAP, constraints=CHEAP.constraints[:1]))
    assert told is not None and told.refused == "tokens", "without the clause nothing more is spent on it"
    assert answer(champion(0.5), open_still, PAYS) is None
    cut = decide(
        champion(0.5), open_still, SETTINGS, ORDER, PAYS, baseline=known(1_000), simplicity=0, last=True
    ).decision
    assert cut is not None and cut.verdict is Verdict.discard


def test_a_keep_says_how_likely_it_is_by_chance() -> None:
    kept = answer(champion(0.5), evaluation(0.9, 1_000), Objective())
    assert kept is not None and kept.chance is not None and 0 < kept.chance < 0.01
    dropped = answer(champion(0.5), evaluation(0.3, 1_000), Objective())
    assert dropped is not None and dropped.chance is None


@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=3), min_size=20, max_size=20),
    st.booleans(),
)
def test_without_an_objective_the_score_alone_decides(scores: list[list[float]], last: bool) -> None:
    """What :func:`look` answers, and how likely a keep is by chance."""
    found = Evaluation(dict(zip(ORDER, map(tuple, scores), strict=True)), {})
    pool, nothing = champion(0.5), Objective()
    told = decide(pool, found, SETTINGS, ORDER, nothing, baseline=NOTHING, simplicity=0, last=last).decision
    bare = None if told is None else replace(told, chance=None)
    assert bare == look(pool, found, SETTINGS, ORDER, last=last)
    assert told is None or (told.chance is not None) == (told.verdict is Verdict.keep)
    limits = decide(pool, found, SETTINGS, ORDER, CHEAP, baseline=known(1_000), simplicity=0, last=last).decision
    assert limits == told, "evidence without costs violates nothing"


def test_the_baselines_costs_are_learnt_while_it_is_the_champion() -> None:
    pool = champion(0.5)
    found = Evaluation({}, {}, champion_costs={"t00": (spend(700), spend(900))})
    learnt = baseline_costs(known(1_000), found, CHEAP, pool, champion_is_baseline=True)
    assert learnt.of("tokens")["t00"].count == 5
    assert baseline_costs(known(1_000), found, CHEAP, pool, champion_is_baseline=False) == known(1_000)
    assert baseline_costs(NOTHING, found, Objective(), pool, champion_is_baseline=True) == NOTHING
    # After an exam that failed the pool begins anew: the same rollouts come again, and count once.
    assert baseline_costs(learnt, found, CHEAP, Pool(), champion_is_baseline=True) == learnt


def test_a_standing_from_before_there_were_costs_is_read() -> None:
    standing = Standing.at_baseline("tree", "commit")
    old = standing.to_json()
    assert "baseline_costs" not in old, "without a constraint that compares, the ledger holds what it always held"
    assert Standing.from_json(old) == standing
    more = replace(standing, baseline_costs=known(1_000))
    assert Standing.from_json(more.to_json()) == more
