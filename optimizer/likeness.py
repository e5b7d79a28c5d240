"""When a proposal is a near-copy of something tried: a question about assignments, asked before anything is spent."""

from __future__ import annotations

from collections.abc import Iterable

from search_space.space import Assignment

NEAR = 0.02
"""Two numbers of one sign that differ by no more than this share of the larger one count as the same value."""


def near_copy(assignment: Assignment, tried: Iterable[Assignment]) -> bool:
    """Whether ``assignment`` (a variant's full reading of the space) says the same as one of ``tried``."""
    return any(same(assignment, other) for other in tried)


def same(one: Assignment, other: Assignment) -> bool:
    """Whether two assignments name the same dimensions and give each the same value, numbers up to ``NEAR``.

    Whole numbers below 50 are therefore the same only when equal; a flag is never the same as a number.
    """
    if one == other and all(type(value) is type(other[name]) for name, value in one.items()):
        return True
    return one.keys() == other.keys() and all(_same_value(value, other[name]) for name, value in one.items())


def _same_value(one: object, other: object) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or (one * other > 0 and abs(one - other) <= NEAR * max(abs(one), abs(other)))
    return one == other
