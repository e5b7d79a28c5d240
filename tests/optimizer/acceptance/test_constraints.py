"""What a rollout may cost, held against the evidence."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.constraints import METRICS, Constraint, Costs, Moments, compared, violated
from optimizer.records import Spend

AT_MOST = Constraint("tokens", at_most=1_000.0)
RISE = Constraint("tokens", at_most_rise=0.10)
NOTHING = Costs()

TokensByTask = dict[str, tuple[Spend, ...]]


def costs(tasks: int, tokens: Callable[[int, int], float], repeats: int = 2) -> TokensByTask:
    return {
        f"t{task}": tuple(Spend(rollouts=1, input_tokens=round(tokens(task, repeat))) for repeat in range(repeats))
        for task in range(tasks)
    }


def known(fresh: TokensByTask) -> Costs:
    return NOTHING.absorb(fresh, ("tokens",), lambda task: 0)


def noisy(mean: float, sd: float, seed: int, repeats: int = 2, tasks: int = 40) -> TokensByTask:
    """Tasks that differ a great deal, and rollouts that differ by ``sd`` of their task's mean."""
    rng = random.Random(seed)
    level = random.Random(7)
    levels = [level.uniform(0.3, 1.7) for _ in range(tasks)]
    return costs(tasks, lambda task, _: mean * levels[task] * (1 + rng.gauss(0, sd)), repeats)


def broken(candidate: TokensByTask, baseline: Costs, *limits: Constraint) -> str | None:
    found = violated(candidate, baseline, limits, pseudo_tasks=10.0)
    return found[0][1] if found else None


def test_every_metric_is_read_from_the_cost_of_a_rollout() -> None:
    spend = Spend(1, 3, 100, 10, 1_000, 200, 0.25, 1.5)
    assert {name: measure(spend) for name, measure in METRICS.items()} == {
        "cost_usd": 0.25,
        "tokens": 1_310.0,
        "billed_tokens": pytest.approx(100 + 50 + 100 + 250),
        "latency_s": 1.5,
        "rounds": 3.0,
    }


def test_a_clear_violation_is_told_in_numbers() -> None:
    told = broken(noisy(1_500, 0.1, 1), NOTHING, AT_MOST)
    assert told is not None
    assert told.startswith("tokens is 1,") and told.endswith("on 40 tasks, at most 1,000 allowed")
    told = broken(noisy(1_300, 0.1, 1), known(noisy(1_000, 0.1, 2)), RISE)
    assert told is not None
    assert told.startswith(("tokens rises by 3", "tokens rises by 2"))
    assert told.endswith("over the baseline on 40 tasks, at most 10.0% allowed")


def test_what_is_over_by_less_than_the_noise_is_let_through() -> None:
    assert broken(noisy(1_010, 0.1, 1), NOTHING, AT_MOST) is None
    assert broken(noisy(1_105, 0.2, 3), known(noisy(1_000, 0.2, 4)), RISE) is None
    assert broken(noisy(900, 0.1, 1), known(noisy(1_000, 0.1, 2)), RISE, AT_MOST) is None


def test_tasks_that_differ_hide_a_fixed_limit_but_no_rise_over_the_same_tasks() -> None:
    """The tasks differ sixfold; paired by task, a rise of a quarter is seen all the same."""
    candidate, baseline = noisy(1_250, 0.1, 1), known(noisy(1_000, 0.1, 2))
    assert broken(candidate, baseline, RISE) is not None
    assert broken(noisy(1_050, 0.1, 1), NOTHING, AT_MOST) is None


def test_equal_figures_are_at_the_limit_and_not_over_it() -> None:
    flat = costs(10, lambda task, repeat: 1_000, 3)
    assert broken(flat, NOTHING, AT_MOST) is None
    assert broken(costs(10, lambda task, repeat: 1_100, 3), known(flat), RISE) is None
    assert broken(costs(10, lambda task, repeat: 1_101, 3), known(flat), RISE) is not None
    cents = {f"t{n}": (Spend(usd=0.1), Spend(usd=0.2)) for n in range(9)}
    assert broken(cents, NOTHING, Constraint("cost_usd", at_most=0.15)) is None


def test_nothing_to_compare_with_violates_nothing() -> None:
    candidate = noisy(9_000, 0.1, 1)
    assert broken(candidate, NOTHING, RISE) is None, "the baseline was not measured"
    other = known({"elsewhere": (Spend(input_tokens=1),)})
    assert broken(candidate, other, RISE) is None, "not on these tasks"
    assert broken({}, NOTHING, AT_MOST) is None
    assert broken({"t0": (Spend(input_tokens=9_000),)}, NOTHING, AT_MOST) is None, "one rollout has no error"


def test_a_baseline_that_costs_nothing_allows_nothing() -> None:
    free = known(costs(10, lambda task, repeat: 0))
    told = broken(costs(10, lambda task, repeat: 500), free, RISE)
    assert told is not None and told.endswith("at most 0 allowed")
    assert broken(costs(10, lambda task, repeat: 0), free, RISE) is None


def test_the_false_alarm_rate_at_the_limit() -> None:
    """A candidate exactly at its limit is refused at one look with probability 2.5%, or less."""
    alarms = sum(
        broken(noisy(1_100, 0.3, 2 * seed), known(noisy(1_000, 0.3, 2 * seed + 1, 3)), RISE) is not None
        for seed in range(400)
    )
    assert alarms <= 20


@given(
    st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(0, 50), min_size=1, max_size=6), max_size=4),
    st.integers(0, 6),
)
def test_what_is_known_does_not_depend_on_the_batches(values: dict[str, list[int]], cut: int) -> None:
    whole = {task: tuple(Spend(input_tokens=n) for n in numbers) for task, numbers in values.items()}
    parts = (
        {task: spends[:cut] for task, spends in whole.items()},
        {task: spends[cut:] for task, spends in whole.items()},
    )
    at_once = known(whole)
    in_parts = known(parts[0]).absorb(parts[1], ("tokens",), lambda task: min(cut, len(whole[task])))
    assert in_parts == at_once
    assert at_once.absorb(whole, ("tokens",), lambda task: 0) == at_once, "a repeat counts once"
    assert Costs.from_json(at_once.to_json()) == at_once
    for task, numbers in values.items():
        mean = sum(numbers) / len(numbers)
        moments = at_once.of("tokens")[task]
        assert moments.count == len(numbers) and moments.mean == pytest.approx(mean)
        assert moments.squares == pytest.approx(sum((n - mean) ** 2 for n in numbers), abs=1e-6)


@given(st.floats(1.0, 1e6), st.floats(0.0, 2.0), st.integers(0, 1_000))
def test_a_looser_limit_is_never_violated_by_what_keeps_a_tighter_one(limit: float, more: float, seed: int) -> None:
    candidate = noisy(1_000, 0.2, seed, tasks=8)
    if broken(candidate, NOTHING, Constraint("tokens", at_most=limit)) is None:
        assert broken(candidate, NOTHING, Constraint("tokens", at_most=limit * (1 + more))) is None


def test_only_rises_need_the_baseline() -> None:
    assert compared((AT_MOST, RISE, Constraint("rounds", at_most_rise=0.0), RISE)) == ("tokens", "rounds")
    assert Moments() == Moments(0, 0.0, 0.0)
