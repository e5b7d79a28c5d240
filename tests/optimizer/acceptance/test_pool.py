"""All the evidence of a campaign, seen from its champion."""

from __future__ import annotations

import json
import random
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.comparison import measure
from optimizer.acceptance.effects import FIRST_DEGREES, FIRST_NOISE, MOST_TERMS, Effects
from optimizer.acceptance.evidence import Cell, cells
from optimizer.acceptance.pool import Pool, learnt
from optimizer.acceptance.presets import FAST
from optimizer.acceptance.working import decided, settle
from optimizer.records import Decision, Evaluation, Verdict
from optimizer.standing import Standing

SETTINGS = FAST.working
Scores = dict[str, tuple[float, ...]]
FRESH = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=5).map(tuple))
KEEP, DISCARD = Decision(Verdict.keep, ""), Decision(Verdict.discard, "")


def test_absorb_counts_and_averages() -> None:
    pool = Pool().absorb({"a": (1.0, 0.0), "b": ()}).absorb({"a": (1.0,), "c": (0.5,)})
    assert pool.alone == {"a": Cell(3.0, pytest.approx(2 / 3)), "c": Cell(1.0, 0.5)}
    assert (pool.next_repeat("a"), pool.next_repeat("b"), pool.next_repeat("c")) == (3, 0, 1)
    assert (pool.weight("a"), pool.weight("b"), pool.weight("c")) == (3.0, 0.0, 1.0)
    squares = FIRST_NOISE * FIRST_DEGREES + statistics.variance([1.0, 0.0])
    assert pool.noise == pytest.approx(squares / (FIRST_DEGREES + 1)), "as far as one call tells runs of one task apart"


def test_before_any_rollout_nothing_is_known_but_the_prior() -> None:
    assert Pool().noise == FIRST_NOISE and Pool().level is None and Pool().gained == 0.0
    assert Pool().absorb({"a": ()}) == Pool()


@given(FRESH, FRESH)
def test_absorbing_in_two_goes_is_absorbing_in_one(first: Scores, second: Scores) -> None:
    """As far as each is run once: what running again tells of the noise weighs what comes after it."""
    first, second = ({task: scores[:1] for task, scores in side.items()} for side in (first, second))
    joined = {task: first.get(task, ()) + second.get(task, ()) for task in [*first, *second]}
    twice, once = Pool().absorb(first).absorb(second), Pool().absorb(joined)
    assert {task: cell.weight for task, cell in twice.alone.items()} == {
        task: cell.weight for task, cell in once.alone.items()
    }
    for task, cell in once.alone.items():
        assert twice.alone[task].mean == pytest.approx(cell.mean)
        assert twice.weight(task) == once.weight(task)
    if not first.keys() & second.keys():
        assert twice.level == (None if once.level is None else pytest.approx(once.level))


def replayed(pools: list[dict[str, Any]]) -> Effects:
    effects = Effects.prior()
    for value in json.loads(json.dumps(pools)):
        for update in value["learnt"]:
            effects = learnt(effects, update)
    return effects


STEPS = st.lists(st.tuples(FRESH, FRESH, st.sampled_from([KEEP, DISCARD]), st.integers(0, 3)), max_size=6)


def stream(steps: list[tuple[Scores, Scores, Decision, int]], *, exact: bool = False) -> list[Pool]:
    """The pool after each of a row of experiments, before its updates are written down."""
    pool, after = Pool(), []
    for number, (champion, candidate, decision, option) in enumerate(steps):
        inherited = [term for term in pool.terms if not term.startswith(f"d{option % 2}=")]
        met = pool.meets((*inherited, f"d{option % 2}={option}", f"edit:{number}"))
        if exact:
            champion, candidate = ({task: scores[:1] for task, scores in s.items()} for s in (champion, candidate))
        after.append(settle(met, Evaluation(candidate, champion), decision, replace(SETTINGS, deterministic=exact)))
        pool = after[-1].written()
    return after


@given(STEPS, st.booleans())
def test_what_was_written_down_is_learnt_again_to_the_last_digit(
    steps: list[tuple[Scores, Scores, Decision, int]], exact: bool
) -> None:
    pools = stream(steps, exact=exact)
    if pools:
        values = [pool.to_json() for pool in pools]
        effects = replayed(values)
        assert effects == pools[-1].effects
        assert Pool.from_json(json.loads(json.dumps(values[-1])), effects) == pools[-1].written()


