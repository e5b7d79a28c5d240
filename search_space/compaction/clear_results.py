"""Clearing old tool results: the calls stay, what they returned is replaced by a line that says what is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_space.compaction.history import History, Result, drop_oldest, replace_results, seen_results, text_chars
from search_space.messages import CHARS_PER_TOKEN, Message, Model


@dataclass(frozen=True, slots=True)
class ClearResults:
    """Clears tool results of at least ``min_chars`` characters that are older than the last ``keep_results`` ones.

    The boundary moves by ``block`` results. Results that the model has not seen yet (those of the last message) are
    never cleared. Tightening order: further blocks of results, then results below ``min_chars`` too, then the oldest
    turns are dropped in blocks of messages, then the last turn's longest results and texts are shortened.
    """

    keep_results: int = 4
    block: int = 4
    min_chars: int = 200

    def compact(self, messages: Sequence[Message], *, limit_tokens: int, model: Model | None = None) -> list[Message]:
        history = History(messages)
        if history.fits(limit_tokens):
            return list(messages)
        seen, first = seen_results(messages, keep=self.keep_results, block=self.block)
        excess = history.chars - limit_tokens * CHARS_PER_TOKEN
        swaps = [_Swap(result, placeholder(result)) for result in seen]
        steps = [(count, self.min_chars) for count in (*range(first, len(seen), self.block), len(seen))]
        cleared: list[_Swap] = []
        for count, least in (*steps, (len(seen), 0)):
            cleared = [swap for swap in swaps[:count] if len(swap.result.text) >= least and swap.saved > 0]
            if sum(swap.saved for swap in cleared) >= excess:
                break
        new = {(swap.result.message, swap.result.block): swap.text for swap in cleared}
        return drop_oldest(replace_results(messages, new), limit_tokens, keep=len(messages), block=2 * self.block)


class _Swap:
    """A result, what would stand in its place, and the characters saved."""

    __slots__ = ("result", "saved", "text")

    def __init__(self, result: Result, text: str) -> None:
        self.result, self.text = result, text
        self.saved = text_chars(result.text) - text_chars(text)


def placeholder(result: Result) -> str:
    """What stands in the place of a cleared result: the call that gave it and how much it was."""
    lines = result.text.count("\n") + 1
    return f"[cleared: {result.call} gave {len(result.text):,} characters in {lines} lines; call again if needed]"
