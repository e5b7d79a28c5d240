"""Old tool results shown shorter: which, what that saves, and the conversation with the short ones in it.

What is known of a growing conversation (:class:`History`) is kept with it, so that a step costs by what is new.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from search_space.compaction.cutting import call_text, with_text
from search_space.compaction.history import History, text_chars
from search_space.messages import Block, Message, blocks, text_of

L = TypeVar("L", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Result:
    """One tool result of a conversation: where it is, the call that it answers, its text."""

    message: int
    block: int
    call: str
    text: str


class Shortened(Generic[L]):
    """The tool results of ``history`` and what ``shorten(result, level)`` makes of them (None: it stays as it is)."""

    def __init__(self, history: History, shorten: Callable[[Result, L], str | None]) -> None:
        self.results: list[Result] = []
        self._history, self._shorten = history, shorten
        self._looked_at = 0
        self._calls: dict[str, str] = {}
        self._saved: dict[L, list[int]] = {}
        self._rendered = History()
        self._done: tuple[L | None, int] = (None, 0)

    def look(self, keep: int, block: int) -> tuple[int, int]:
        """How many results the model has seen (those of the last message it has not), and how many of them are to be
        shortened at first: all but the newest ``keep`` of the conversation, in whole blocks of ``block``."""
        for index in range(self._looked_at, len(self._history)):
            self.results += self._results(index, self._history[index])
        self._looked_at = len(self._history)
        seen = bisect_left(self.results, len(self._history) - 1, key=lambda result: result.message)
        return seen, min(seen, max(0, len(self.results) - keep) // block * block)

    def least(self, level: L, counts: Sequence[int], excess: int) -> int | None:
        """The first of ``counts`` (ascending) so many of the oldest results of which save ``excess`` characters at
        ``level``; None when none does."""
        at = bisect_left(counts, True, key=lambda count: self._saves(level, count) >= excess)
        return counts[at] if at < len(counts) else None

    def rendered(self, level: L, count: int) -> History:
        """The conversation with its ``count`` oldest results as they are at ``level``."""
        before_level, before = self._done
        if before_level != level or count < before or len(self._rendered) > len(self._history):
            self._rendered, before = History(), 0
        for index in range(len(self._rendered), len(self._history)):
            self._rendered.append(self._history[index])
        new: dict[int, Message] = {}
        for result in self.results[before:count]:
            if (short := self._shorten(result, level)) is not None:
                message = new.get(result.message) or self._rendered[result.message]
                new[result.message] = _replaced(message, result.block, short)
        self._rendered.replace(new)
        self._done = level, count
        return self._rendered

    def _saves(self, level: L, count: int) -> int:
        known = self._saved.setdefault(level, [0])
        for result in self.results[len(known) - 1 : count]:
            short = self._shorten(result, level)
            known.append(known[-1] + (0 if short is None else text_chars(result.text) - text_chars(short)))
        return known[count]

    def _results(self, index: int, message: Message) -> Iterator[Result]:
        content = message["content"]
        if isinstance(content, str):
            return
        for at, block in enumerate(content):
            if block["type"] == "tool_result":
                yield Result(index, at, self._calls.get(block["tool_use_id"], "a tool"), text_of(block["content"]))
        self._calls = {b["id"]: call_text(b["name"], b["input"]) for b in content if b["type"] == "tool_use"}


def _replaced(message: Message, at: int, text: str) -> Message:
    content: list[Block] = list(blocks(message))
    block = content[at]
    if block["type"] == "tool_result":
        content[at] = with_text(block, text)
    return {"role": message["role"], "content": content}
