"""What nothing else beats in score and cost at once."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.evidence import Estimate, estimate
from optimizer.acceptance.pareto import Place, believed, beside, front
from optimizer.acceptance.pool import Cell
from optimizer.acceptance.presets import FAST
from optimizer.acceptance.working import decided
from optimizer.records import Decision, Verdict

SETTINGS = FAST.working
PLACES = st.dictionaries(
    st.integers(0, 50),
    st.builds(Place, st.integers(0, 8).map(lambda n: n / 8), st.integers(0, 8).map(float)),
    max_size=12,
)


def dominates(one: Place, other: Place) -> bool:
    return one != other and one.score >= other.score and one.cost <= other.cost


@given(PLACES)
def test_the_front_is_all_that_nothing_dominates(places: dict[int, Place]) -> None:
    found = front(places)
    free = {key for key, place in places.items() if not any(dominates(other, place) for other in places.values())}
    assert set(found) <= free
    assert {places[key] for key in found} == {places[key] for key in free}, "one stands for all in the same place"
    assert [places[key].cost for key in found] == sorted({places[key].cost for key in found})
    assert front(dict(reversed(places.items()))) != [] or not places


def test_of_two_in_one_place_the_first_stands_for_both() -> None:
    same = Place(0.5, 10.0)
    assert front({3: same, 1: same, 2: Place(0.4, 10.0)}) == [3]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=20), st.floats(0.01, 0.25))
def test_what_is_believed_is_read_back_from_the_decision(pairs: list[tuple[float, float]], noise: float) -> None:
    ours = {f"t{n}": Cell(3.0, one) for n, (one, _) in enumerate(pairs)}
    theirs = {f"t{n}": Cell(3.0, other) for n, (_, other) in enumerate(pairs)}
    found = estimate(ours, theirs, noise=noise, prior_sd=SETTINGS.prior_sd, pseudo_tasks=SETTINGS.pseudo_tasks)
    assert isinstance(found, Estimate)
    told = believed(decided(Verdict.discard, found, 10))
    assert told is not None
    mean, low, high = told
    sd = SETTINGS.prior_sd * found.se / math.hypot(SETTINGS.prior_sd, found.se)
    assert mean == found.shrunken
    assert high - mean == pytest.approx(mean - low) == pytest.approx(1.959964 * sd, rel=1e-5)


def test_what_was_not_measured_is_not_believed() -> None:
    assert believed(Decision(Verdict.crash, "crashed")) is None
    before_it_was_written_down = Decision(Verdict.discard, "older", effect=0.01, low=-0.1, high=0.1, tasks=9)
    assert believed(before_it_was_written_down) is None


def test_costs_are_compared_on_the_tasks_that_both_saw() -> None:
    baseline = {"short": 100.0, "long": 900.0}
    assert beside(baseline, baseline) == 500.0
    assert beside({"long": 990.0}, baseline) == pytest.approx(550.0), "a tenth more, though only the long task was seen"
    assert beside({"other": 70.0}, baseline) == 70.0
    assert beside({"short": 70.0}, {"short": 0.0}) == 70.0
    assert beside({}, baseline) is None
