"""Tier 1, asked and answered as a campaign does."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import CAREFUL, FAST, WorkingSettings
from optimizer.acceptance.working import Ask, look, measure, plan, settle, shuffled
from optimizer.records import Decision, Evaluation, Verdict

SETTINGS = FAST.working
Scorer = Callable[[str, int], float]


def add(
    scores: Mapping[str, tuple[float, ...]], keys: tuple[tuple[str, int], ...], score: Scorer
) -> dict[str, tuple[float, ...]]:
    grown = dict(scores)
    for task, repeat in keys:
        grown[task] = (*grown.get(task, ()), score(task, repeat))
    return grown


def grow(evaluation: Evaluation, ask: Ask, candidate: Scorer, champion: Scorer) -> Evaluation:
    return Evaluation(
        add(evaluation.candidate, ask.candidate, candidate), add(evaluation.champion, ask.champion, champion)
    )


def experiment(
    pool: Pool, order: tuple[str, ...], candidate: Scorer, champion: Scorer, settings: WorkingSettings = SETTINGS
) -> tuple[Decision, Evaluation]:
    evaluation = Evaluation({}, {})
    while ask := plan(pool, evaluation, settings, order):
        evaluation = grow(evaluation, ask, candidate, champion)
        if decision := look(pool, evaluation, settings, order):
            return decision, evaluation
    raise AssertionError("a look at the cap must decide")


def chance(seed: int, rates: Mapping[str, float] | float) -> Scorer:
    rng = random.Random(seed)

    def score(task: str, repeat: int) -> float:
        return float(rng.random() < (rates if isinstance(rates, float) else rates[task]))

    return score


ORDER = tuple(f"t{n:02}" for n in range(40))


def test_the_order_is_shuffled_anew_for_each_candidate_and_fixed_for_it() -> None:
    one = shuffled(ORDER, candidate="aaa", seed=1)
    assert one == shuffled(reversed(ORDER), candidate="aaa", seed=1)
    assert sorted(one) == sorted(ORDER)
    assert len({one, ORDER, shuffled(ORDER, candidate="bbb", seed=1), shuffled(ORDER, candidate="aaa", seed=2)}) == 4


def test_the_first_ask_is_ten_for_the_candidate_and_three_a_task_for_the_champion() -> None:
    ask = plan(Pool(), Evaluation({}, {}), SETTINGS, ORDER)
    assert ask.candidate == tuple((task, 0) for task in ORDER[:10])
    wanted = Counter(task for task, _ in ask.champion)
    assert set(wanted) == set(ORDER[:10])
    assert sorted(wanted.values()) == [3] * 9 + [4], "one more: 0.1 per candidate rollout"
    assert len(set(ask.champion)) == len(ask.champion)


def test_a_known_champion_costs_a_tenth() -> None:
    pool = Pool().absorb(dict.fromkeys(ORDER, (1.0, 0.0, 1.0)))
    ask = plan(pool, Evaluation({}, {}), SETTINGS, ORDER)
    assert len(ask.candidate) == 10 and len(ask.champion) == 1
    assert {repeat for _, repeat in ask.champion} == {3}, "the champion's rollouts go on where its pool ends"


def test_the_champions_pool_stops_at_its_cap() -> None:
    pool = Pool().absorb(dict.fromkeys(ORDER, (1.0, 0.0) * 5))
    assert plan(pool, Evaluation({}, {}), SETTINGS, ORDER).champion == ()


def test_the_second_pass_repeats_every_task_with_the_next_seed() -> None:
    pool = Pool().absorb(dict.fromkeys(ORDER, (0.5,) * 10))
    seen = Evaluation(dict.fromkeys(ORDER, (0.5,)), {})
    assert plan(pool, seen, SETTINGS, ORDER).candidate == tuple((task, 1) for task in ORDER[:10])


@given(st.integers(1, 25), st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_half_an_ask_is_asked_again_and_nothing_twice(tasks: int, seed: int, broken: int) -> None:
    """An experiment cut off in the middle of its asks has the same rollouts in the end as an undisturbed one."""
    order = ORDER[:tasks]
    whole: list[tuple[set[tuple[str, int]], set[tuple[str, int]]]] = []
    for cut in (False, True):
        rng = random.Random(seed)
        evaluation, had = Evaluation({}, {}), (set[tuple[str, int]](), set[tuple[str, int]]())
        while ask := plan(Pool(), evaluation, SETTINGS, order):
            if cut and len(ask) > broken and rng.random() < 0.5:
                ask = Ask(ask.candidate[:broken], ask.champion[: max(0, broken - len(ask.candidate))])
            for place, keys in enumerate((ask.candidate, ask.champion)):
                assert not had[place] & set(keys)
                had[place].update(keys)
            evaluation = grow(evaluation, ask, lambda *_: 0.5, lambda *_: 0.5)
        whole.append(had)
    assert whole[0][0] == whole[1][0]
    assert len(whole[0][0]) == SETTINGS.max_passes * tasks


@given(st.integers(1, 25))
def test_every_compared_task_has_its_champion_rollouts_at_each_look(tasks: int) -> None:
    evaluation, order = Evaluation({}, {}), ORDER[:tasks]
    while ask := plan(Pool(), evaluation, SETTINGS, order):
        evaluation = grow(evaluation, ask, lambda *_: 0.5, lambda *_: 0.5)
        found = measure(Pool(), evaluation, SETTINGS)
        assert found is not None
        assert found.tasks == len(evaluation.candidate)
        assert all(3 <= len(scores) <= 10 for scores in evaluation.champion.values())


def test_a_clear_winner_is_kept() -> None:
    decision, evaluation = experiment(Pool(), ORDER, chance(1, 0.8), chance(2, 0.4))
    assert decision.verdict is Verdict.keep
    assert decision.effect is not None and decision.raw_effect is not None
    assert 0 < decision.effect < decision.raw_effect
    assert sum(map(len, evaluation.candidate.values())) >= len(ORDER), "all tasks, as they are fewer than 60"
    assert decision.reason == "" and decision.tasks == 40, "the figures say why"


def test_a_clear_loser_is_dropped_at_the_first_look() -> None:
    decision, evaluation = experiment(Pool(), ORDER, lambda *_: 0.0, chance(2, 0.8))
    assert decision.verdict is Verdict.discard
    assert sum(map(len, evaluation.candidate.values())) == 10
    assert decision.reason == "dropped where P(better) is 0.42 or less"


def test_a_lead_that_is_only_luck_waits_for_sixty() -> None:
    pool = Pool().absorb({f"t{n}": (0.0, 0.0, 1.0) for n in range(100)})
    evaluation = Evaluation({f"t{n}": (1.0,) for n in range(50)}, {})
    order = [f"t{n}" for n in range(100)]
    assert look(pool, evaluation, SETTINGS, order) is None
    enough = Evaluation({f"t{n}": (1.0,) for n in range(60)}, {})
    decided = look(pool, enough, SETTINGS, order)
    assert decided is not None and decided.verdict is Verdict.keep


def test_the_cap_decides_by_the_shrunken_effect() -> None:
    order = ORDER[:4]
    pool = Pool().absorb(dict.fromkeys(order, (0.0, 1.0, 0.0, 1.0)))
    scores = {"t00": (1.0, 1.0, 1.0), "t01": (0.0, 1.0, 1.0), "t02": (1.0, 1.0, 1.0), "t03": (1.0, 1.0, 1.0)}
    kept = look(pool, Evaluation(scores, {}), SETTINGS, order)
    assert kept is not None and kept.verdict is Verdict.keep
    stricter = look(pool, Evaluation(scores, {}), replace(SETTINGS, min_gain=0.02), order)
    assert stricter is not None and stricter.verdict is Verdict.discard
    assert stricter.reason == "not above +2.0 after all its rollouts"


def test_the_end_of_the_budget_keeps_only_what_is_sure() -> None:
    pool = Pool().absorb(dict.fromkeys(ORDER, (0.0, 1.0, 0.0)))
    unsure = Evaluation({task: (float(n % 2),) for n, task in enumerate(ORDER[:10])}, {})
    assert look(pool, unsure, SETTINGS, ORDER) is None
    decision = look(pool, unsure, SETTINGS, ORDER, last=True)
    assert decision is not None and decision.verdict is Verdict.discard
    assert decision.reason == "not enough evidence before the end"
    nothing = look(Pool(), Evaluation({}, {}), SETTINGS, ORDER, last=True)
    assert nothing is not None and nothing.verdict is Verdict.discard


def test_a_deterministic_tie_is_no_keep() -> None:
    decision, _ = experiment(Pool(), ORDER, lambda *_: 1.0, lambda *_: 1.0)
    assert decision.verdict is Verdict.discard


def test_a_suite_of_one_task_is_decided() -> None:
    decision, evaluation = experiment(Pool(), ORDER[:1], chance(1, 0.9), chance(2, 0.1))
    assert sum(map(len, evaluation.candidate.values())) <= 3
    assert decision.tasks == 1


def test_no_task_asks_for_nothing() -> None:
    assert not plan(Pool(), Evaluation({}, {}), SETTINGS, ())


def test_settling_absorbs_all_and_a_keep_makes_a_new_champion() -> None:
    evaluation = Evaluation({"a": (1.0,), "b": ()}, {"a": (0.0, 1.0)})
    pool = Pool().absorb({"a": (1.0,)}).meets(("plan=long", "edit:3"))
    lost = settle(pool, evaluation, Decision(Verdict.discard, ""), SETTINGS)
    assert lost.terms == () and lost.next_repeat("a") == 3 and lost.weight("a") == 4
    kept = settle(pool, evaluation, Decision(Verdict.keep, ""), SETTINGS)
    assert kept.terms == ("plan=long", "edit:3") and kept.next_repeat("a") == 1 and kept.weight("a") == 4
    assert settle(pool, Evaluation({"a": ()}, {}), Decision(Verdict.discard, ""), SETTINGS) == replace(pool, facing=())


def test_a_champion_is_asked_for_no_more_where_all_know_its_task() -> None:
    """What was compared tells of a task as well, but the repeats go on where the champion's own end."""
    pool = settle(Pool(), Evaluation(dict.fromkeys(ORDER, (1.0, 0.0)), {}), Decision(Verdict.discard, ""), SETTINGS)
    ask = plan(pool, Evaluation({}, {}), SETTINGS, ORDER)
    assert ask.champion == (("t00", 0), ("t00", 1), *((task, 0) for task in ORDER[1:10])), "one is wanting, and a tenth"
    known = settle(pool, Evaluation(dict.fromkeys(ORDER, (1.0,)), {}), Decision(Verdict.discard, ""), SETTINGS)
    assert len(plan(known, Evaluation({}, {}), SETTINGS, ORDER).champion) == 1


@pytest.mark.parametrize(("settings", "most"), [(SETTINGS, 0.35), (CAREFUL.working, 0.12)])
def test_a_stream_of_nothing_keeps_little_and_cheaply(settings: WorkingSettings, most: float) -> None:
    rng = random.Random(3)
    rates = {task: rng.random() for task in ORDER}
    kept, rollouts, pool = 0, 0, Pool()
    for number in range(120):
        decision, evaluation = experiment(pool, ORDER, chance(number, rates), chance(1000 + number, rates), settings)
        pool = settle(pool, evaluation, replace(decision, verdict=Verdict.discard), settings)
        kept += decision.verdict is Verdict.keep
        rollouts += sum(map(len, evaluation.candidate.values()))
    assert kept / 120 <= most
    assert rollouts / 120 < 0.6 * settings.max_passes * len(ORDER)
