"""Clearing old tool results: the calls stay, what they returned is replaced by a line that says what is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_space.compaction.cutting import drop_oldest
from search_space.compaction.history import History, text_chars
from search_space.compaction.shortened import Result, Shortened
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
        history = History.of(messages)
        if history.fits(limit_tokens):
            return list(history)
        if (shortened := history.kept.get(self)) is None:
            shortened = history.kept[self] = Shortened(history, _cleared)
        seen, first = shortened.look(self.keep_results, self.block)
        excess = history.chars - limit_tokens * CHARS_PER_TOKEN
        level, count = self.min_chars, shortened.least(self.min_chars, [*range(first, seen, self.block), seen], excess)
        if count is None:
            level, count = 0, seen
        return drop_oldest(shortened.rendered(level, count), limit_tokens, keep=len(history), block=2 * self.block)


def _cleared(result: Result, min_chars: int) -> str | None:
    """What stands in the place of a result, where that is shorter."""
    text = placeholder(result)
    return text if len(result.text) >= min_chars and text_chars(text) < text_chars(result.text) else None


def placeholder(result: Result) -> str:
    """What stands in the place of a cleared result: the call that gave it and how much it was."""
    lines = result.text.count("\n") + 1
    return f"[cleared: {result.call} gave {len(result.text):,} characters in {lines} lines; call again if needed]"
