"""A sensible domain around a present value: from half to double, true or false, a power of two's neighbours."""

from __future__ import annotations

import re
from typing import Any

CLOSED = re.compile(
    r"(^|[_.-])(version|port|seed|id|uid|gid|year|date|pid|schema|token(?!s)|secret|password|passwd|credential|api_?key|"
    r"apikey|auth|key|env|budget|deadline|seconds|time|timeout|eval|metric|permissions?|hooks?)s?($|[_.-])",
    re.IGNORECASE,
)
"""Names whose values stay closed: what identifies, what is secret, what permits, and the time that a run has."""
LEAST_POWER = 8


def closed(name: str) -> bool:
    """Whether a value of this name is left alone."""
    return CLOSED.search(re.sub(r"([a-z])([A-Z])", r"\1_\2", name)) is not None


def around(value: Any) -> tuple[dict[str, Any], str] | None:
    """What a dimension's table says of its values, and the same in words; None for what has no range.

    A number from 0.5 to 1 is taken for a rate (a momentum, a share): half to double is its distance to 1."""
    if isinstance(value, bool):
        return {"kind": "flag"}, "on or off"
    if isinstance(value, int) and value >= LEAST_POWER and value & (value - 1) == 0:
        values = [value // 4, value // 2, value, value * 2]
        return {"kind": "choice", "values": values}, ", ".join(map(str, values))
    if isinstance(value, int) and value != 0:
        low, high = sorted((_half(value), value * 2))
        return {"kind": "int", "low": low, "high": high}, f"{low} to {high}"
    if isinstance(value, float) and value != 0 and abs(value) < 1e30:
        ends = (1 - 2 * (1 - value), 1 - (1 - value) / 2) if 0.5 < value < 1 else (value / 2, value * 2)
        low_, high_ = sorted(float(f"{end:.6g}") for end in ends)
        table = {"kind": "float", "low": low_, "high": high_, **({"log": True} if low_ > 0 else {})}
        return table, f"{low_:g} to {high_:g}"
    return None


def _half(value: int) -> int:
    return max(1, value // 2) if value > 0 else min(-1, -(-value // 2))
