"""What stands around the open places of a file must stay byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest

from search_space.errors import InvalidEdit
from search_space.keyed.python_text import constants
from search_space.toml_text import join_key
from search_space.validation import shown

Span = tuple[int, int]
"""From where to where, in bytes."""


def check_surroundings(path: str, before: bytes, after: bytes, opened: Iterable[tuple[str, ...]]) -> None:
    """Raise InvalidEdit when code differs in more than the values of the constants ``opened``; InvalidFile when one of
    them is not there."""
    keys = sorted(set(opened))
    old, new = (_masked(content, _constant_spans(content, path, keys)) for content in (before, after))
    if old == new:
        return
    line, was, got = _first_difference(old.decode(errors="replace"), new.decode(errors="replace"))
    names = ", ".join(map(join_key, keys)) or "nothing"
    raise InvalidEdit(f"{path}: line {line}: got {shown(got)} for {shown(was)}, but the space opens only {names}")


def _constant_spans(content: bytes, path: str, keys: Iterable[tuple[str, ...]]) -> dict[Span, str]:
    found = constants(content.decode(), path)
    return {found.span(parts, path): join_key(parts) for parts in keys}


def _masked(content: bytes, spans: Mapping[Span, str]) -> bytes:
    """The content with a name in the place of each span; of two spans within each other the outer one counts."""
    pieces, at = list[bytes](), 0
    for (start, end), name in sorted(spans.items(), key=lambda entry: (entry[0][0], -entry[0][1])):
        if start >= at:
            pieces += [content[at:start], f"<{name}>".encode()]
            at = end
    return b"".join([*pieces, content[at:]])


def _first_difference(old: str, new: str) -> tuple[int, str, str]:
    """The number of the first line that differs, from 1, and the line in both."""
    pairs = enumerate(zip_longest(old.split("\n"), new.split("\n"), fillvalue="nothing"), 1)
    return next((at, was, got) for at, (was, got) in pairs if was != got)
