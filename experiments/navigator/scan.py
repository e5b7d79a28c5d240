"""Searching source lines for a pattern, fast: whole texts are searched at once, yet every hit holds within one line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from experiments.navigator.tree import SourceTree

MAX_COUNTED: Final = 5_000
"""Hits after which counting stops: a pattern that fits nearly every line must not cost seconds."""

_LOOKS_PAST_LINE: Final = re.compile(r"\(\?(?:[=!<>]|[a-zA-Z]*[a-zA-Z-]+[:)])|[*+?}]\+|\\[AZz]")
"""Constructs whose meaning may differ between a line and a whole text: looking around, possessive parts, inline flags
and the ends of the text. (Named groups, ``(?P<``, are harmless and not meant.)"""

_TOKEN: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|[^\\\[]", re.DOTALL)
"""One part of a pattern: an escape, a set, a repetition in braces, or a single character."""

_ESCAPED: Final = frozenset(".()[]{}+*?^$|-_/\"'#,:;=<>@!%&~` ")
"""Characters that mean themselves behind a backslash."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The first rows found, as (path, line), and how many there are in all; at least that many unless ``exact``."""

    rows: tuple[tuple[str, int], ...]
    total: int
    exact: bool


def scan(tree: SourceTree, pattern: re.Pattern[str], paths: Sequence[str], *, keep: int) -> Hits:
    """The lines in ``paths`` that ``pattern`` (compiled with ``MULTILINE``) matches, one hit for each line; the first
    ``keep`` of them as rows."""
    literal = "" if pattern.flags & re.IGNORECASE else required_literal(pattern.pattern)
    find: Callable[[SourceTree, re.Pattern[str], str], Iterator[int]]
    if literal:
        find = partial(_by_literal, literal)
    else:
        find = _by_line if _LOOKS_PAST_LINE.search(pattern.pattern) else _by_text
    rows: list[tuple[str, int]] = []
    total = 0
    for path in paths:
        for line in find(tree, pattern, path):
            total += 1
            if len(rows) < keep:
                rows.append((path, line))
            if total >= MAX_COUNTED:
                return Hits(tuple(rows), total, exact=False)
    return Hits(tuple(rows), total, exact=True)


def _by_literal(literal: str, tree: SourceTree, pattern: re.Pattern[str], path: str) -> Iterator[int]:
    """Try only the lines that hold a text without which nothing matches."""
    text, starts = tree.text(path), tree.starts(path)
    position = text.find(literal)
    while position != -1:
        line = bisect_right(starts, position)
        if pattern.search(tree.line(path, line)):
            yield line
        position = text.find(literal, starts[line]) if line < len(starts) else -1


def _by_text(tree: SourceTree, pattern: re.Pattern[str], path: str) -> Iterator[int]:
    """Jump from match to match through the whole text, and believe a match only when its line alone matches too.

    A match within a line is also one within the text, so none is missed; one that runs over a line's end is checked on
    the line where it starts, and the search goes on behind that line.
    """
    text, starts = tree.text(path), tree.starts(path)
    position = 0
    while match := pattern.search(text, position):
        line = bisect_right(starts, match.start())
        if line == 0 or match.start() >= len(text):
            return
        if "\n" not in match.group() or pattern.search(tree.line(path, line)):
            yield line
        if line >= len(starts):
            return
        position = starts[line]


def _by_line(tree: SourceTree, pattern: re.Pattern[str], path: str) -> Iterator[int]:
    search = pattern.search
    for number, line in enumerate(tree.text(path).split("\n")[: tree.line_count(path)], start=1):
        if search(line):
            yield number


def required_literal(pattern: str) -> str:
    """A text that every match must hold, the longest that is easily seen, empty when none is.

    Looks only at plain characters outside groups and sets; gives up on alternatives and inline flags.
    """
    if "|" in pattern or "(?" in pattern:
        return ""
    runs, run = [], ""
    position = depth = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            return ""
        position = token.end()
        text = token.group()
        if text[0] in "*?{" and text != "{":
            runs.append(run[:-1])
            run = ""
        elif depth == 0 and (text[1] in _ESCAPED if len(text) == 2 else len(text) == 1 and text not in "^$.()+{"):
            run += text[-1]
        else:
            runs.append(run)
            run = ""
        depth += (text == "(") - (text == ")")
    return max([*runs, run], key=len)
