"""When a proposal is a near-copy of something tried: a question about assignments, asked before anything is spent."""

from __future__ import annotations

from collections.abc import Hashable

from search_space.space import Assignment, Scalar

DIGITS = 2
"""Numbers that agree to this many significant digits count as the same value; whole numbers below 100 stay apart."""


def likeness(assignment: Assignment) -> Hashable:
    """What two assignments have in common when, and only when, each is a near-copy of the other: the same dimensions,
    each with the same value, numbers to ``DIGITS`` significant digits. A flag is never the same as a number."""
    # A text is no number, rounded or not, and stands for itself: a large space has little else.
    return frozenset([(name, value if type(value) is str else _rounded(value)) for name, value in assignment.items()])


def _rounded(value: Scalar) -> Hashable:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    return float(f"{value:.{DIGITS}g}")
