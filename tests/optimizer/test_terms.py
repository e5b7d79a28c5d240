"""The terms by which the gate knows a harness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.comparison import is_own
from optimizer.assemble.components import harness_of
from optimizer.terms import LEVELS, option, options, own, terms_of
from search_space.domains import Choice, FloatRange, IntRange

COMPONENTS = {f"part{n}": ("0", "1", "2") for n in range(4)}
SPACE, FILES = harness_of(COMPONENTS)
BASELINE = SPACE.read(FILES)
ASSIGNMENTS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in COMPONENTS.items()})


@given(ASSIGNMENTS)
def test_a_harness_is_known_by_what_is_not_the_baselines(assignment: dict[str, str]) -> None:
    assert options(SPACE, BASELINE, BASELINE) == ()
    found = options(SPACE, BASELINE, assignment)
    assert found == tuple(f"{name}={value}" for name, value in assignment.items() if value != "0")
    assert not any(map(is_own, found))


@given(ASSIGNMENTS, ASSIGNMENTS, st.integers(1, 9999))
def test_a_variant_has_its_options_the_champions_edits_and_its_own(
    champion: dict[str, str], variant: dict[str, str], number: int
) -> None:
    stands = (*options(SPACE, BASELINE, champion), "edit:3", "edit:12")
    found = terms_of(SPACE, BASELINE, variant, stands, number)
    assert found == (*options(SPACE, BASELINE, variant), "edit:3", "edit:12", own(number))
    assert is_own(own(number))


def test_a_dimension_that_the_baseline_does_not_have_is_always_an_option() -> None:
    assert options(SPACE, {}, BASELINE) == tuple(f"{name}=0" for name in COMPONENTS)


@pytest.mark.parametrize(
    ("domain", "value", "term"),
    [
        (Choice(("short", "long", None)), "long", "n=long"),
        (Choice(("short", "long", None)), None, "n=None"),
        (Choice((True, False)), True, "n=True"),
        (IntRange(1, 6), 4, "n=4"),
        (IntRange(0, 100, step=20), 40, "n=40"),
        (IntRange(1, 7), 1, "n~1/6"),
        (IntRange(4, 40), 40, "n~6/6"),
        (IntRange(4, 40), 99, "n~6/6"),
        (FloatRange(0.0, 1.0), 0.5, "n~4/6"),
        (FloatRange(0.5, 0.5), 0.5, "n=0.5"),
        (IntRange(1, 1_000_000, log=True), 1_000, "n~4/6"),
        (IntRange(4, 40), "far", "n=far"),
    ],
)
def test_how_a_value_is_called(domain: Choice | IntRange | FloatRange, value: object, term: str) -> None:
    assert option("n", domain, value) == term  # type: ignore[arg-type]


@given(st.integers(1, 50), st.integers(10, 5_000), st.booleans(), st.floats(0, 1), st.floats(0, 1))
def test_a_wide_range_is_cut_into_parts_in_order(low: int, wide: int, log: bool, one: float, other: float) -> None:
    domain = IntRange(low, low + wide, log=log)
    below, above = sorted(low + int(wide * share) for share in (one, other))
    parts = [int(option("n", domain, value).removeprefix("n~").partition("/")[0]) for value in (below, above)]
    assert 1 <= parts[0] <= parts[1] <= LEVELS
    assert option("n", domain, low) == f"n~1/{LEVELS}" != option("n", domain, low + wide) == f"n~{LEVELS}/{LEVELS}"
