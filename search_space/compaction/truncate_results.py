"""Head-and-tail truncation: each old tool result keeps its beginning and its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search_space.compaction.history import (
    FLOOR_CHARS,
    History,
    clip,
    drop_oldest,
    replace_results,
    seen_results,
    text_chars,
)
from search_space.messages import CHARS_PER_TOKEN, Message, Model


@dataclass(frozen=True, slots=True)
class TruncateResults:
    """Cuts results longer than ``head_chars + tail_chars`` to these two ends, except the last ``keep_recent`` ones.

    The boundary moves by ``block`` results. Results that the model has not seen yet (those of the last message) stay
    whole. Tightening order: further blocks of results, then head and tail are halved again and again down to about
    80 characters together, then the oldest turns are dropped in blocks of messages, then the last turn's longest
    results and texts are shortened.
    """

    head_chars: int = 1200
    tail_chars: int = 400
    keep_recent: int = 2
    block: int = 4

    def compact(self, messages: Sequence[Message], *, limit_tokens: int, model: Model | None = None) -> list[Message]:
        history = History(messages)
        if history.fits(limit_tokens):
            return list(messages)
        seen, first = seen_results(messages, keep=self.keep_recent, block=self.block)
        excess = history.chars - limit_tokens * CHARS_PER_TOKEN
        new: dict[tuple[int, int], str] = {}
        for count, head, tail in self._levels(first, len(seen)):
            new, saved = {}, 0
            for result in seen[:count]:
                if (text := clip(result.text, head, tail)) is not result.text:
                    new[result.message, result.block] = text
                    saved += text_chars(result.text) - text_chars(text)
            if saved >= excess:
                break
        return drop_oldest(replace_results(messages, new), limit_tokens, keep=len(messages), block=2 * self.block)

    def _levels(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """(results to cut, head, tail), mildest first."""
        head, tail = self.head_chars, self.tail_chars
        yield from ((count, head, tail) for count in (*range(first, last, self.block), last))
        while head + tail > FLOOR_CHARS:
            head, tail = head // 2, tail // 2
            yield last, head, tail
