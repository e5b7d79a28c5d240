"""Git's tree objects as bytes: parse, build, and splice one entry without touching the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

FILE = b"100644"
EXECUTABLE = b"100755"
FOLDER = b"40000"


class Entry(NamedTuple):
    """One line of a tree: git's octal mode, the name as bytes, and the 20 bytes of the object's id."""

    mode: bytes
    name: bytes
    id: bytes


def parse(data: bytes) -> Iterator[Entry]:
    """The entries of a tree in its order."""
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        yield Entry(data[at:space], data[space + 1 : end], data[end + 1 : end + 21])
        at = end + 21


def build(entries: Iterable[Entry]) -> bytes:
    """A tree; entries in any order. Git sorts by name, a folder as if its name ended in a slash."""
    ordered = sorted(entries, key=lambda entry: entry.name + b"/" if entry.mode == FOLDER else entry.name)
    return b"".join(entry.mode + b" " + entry.name + b"\0" + entry.id for entry in ordered)


def find(data: bytes, name: bytes) -> tuple[int, Entry] | None:
    """The entry called ``name`` and where its 20 bytes of id begin.

    The name is searched for in the raw bytes, so a tree of thousands of entries costs no more than a scan; only when
    the pattern occurs twice (an id may hold any bytes) are the entries walked.
    """
    pattern = b" " + name + b"\0"
    first = data.find(pattern)
    if first < 0:
        return None
    if data.find(pattern, first + 1) < 0:
        at = first + len(pattern)
        for mode in (FOLDER, FILE, EXECUTABLE):
            if data[first - len(mode) : first] == mode and _begins(data, first - len(mode)):
                return at, Entry(mode, name, data[at : at + 20])
    at = 0
    for entry in parse(data):
        at += len(entry.mode) + len(entry.name) + 22
        if entry.name == name:
            return at - 20, entry
    return None


def splice(data: bytes, name: bytes, new_id: bytes) -> bytes:
    """The tree with another object under ``name``; every byte stays. Raises KeyError when ``name`` is not in it."""
    found = find(data, name)
    if found is None:
        raise KeyError(name)
    at = found[0]
    return data[:at] + new_id + data[at + 20 :]


def _begins(data: bytes, at: int) -> bool:
    """Whether an entry can begin at ``at``: at the start, or 20 bytes of id behind the end of a name."""
    return at == 0 or (at > 21 and data[at - 21] == 0)