@pytest.mark.parametrize("value", [{}, {"terms": 3}, {"terms": [], "alone": {"a": [1]}, "gained": 0, "level": None}])
def test_other_json_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected a champion's pool"):
        Pool.from_json(value)


TASKS = tuple(f"t{n:02}" for n in range(40))


def test_a_keep_raises_the_level_by_what_is_believed_of_it() -> None:
    pool = Pool().absorb(dict.fromkeys(TASKS, (0.0, 1.0, 0.0)))
    evaluation = Evaluation({task: (float(n % 2),) for n, task in enumerate(TASKS)}, {})
    found = measure(pool, evaluation, SETTINGS)
    assert found is not None and pool.level is not None
    after = settle(pool, evaluation, decided(Verdict.keep, found, 40), SETTINGS)
    assert 0 < found.shrunken < found.raw
    assert after.gained == pytest.approx(found.shrunken, rel=1e-4), "run once, it tells nothing of the noise"
    assert after.level is not None and pool.level + 0.9 * found.shrunken < after.level < 0.5, "between the two means"
    assert after.terms == ("edit:1",) and after.facing == () and after.next_repeat("t00") == 1
    assert after.weight("t00") == 4, "what was compared tells of the task too"


def test_a_task_the_candidate_never_met_is_moved_too() -> None:
    pool = Pool().absorb(dict.fromkeys(TASKS, (0.0, 1.0)))
    after = settle(pool, Evaluation(dict.fromkeys(TASKS[:30], (1.0, 1.0)), {}), KEEP, SETTINGS)
    assert after.gained > 0.02
    before = pool.effects.level(pool.terms, TASKS[30:])
    # The tasks are as sure as before together, not each for itself: a part of the surprise is put down to them.
    assert after.effects.level(after.terms, TASKS[30:]) > before + after.gained - 0.005
    assert after.next_repeat("t35") == 0


def test_what_was_discarded_is_not_in_the_champions_level_but_teaches_of_its_options() -> None:
    pool = Pool().absorb(dict.fromkeys(TASKS, (0.0, 1.0))).meets(("plan=long", "edit:7"))
    worse = {task: (0.0, 0.0) if n % 5 == 0 else (0.0, 1.0) for n, task in enumerate(TASKS)}
    after = settle(pool, Evaluation(worse, {}), DISCARD, SETTINGS)
    assert after.terms == () and after.gained == 0.0
    assert after.level == pytest.approx(pool.level, abs=0.05)
    assert after.effects.gain(["plan=long"])[0] < -0.015, "met again, it is known"
    assert "edit:7" not in after.effects.places


@pytest.mark.parametrize(("score", "decision"), [(0.0, DISCARD), (1.0, KEEP)])
def test_what_breaks_or_mends_everything_is_the_edits_doing_not_the_tasks(score: float, decision: Decision) -> None:
    """Its effect is nothing that was to be expected, and yet no other harness is taken for worse or better by it."""
    pool = Pool().absorb(dict.fromkeys(TASKS, (0.0, 1.0, 1.0, 0.0))).meets(("plan=odd", "edit:7"))
    evaluation = Evaluation(dict.fromkeys(TASKS, (score, score)), {})
    found = measure(pool, evaluation, SETTINGS)
    assert found is not None and found.odd > 0.0 and abs(found.shrunken) > 0.35
    after = settle(pool, evaluation, decision, SETTINGS)
    assert after.effects.level(()) == pytest.approx(0.5, abs=0.06)
    assert abs(after.effects.gain(["plan=odd"])[0]) > 0.2, "met again, it is known"
    again = measure(after.meets(("plan=odd", "edit:7", "edit:8")), evaluation, SETTINGS)
    if decision is KEEP:
        assert again is not None and abs(again.raw) < 0.08 and again.odd == 0.0
        assert after.level == pytest.approx(0.95, abs=0.06)


