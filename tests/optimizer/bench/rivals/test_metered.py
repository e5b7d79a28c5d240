"""The meter: what it counts, what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.bench.problems.base import baseline_of
from optimizer.bench.rivals.base import BudgetSpent, Metered
from tests.optimizer.bench.plain import Plain

PLAIN = Plain()
ASSIGNMENTS = st.fixed_dictionaries({name: st.sampled_from(options) for name, options in PLAIN.components.items()})
ROLLOUTS = st.lists(st.tuples(ASSIGNMENTS, st.sampled_from(PLAIN.search + PLAIN.certify), st.integers()), max_size=30)


@given(ROLLOUTS, st.integers(0, 20))
def test_no_rollout_is_had_beyond_the_budget_and_each_is_counted_once(
    rollouts: list[tuple[dict[str, str], str, int]], budget: int
) -> None:
    metered, had = Metered(PLAIN, budget), 0
    for assignment, task, seed in rollouts:
        try:
            metered.score(assignment, task, seed)
            had += 1
        except BudgetSpent:
            assert had == budget
    assert metered.spent == had == min(budget, len(rollouts)) and metered.left == budget - had
    pairs = {(assignment["a"], assignment["b"], task) for assignment, task, _ in rollouts[:had]}
    assert metered.repeats == had - len(pairs)


def test_the_order_of_an_assignment_makes_no_other_one() -> None:
    metered = Metered(PLAIN, 2)
    metered.score({"a": "1", "b": "2"}, "s0", 1)
    metered.score({"b": "2", "a": "1"}, "s0", 2)
    assert metered.repeats == 1


@pytest.mark.parametrize("task", ["h0", "nowhere"])
def test_holdout_tasks_and_unknown_ones_are_refused_and_cost_nothing(task: str) -> None:
    metered = Metered(PLAIN, 2)
    with pytest.raises(ValueError, match="neither a search nor a certify task"):
        metered.score(baseline_of(PLAIN), task, 1)
    assert metered.spent == 0


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ({"a": "0"}, "without the component 'b'"),
        ({"a": "0", "b": "0", "c": "0"}, "got components c"),
        ({"a": "0", "b": "9"}, "b = '9', expected one of 0, 1, 2"),
    ],
)
def test_an_assignment_of_another_problem_is_refused(assignment: dict[str, str], told: str) -> None:
    metered = Metered(PLAIN, 2)
    for _ in range(2):
        with pytest.raises(ValueError, match=told):
            metered.score(assignment, "s0", 1)
    assert metered.spent == 0
