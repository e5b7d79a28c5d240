"""The terms by which the gate knows a harness: the options in which it is not the baseline, and its kept edits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from search_space.domains import Choice, Domain, IntRange, same
from search_space.space import Assignment, Scalar, Space

LEVELS = 6
"""A range with more values than this is cut into so many parts: numbers in one part are one option."""


def options(space: Space, baseline: Assignment, assignment: Assignment) -> tuple[str, ...]:
    """The options of ``assignment``, a reading of ``space``, that are not those of ``baseline``: ``NAME=VALUE``."""
    return tuple(
        option(name, space.domain(name), value)
        for name, value in assignment.items()
        if name not in baseline
        or (
            not same(value, baseline[name])
            and option(name, space.domain(name), value) != option(name, space.domain(name), baseline[name])
        )
    )


def own(experiment: int) -> str:
    """The term of what an edit does beyond its options."""
    return f"edit:{experiment}"


def terms_of(
    space: Space, baseline: Assignment, assignment: Assignment, champion: Sequence[str], experiment: int
) -> tuple[str, ...]:
    """The terms of the variant of an experiment: its options, the own terms of the champion's edits, and its own."""
    inherited = [term for term in champion if term.startswith("edit:")]
    return (*options(space, baseline, assignment), *inherited, own(experiment))


def option(name: str, domain: Domain, value: Scalar) -> str:
    """One option. A number of a range with many values stands for the part of the range that it lies in."""
    if (
        isinstance(domain, Choice)
        or not is_cut(domain)
        or not isinstance(value, int | float)
        or isinstance(value, bool)
    ):
        return f"{name}={value}"
    low, high = float(domain.low), float(domain.high)
    at = min(high, max(low, float(value)))
    if domain.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return part(name, min(LEVELS - 1, int(LEVELS * (at - low) / (high - low))))


def part(name: str, place: int) -> str:
    """The option of a number in part ``place``, 0 to LEVELS - 1, of a range that is cut."""
    return f"{name}~{place + 1}/{LEVELS}"


def is_cut(domain: Domain) -> bool:
    """Whether a range has too many values for each to be an option of its own."""
    if isinstance(domain, IntRange):
        return (domain.high - domain.low) // domain.step >= LEVELS
    return not isinstance(domain, Choice) and domain.high > domain.low
