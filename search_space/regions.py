"""Marked regions of text files: the lines between one with ``ratchet: begin NAME`` and one with ``ratchet: end NAME``.

The markers stand in whatever the file's language takes for a comment. What a region holds is compared and written
without the indentation of its marker, so that a text in a space file need not know how deep it will stand.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from search_space.diffs import split_lines
from search_space.errors import InvalidFile
from search_space.validation import nearest

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
MARKER = re.compile(rf"(?<![\w-])ratchet:[ \t]*(begin|end)[ \t]+({NAME})")
EXPECTED = "one line with 'ratchet: begin {0}' and one below it with 'ratchet: end {0}'"


@dataclass(frozen=True, slots=True)
class Region:
    """The characters ``start`` to ``end`` of a text are a region's lines; ``indent`` stands before its first marker."""

    start: int
    end: int
    indent: str


def find_region(text: str, name: str, file: str) -> Region:
    """The region called ``name``. Raises :class:`InvalidFile` when it has no markers, or one stands twice
    or within another region."""
    found = find_regions(text, file)
    if name not in found:
        raise InvalidFile(file, name, "no such region", EXPECTED.format(name), nearest(name, found))
    return found[name]


@lru_cache(maxsize=128)
def find_regions(text: str, file: str) -> Mapping[str, Region]:
    """The regions of a text by name, in the order in which they end; not to be changed. Raises :class:`InvalidFile`."""
    found: dict[str, Region] = {}
    opened: list[tuple[str, int, str, int]] = []
    at = 0
    for number, line in enumerate(split_lines(text), 1):
        marker = MARKER.search(line)
        if marker and marker[1] == "begin":
            name = marker[2]
            if name in found or any(name == each[0] for each in opened):
                raise _wrong(file, name, f"a second 'ratchet: begin {name}' in line {number}")
            indent = line[: len(line) - len(line.lstrip(" \t"))]
            opened.append((name, at + len(line), indent, number))
        elif marker:
            name = marker[2]
            if not opened or opened[-1][0] != name:
                raise _wrong(file, name, f"'ratchet: end {name}' in line {number}, where no such region is open")
            _, start, indent, _ = opened.pop()
            found[name] = Region(start, at, indent)
        at += len(line)
    if opened:
        name, _, _, number = opened[-1]
        raise _wrong(file, name, f"'ratchet: begin {name}' in line {number} and no end of it")
    return found


def content(text: str, region: Region) -> str:
    """What a region holds: without common indentation, line ends of Windows, and empty lines at both ends."""
    return plain(text[region.start : region.end])


def plain(code: str) -> str:
    """A text in the form in which regions are compared."""
    return textwrap.dedent(code.replace("\r\n", "\n")).strip("\n")


def put(text: str, region: Region, code: str) -> str:
    """``text`` with the region holding ``code``, as deep as its marker and with the file's line ends."""
    body = textwrap.indent(plain(code), region.indent)
    body = body + "\n" if body else ""
    return text[: region.start] + (body.replace("\n", "\r\n") if "\r\n" in text else body) + text[region.end :]


def _wrong(file: str, name: str, got: str) -> InvalidFile:
    return InvalidFile(file, name, got, EXPECTED.format(name))