def test_settling_does_not_carry_the_winners_luck() -> None:
    """The luckiest of many equal candidates wins; the bar that it leaves must not be as high as its score was."""
    rng = random.Random(11)

    def run(repeats: int) -> Scores:
        return {task: tuple(float(rng.random() < 0.5) for _ in range(repeats)) for task in TASKS[:30]}

    lucky, left = [], []
    for _ in range(10):
        pool = Pool().absorb(run(5))
        runs = [Evaluation(run(2), {}) for _ in range(20)]
        found = [measure(pool, one, SETTINGS) for one in runs]
        raw = [one.raw for one in found if one is not None]
        best = raw.index(max(raw))
        for one in (*runs[:best], *runs[best + 1 :]):
            pool = settle(pool, one, DISCARD, SETTINGS)
        after = settle(pool, runs[best], KEEP, SETTINGS)
        assert after.level is not None
        lucky.append(raw[best])
        left.append(after.level - 0.5)
    assert statistics.mean(lucky) > 0.10
    assert statistics.mean(left) < 0.4 * statistics.mean(lucky)


@given(FRESH, FRESH, FRESH)
def test_the_champions_own_rollouts_are_kept_apart(first: Scores, second: Scores, won: Scores) -> None:
    pool = Pool().absorb(first).absorb(second)
    joined = {task: (*first.get(task, ()), *second.get(task, ())) for task in {**first, **second}}
    assert {task: cell.mean for task, cell in pool.alone.items()} == pytest.approx(
        {task: cell.mean for task, cell in cells(joined).items()}
    )
    lost = settle(pool, Evaluation(won, {}), DISCARD, SETTINGS)
    assert lost.alone == pool.alone
    if any(won.values()):
        assert settle(pool, Evaluation(won, {}), KEEP, SETTINGS).alone == cells(won)


@given(FRESH, FRESH)
def test_the_certified_champion_is_left_with_all_its_rollouts(champion: Scores, candidate: Scores) -> None:
    """After a failed exam the search is back at it: no rollout that it has had is asked for, or counted, again."""
    standing = Standing.at_baseline("a", "1")
    standing = replace(standing, pool=Pool().absorb({"a": (1.0,)}))
    pool = settle(standing.pool, Evaluation(candidate, champion), KEEP, SETTINGS)
    back = standing.kept("b", "2", pool, KEEP, champion).failed_exam()
    assert back.tree == "a" and back.pool.terms == ()
    assert back.pool.effects == pool.effects, "what was learnt stays learnt"
    assert back.pool.alone == standing.pool.with_own(champion)


def test_a_champion_whose_terms_were_forgotten_is_gone_back_to() -> None:
    """After a failed exam: its options and edits are met as new ones."""
    certified = replace(Pool(), terms=("plan=long", "edit:1"))
    pool = replace(certified, effects=Pool().absorb({"a": (1.0, 0.0)}).effects)
    assert not set(pool.terms) & pool.effects.places.keys()
    for evaluation in (
        Evaluation({"a": (1.0,), "b": (0.0,)}, {"b": (1.0,)}),
        Evaluation({}, {"b": (1.0, 0.0)}),
        Evaluation({"a": (1.0,)}, {}),
        Evaluation({}, {}),
    ):
        measure(pool, evaluation, SETTINGS)
        after = settle(pool.meets(("plan=short", "edit:1", "edit:9")), evaluation, DISCARD, SETTINGS)
        assert after.terms == pool.terms and after.facing == ()
        assert bool(set(pool.terms) & after.effects.places.keys()) == (evaluation != Evaluation({}, {}))


def test_only_so_many_terms_are_remembered_and_the_champions_among_them() -> None:
    pool = settle(Pool().meets(("a=1", "edit:0")), Evaluation({"t": (1.0,)}, {}), KEEP, SETTINGS).written()
    for number in range(1, MOST_TERMS + 30):
        pool = settle(pool.meets(("a=1", f"b={number}", "edit:0", f"edit:{number}")), ONE, DISCARD, SETTINGS).written()
    terms = [name for name in pool.effects.places if not name.startswith("task:")]
    assert len(terms) == MOST_TERMS == len(pool.effects.mean) - 2
    assert {"a=1", "edit:0", f"b={MOST_TERMS + 29}"} <= {*terms}
    assert "b=1" not in terms, "met longest ago"


ONE = Evaluation({"t": (1.0,)}, {})
