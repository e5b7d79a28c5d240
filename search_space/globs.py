"""Glob patterns (``*``, ``?``, ``[a-z]``, ``[!a-z]``; ``*`` also crosses slashes), matched in linear time and compared
with each other exactly: whether one matches all that another does, or anything that another does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

MOST_STATES = 20_000
"""Pairs of states that a comparison looks at before it gives up."""
_TOP = 0x110000
Ranges = tuple[tuple[int, int], ...]
"""Code points from, to (both included)."""


@dataclass(frozen=True)
class Glob:
    """A pattern in the syntax of the standard library's ``fnmatch``; case counts."""

    pattern: str
    _parts: tuple[Ranges | None, ...] = field(init=False, repr=False, compare=False)
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = tuple(_parsed(self.pattern))
        object.__setattr__(self, "_parts", parts)
        object.__setattr__(self, "_regex", re.compile(_regex(parts), re.DOTALL))

    def matches(self, text: str) -> bool:
        """Whether the whole of ``text`` matches."""
        return self._regex.fullmatch(text) is not None

    def covers(self, other: Glob) -> bool:
        """Whether every text that ``other`` matches is matched here. True is proven; False may also mean that the
        patterns are too long-winded to compare."""
        return self == other or _compared(self, other)[0]

    def touches(self, other: Glob) -> bool:
        """Whether some text is matched by both. False is proven."""
        return _compared(self, other)[1]


@lru_cache(maxsize=4096)
def glob(pattern: str) -> Glob:
    """The pattern, parsed once."""
    return Glob(pattern)


def _parsed(pattern: str) -> Iterator[Ranges | None]:
    """The pattern's parts: what one character may be, or None for a star (never two in a row)."""
    at, star = 0, False
    while at < len(pattern):
        char, at = pattern[at], at + 1
        if char == "*":
            if not star:
                yield None
            star = True
            continue
        star = False
        if char == "?":
            yield ((0, _TOP - 1),)
        elif char == "[" and (end := _end_of_set(pattern, at)) > 0:
            yield _set(pattern[at:end])
            at = end + 1
        else:
            yield ((ord(char), ord(char)),)


def _end_of_set(pattern: str, at: int) -> int:
    """Where the set that begins at ``at`` ends; -1 when it does not, and the bracket is a character like others."""
    start = at + 1 if pattern[at : at + 1] == "!" else at
    return pattern.find("]", start + 1)


def _set(text: str) -> Ranges:
    negated = text.startswith("!")
    text = text[negated:]
    ranges: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        last = at + 2 if text[at + 1 : at + 2] == "-" and at + 2 < len(text) else at
        if text[at] <= text[last]:
            ranges.append((ord(text[at]), ord(text[last])))
        at = last + 1
    if not negated:
        return tuple(ranges)
    outside: list[tuple[int, int]] = []
    begin = 0
    for low, high in sorted(ranges):
        if begin < low:
            outside.append((begin, low - 1))
        begin = max(begin, high + 1)
    return (*outside, (begin, _TOP - 1)) if begin < _TOP else tuple(outside)


def _regex(parts: tuple[Ranges | None, ...]) -> str:
    """A star and what follows up to the next one are atomic: the nearest match is as good as any, so that nothing is
    ever tried again."""
    pieces: list[str] = [""]
    for part in parts:
        if part is None:
            pieces.append("")
        else:
            pieces[-1] += _class(part)
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1])
    return f"{pieces[0]}{middle}.*{pieces[-1]}"


def _class(ranges: Ranges) -> str:
    if not ranges:
        return "(?!)"
    return "[" + "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges) + "]"


@lru_cache(maxsize=4096)
def _compared(outer: Glob, inner: Glob) -> tuple[bool, bool]:
    """(``outer`` covers ``inner``, they touch): both read the same texts, character by character, from all positions
    that each could be in. Characters that no pattern tells apart are one."""
    samples = sorted({0, *(edge for each in (outer, inner) for edge in _edges(each))} - {_TOP})
    steps = [(_accepted(inner, sample), _accepted(outer, sample)) for sample in samples]
    ours, theirs = _stars(outer), _stars(inner)
    end, other_end = 1 << len(outer._parts), 1 << len(inner._parts)
    first = (_closed(1, theirs), _closed(1, ours))
    seen, waiting = {first}, [first]
    covers, touches = True, False
    while waiting:
        if len(seen) > MOST_STATES:
            return False, True
        left, right = waiting.pop()
        if left & other_end:
            covers, touches = covers and bool(right & end), touches or bool(right & end)
        for accepted, ours_accepted in steps:
            new_left = _closed((left & theirs) | ((left & accepted) << 1), theirs)
            new_right = _closed((right & ours) | ((right & ours_accepted) << 1), ours)
            if new_left and (new_left, new_right) not in seen:
                seen.add((new_left, new_right))
                waiting.append((new_left, new_right))
    return covers, touches


def _edges(each: Glob) -> Iterator[int]:
    for part in each._parts:
        for low, high in part or ():
            yield low
            yield high + 1


def _accepted(each: Glob, char: int) -> int:
    """The positions, as bits, from which ``char`` leads to the next."""
    return sum(1 << at for at, part in enumerate(each._parts) if any(low <= char <= high for low, high in part or ()))


def _stars(each: Glob) -> int:
    return sum(1 << at for at, part in enumerate(each._parts) if part is None)


def _closed(positions: int, stars: int) -> int:
    """The positions, and those behind a star, which may stand for nothing."""
    return positions | ((positions & stars) << 1)
