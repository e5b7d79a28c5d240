"""The rule of every edit of a value in a text: it counts only when the whole text then reads as it should."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from search_space.errors import InvalidEdit, InvalidFile
from search_space.toml_text import equal


def first_that_reads(
    ways: Iterable[str], expected: Mapping[str, Any], read: Callable[[str], Mapping[str, Any]], *, file: str, key: str
) -> str:
    """The first of ``ways`` (the text written anew in several manners, the best first) that ``read`` reads as
    ``expected``. Raises :class:`InvalidEdit` when none does: something beside ``key`` would change."""
    for text in ways:
        try:
            if equal(read(text), expected):
                return text
        except InvalidFile:
            continue
    raise InvalidEdit(f"{file}: {key}: this value cannot be written without changing the rest of the file")
