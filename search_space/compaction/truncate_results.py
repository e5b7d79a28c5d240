"""Head-and-tail truncation: each old tool result keeps its beginning and its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search_space.compaction.cutting import FLOOR_CHARS, clip, drop_oldest
from search_space.compaction.history import History, text_chars
from search_space.compaction.shortened import Result, Shortened
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
        history = History.of(messages)
        if history.fits(limit_tokens):
            return list(history)
        if (shortened := history.kept.get(self)) is None:
            shortened = history.kept[self] = Shortened(history, _clipped)
        seen, first = shortened.look(self.keep_recent, self.block)
        excess = history.chars - limit_tokens * CHARS_PER_TOKEN
        level, count = (self.head_chars, self.tail_chars), None
        for level, counts in self._levels(first, seen):
            if (count := shortened.least(level, counts, excess)) is not None:
                break
        rendered = shortened.rendered(level, seen if count is None else count)
        return drop_oldest(rendered, limit_tokens, keep=len(history), block=2 * self.block)

    def _levels(self, first: int, last: int) -> Iterator[tuple[tuple[int, int], list[int]]]:
        """(head and tail, how many results to cut), mildest first."""
        head, tail = self.head_chars, self.tail_chars
        yield (head, tail), [*range(first, last, self.block), last]
        while head + tail > FLOOR_CHARS:
            head, tail = head // 2, tail // 2
            yield (head, tail), [last]


def _clipped(result: Result, ends: tuple[int, int]) -> str | None:
    text = clip(result.text, *ends)
    return text if text_chars(text) < text_chars(result.text) else None
