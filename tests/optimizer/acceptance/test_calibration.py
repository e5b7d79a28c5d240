"""A harness against itself: noise, determinism, drift, and what is never said by mistake."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.calibration import FOOLED_AT_MOST, NOISY_SHARE, Calibration, calibrate, plan_calibration

Scorer = Callable[[str, int], float]


def measured(
    tasks: int, most: int, score: Scorer, *, each: int = 3, again: bool = True
) -> tuple[dict[str, tuple[float, ...]], int]:
    """The loop of the module; the scores, and how often it asked."""
    order, scores, rounds = [f"t{n}" for n in range(tasks)], dict[str, tuple[float, ...]](), 0
    while wanted := plan_calibration(order, scores, most, each=each, again=again):
        rounds += 1
        for task, repeat in wanted:
            assert repeat == len(scores.get(task, ())), "in the order of repeats"
            scores[task] = (*scores.get(task, ()), score(task, repeat))
    return scores, rounds


def found(scores: Mapping[str, tuple[float, ...]], *, deterministic: bool | None = None) -> Calibration:
    result = calibrate(scores, deterministic=deterministic)
    assert result is not None
    return result


def coin(seed: int, chance: Callable[[str], float] = lambda task: 0.5) -> Scorer:
    rng = random.Random(seed)
    return lambda task, repeat: float(rng.random() < chance(task))


def fixed(task: str, repeat: int) -> float:
    return float(int(task[1:]) % 3 == 0)


def test_noise_is_found_at_once_and_the_rest_goes_round_all_tasks() -> None:
    scores, rounds = measured(50, 1000, coin(1))
    assert rounds == 2 and {len(values) for values in scores.values()} == {3}
    result = found(scores)
    assert (result.rollouts, result.tasks, result.repeats) == (150, 50, 100)
    assert not result.deterministic and result.fooled == 0.0
    assert result.noise == pytest.approx(0.25, abs=0.05)
    assert result.spread < 0.2, "every task has the same chance"


def test_a_deterministic_suite_costs_no_more_repeats_than_it_takes_to_say_so() -> None:
    scores, rounds = measured(100, 1000, fixed)
    result = found(scores)
    assert rounds == 1 and result.deterministic and result.noise == 0.0
    assert result.repeats == 29, "0.9 to the power of 29 is the first below 1 in 20"
    assert FOOLED_AT_MOST >= result.fooled == pytest.approx((1 - NOISY_SHARE) ** 29)
    assert result.halves is not None and result.halves.difference == 0.0 and not result.halves.drifts


def test_few_tasks_are_run_more_often() -> None:
    scores, _ = measured(5, 1000, fixed)
    assert sorted(map(len, scores.values())) == [11, 11, 12, 12, 12]
    assert found(scores).deterministic


def test_too_small_a_budget_says_so() -> None:
    scores, _ = measured(50, 10, fixed)
    result = found(scores)
    assert (result.tasks, result.repeats, result.deterministic) == (5, 5, False)
    assert result.fooled == pytest.approx(0.9**5)
    assert measured(50, 1, fixed)[0] == {} and calibrate({}) is None


def test_what_a_suite_declares_is_believed() -> None:
    scores, _ = measured(50, 40, fixed, again=False)
    result = found(scores, deterministic=True)
    assert (result.rollouts, result.repeats, result.deterministic) == (40, 0, True)
    assert result.noise is None and result.halves is None
    assert not found(measured(100, 1000, fixed)[0], deterministic=False).deterministic


def test_tasks_that_are_always_or_never_solved_and_the_spread_between_them() -> None:
    scores = {"a": (1.0, 1.0), "b": (0.0, 0.0), "c": (0.0, 1.0), "d": (0.0, 0.0)}
    result = found(scores)
    assert (result.always, result.never, result.mean) == (0.25, 0.5, 0.375)
    assert result.noise == pytest.approx(0.125)
    assert result.spread == pytest.approx((0.22916666 - 0.0625) ** 0.5)
    assert not result.equal and found({"a": (1.0, 1.0), "b": (1.0,)}).equal


def test_a_noisy_suite_is_seldom_taken_for_a_deterministic_one() -> None:
    """At the share that the bound is made for: a tenth of the re-runs differ."""
    chance = (1 - (1 - 2 * NOISY_SHARE) ** 0.5) / 2
    fooled = 0
    for seed in range(600):
        scores, _ = measured(60, 600, coin(seed, lambda task: chance))
        fooled += found(scores).deterministic
    assert 0 < fooled / 600 <= FOOLED_AT_MOST + 0.02


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(2, 12))
def test_the_bound_holds_for_any_distribution_of_scores(weights: list[float], runs: int) -> None:
    """sum(p^r) <= (1 - d)^(r / 2), d = 1 - sum(p^2): what the bound on being fooled rests on."""
    total = sum(weights)
    shares = [weight / total for weight in weights] if total else [1.0]
    assert sum(p**runs for p in shares) <= sum(p * p for p in shares) ** (runs / 2) + 1e-12


def test_the_halves_contain_zero_about_as_often_as_they_should() -> None:
    inside = drifting = 0
    runs = 400
    for seed in range(runs):
        rng = random.Random(f"chances {seed}")
        chances = {f"t{n}": rng.random() for n in range(40)}
        halves = found(measured(40, 1000, coin(seed, chances.__getitem__), each=4)[0]).halves
        assert halves is not None
        inside += halves.low <= 0 <= halves.high
        drifting += halves.drifts
    assert 0.92 <= inside / runs <= 0.99 and drifting <= 3


def test_what_changes_over_time_is_reported() -> None:
    rng = random.Random(3)
    scores, _ = measured(60, 1000, lambda task, repeat: float(rng.random() < (0.75 if repeat < 2 else 0.35)), each=4)
    halves = found(scores).halves
    assert halves is not None and halves.drifts and halves.difference < -0.2


@given(st.integers(1, 40), st.integers(0, 200), st.integers(0, 2**20), st.booleans())
def test_it_never_costs_more_than_it_may_and_always_ends(tasks: int, most: int, seed: int, again: bool) -> None:
    scores, _ = measured(tasks, most, coin(seed), again=again)
    total = sum(map(len, scores.values()))
    assert total <= most
    if not again:
        assert total == min(tasks, most)
