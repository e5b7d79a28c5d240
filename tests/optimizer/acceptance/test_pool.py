"""The champion's pool."""

from __future__ import annotations

import json
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.evidence import Cell, cells, estimate
from optimizer.acceptance.pool import Pool

FRESH = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=5).map(tuple))


def test_absorb_counts_and_averages() -> None:
    pool = Pool().absorb({"a": (1.0, 0.0), "b": ()}).absorb({"a": (1.0,), "c": (0.5,)})
    assert pool.known["a"].weight == 3
    assert pool.known["a"].mean == pytest.approx(2 / 3)
    assert "b" not in pool.known
    assert (pool.next_repeat("a"), pool.next_repeat("b"), pool.next_repeat("c")) == (3, 0, 1)
    assert pool.noise == pytest.approx(statistics.variance([1.0, 0.0, 1.0]))


def test_noise_before_any_repeat_is_the_most_it_can_be() -> None:
    assert Pool().noise == 0.25
    assert Pool().absorb({"a": (1.0,), "b": (0.5,)}).noise == pytest.approx(0.75 * 0.25)


@given(FRESH, FRESH)
def test_absorbing_in_two_goes_is_absorbing_in_one(
    first: dict[str, tuple[float, ...]], second: dict[str, tuple[float, ...]]
) -> None:
    joined = {task: first.get(task, ()) + second.get(task, ()) for task in [*first, *second]}
    twice, once = Pool().absorb(first).absorb(second), Pool().absorb(joined)
    assert twice.rollouts == once.rollouts
    assert twice.known.keys() == once.known.keys()
    assert twice.noise == pytest.approx(once.noise)
    for task in once.known:
        assert twice.known[task].mean == pytest.approx(once.known[task].mean)


@given(FRESH, FRESH, st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_json_round_trip(
    champion: dict[str, tuple[float, ...]], candidate: dict[str, tuple[float, ...]], raw: float, shrunken: float
) -> None:
    pool = Pool().absorb(champion)
    for value in (pool, pool.promote(candidate, raw=raw, shrunken=shrunken, total_weight=20)):
        assert Pool.from_json(json.loads(json.dumps(value.to_json()))) == value


@pytest.mark.parametrize("value", [{}, {"tasks": 3}, {"tasks": {"a": [1]}, "squares": 0, "degrees": 0, "gained": 0}])
def test_other_json_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected a champion's pool"):
        Pool.from_json(value)


def test_promotion_moves_the_bar_by_the_shrunken_effect_only() -> None:
    pool = Pool().absorb({"a": (0.0, 1.0), "b": (1.0, 0.0)})
    candidate = {"a": (1.0, 1.0), "b": (1.0, 0.0)}
    after = pool.promote(candidate, raw=0.25, shrunken=0.1, total_weight=250)
    assert pool.mean == pytest.approx(0.5)
    assert after.mean == pytest.approx(0.6)
    assert after.gained == pytest.approx(0.1)
    assert after.rollouts == {"a": 2, "b": 2}, "the new champion's own rollouts so far"
    assert sum(cell.weight for cell in after.known.values()) == 8


def test_promotion_caps_the_weight() -> None:
    pool = Pool().absorb({f"t{n}": (0.0, 1.0, 1.0, 0.0) for n in range(50)})
    after = pool.promote({f"t{n}": (1.0, 0.0) for n in range(50)}, raw=0.0, shrunken=0.0, total_weight=250)
    assert sum(cell.weight for cell in after.known.values()) == pytest.approx(250)


def test_a_task_the_candidate_never_met_is_moved_too() -> None:
    pool = Pool().absorb({"a": (0.5,), "b": (0.5,)})
    after = pool.promote({"a": (1.0,)}, raw=0.5, shrunken=0.2, total_weight=250)
    assert after.known["b"] == Cell(1.0, pytest.approx(0.7))
    assert after.next_repeat("b") == 0


def test_promotion_does_not_carry_the_winners_luck() -> None:
    """The luckiest of many equal candidates wins; the bar that it leaves must not be as high as its score was."""
    rng = random.Random(11)
    tasks = [f"t{n}" for n in range(30)]

    def run(repeats: int) -> dict[str, tuple[float, ...]]:
        return {task: tuple(float(rng.random() < 0.5) for _ in range(repeats)) for task in tasks}

    lucky, left = [], []
    for _ in range(30):
        pool = Pool().absorb(run(5))
        best, found = None, None
        for _ in range(20):
            candidate = run(2)
            seen = estimate(cells(candidate), pool.known, noise=pool.noise, prior_sd=0.03, pseudo_tasks=10)
            assert seen is not None
            if found is None or seen.raw > found.raw:
                best, found = candidate, seen
        assert best is not None and found is not None and pool.mean is not None
        after = pool.promote(best, raw=found.raw, shrunken=found.shrunken, total_weight=250)
        assert after.mean is not None
        lucky.append(found.raw)
        left.append(after.mean - pool.mean)
    assert statistics.mean(lucky) > 0.10
    assert statistics.mean(left) < 0.2 * statistics.mean(lucky)


@given(FRESH, FRESH, FRESH)
def test_the_champions_own_rollouts_are_kept_apart(
    first: dict[str, tuple[float, ...]], second: dict[str, tuple[float, ...]], won: dict[str, tuple[float, ...]]
) -> None:
    pool = Pool().absorb(first).absorb(second)
    joined = {task: (*first.get(task, ()), *second.get(task, ())) for task in {**first, **second}}
    assert pool.own == pytest.approx({task: cell.mean for task, cell in cells(joined).items()})
    for after in (
        pool.promote(won, raw=0.4, shrunken=0.1, total_weight=5),
        Pool().absorb(first).replaced(won, shrunken=0.1),
    ):
        assert after.own == pytest.approx({task: cell.mean for task, cell in cells(won).items()})
        assert set(after.own) == {task for task, count in after.rollouts.items() if count}


def test_a_pool_of_an_older_version_is_read() -> None:
    old = {"tasks": {"a": [3.0, 0.5, 2], "b": [1.0, 0.25, 0]}, "squares": 0.0, "degrees": 0.0, "gained": 0.0}
    assert Pool.from_json(old).own == {"a": 0.5}
