"""Which earlier values each step of a transcript uses, and where those stood.

A value is what a call's arguments hold: a text without spaces, an identifier within a longer text, a number of four
digits or more. It counts for a step when it stood in the conversation before that step: then the agent had it from
there, as far as can be told. Everything is found in one pass over the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from search_space.messages import Message, blocks, text_of

LEAST_CHARS = 4
MOST_CHARS = 200
"""A longer text is no value to look up but something that the agent wrote."""
MOST_SCANNED = 4000
MOST_VALUES = 48
"""So many values of one step are looked at."""
_IDENTIFIER = re.compile(r"[\w@~-]+(?:[./:\\-][\w@~-]+)+|\w*(?:\d\w*_|_\w*\d|[a-z_][A-Z]|\w_\w|\d\d)\w*")
_WORD = re.compile(r"\w{3,}")


class Uses:
    """The values that the steps of ``messages`` use. ``system`` is the system prompt, which is always in view."""

    def __init__(self, messages: Sequence[Message], system: str = "") -> None:
        self._places: dict[str, list[int]] = {}
        values = [tuple(islice(_values(message), MOST_VALUES)) for message in messages]
        self._steps = values
        keys: dict[str, list[str]] = {}
        for value in dict.fromkeys(value for step in values for value in step):
            words = _WORD.findall(value)
            keys.setdefault(max(words, key=len) if words else "", []).append(value)
        for index, message in enumerate(messages):
            self._note(searchable(message), index, keys)
        self._pinned = {value for value in self._places if value in system}
        self._pinned |= {value for value, places in self._places.items() if places[0] == 0}

    def of(self, step: int) -> dict[str, Sequence[int]]:
        """The values that the answer at index ``step`` uses, each with the earlier messages in which it stood."""
        found: dict[str, Sequence[int]] = {}
        for value in self._steps[step]:
            places = self._places.get(value, [])
            if before := places[: bisect_left(places, step)]:
                found[value] = before
        return found

    def pinned(self, value: str) -> bool:
        """Whether it stands in the system prompt or in the first message, which no strategy drops."""
        return value in self._pinned

    def _note(self, text: str, index: int, keys: Mapping[str, Sequence[str]]) -> None:
        for key in keys.keys() & {"", *_WORD.findall(text)}:
            for value in keys[key]:
                if value in text:
                    self._places.setdefault(value, []).append(index)


def searchable(message: Message) -> str:
    """All that a message says, as one text: what was said, what was called with, what came back."""
    content = message["content"]
    if isinstance(content, str):
        return content
    parts: list[str] = []
    for block in content:
        if block["type"] == "text":
            parts.append(block["text"])
        elif block["type"] == "tool_result":
            parts.append(text_of(block["content"]))
        elif block["type"] == "tool_use":
            parts += [str(leaf) for leaf in _leaves(block["input"])]
    return "\n".join(parts)


def _values(message: Message) -> Iterator[str]:
    for block in blocks(message):
        if block["type"] == "tool_use":
            yield from dict.fromkeys(value for leaf in _leaves(block["input"]) for value in _of_leaf(leaf))


def _of_leaf(leaf: Any) -> Iterator[str]:
    text = str(leaf).strip() if isinstance(leaf, str | int | float) and not isinstance(leaf, bool) else ""
    if len(text) < LEAST_CHARS:
        return
    if len(text) <= MOST_CHARS and not re.search(r"\s", text):
        yield text
    elif isinstance(leaf, str):
        for match in _IDENTIFIER.finditer(text[:MOST_SCANNED]):
            if LEAST_CHARS <= len(match.group()) <= MOST_CHARS:
                yield match.group()


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
