"""What values a dimension may take: a choice, a whole number in a range, or a real number in a range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

Scalar = str | int | float | bool | None
"""A dimension's value. ``None`` means "absent" where a dimension can be absent."""

Assignment = Mapping[str, Scalar]
"""Values by dimension name."""


def same(left: Scalar, right: Scalar) -> bool:
    """Equality that tells ``True`` from ``1``, but not ``1`` from ``1.0``."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


@dataclass(frozen=True, slots=True)
class Choice:
    """One of ``values``, at least one, all different."""

    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("got no values, expected at least one")
        for index, value in enumerate(self.values):
            if any(same(value, earlier) for earlier in self.values[:index]):
                raise ValueError(f"got the value {value!r} twice, expected different values")

    def contains(self, value: Scalar) -> bool:
        """Whether ``value`` is one of the values (``True`` is not ``1``)."""
        return any(same(value, known) for known in self.values)

    def __str__(self) -> str:
        return "one of " + ", ".join("absent" if value is None else repr(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class IntRange:
    """``low, low + step, ...`` up to ``high``, both ends included. ``log`` asks for a logarithmic scale; ``step`` is
    then 1 and ``low`` at least 1."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"got low = {self.low} above high = {self.high}")
        if self.step < 1 or (self.high - self.low) % self.step:
            raise ValueError(f"got step = {self.step}, expected a positive divisor of high - low")
        if self.log and (self.low < 1 or self.step != 1):
            raise ValueError("got log = true, which needs low >= 1 and step = 1")

    def contains(self, value: Scalar) -> bool:
        """Whether ``value`` is an ``int`` on the grid."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def __str__(self) -> str:
        steps = "" if self.step == 1 else f" in steps of {self.step}"
        return f"a whole number from {self.low} to {self.high}{steps}"


@dataclass(frozen=True, slots=True)
class FloatRange:
    """A real number from ``low`` to ``high``, both ends included. ``log`` asks for a logarithmic scale, ``low > 0``."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError("got a bound that is not finite")
        if self.low > self.high:
            raise ValueError(f"got low = {self.low} above high = {self.high}")
        if self.log and self.low <= 0:
            raise ValueError("got log = true, which needs low > 0")

    def contains(self, value: Scalar) -> bool:
        """Whether ``value`` is a number (an ``int`` counts) within the range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a number from {self.low} to {self.high}"


Domain = Choice | IntRange | FloatRange
"""What :meth:`search_space.space.Space.domain` answers."""
