"""Sliding window: the task and the last messages, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_space.compaction.cutting import drop_oldest
from search_space.messages import Message, Model


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """Keeps the task and the last ``keep_messages`` to ``keep_messages + block - 1`` messages.

    The number dropped is a multiple of ``block`` (1 moves the boundary at every step, which a prompt cache dislikes).
    A line behind the task says how many messages are left out. Tightening order: further whole blocks, then single
    turns down to the last one, then its longest results and texts are shortened.
    """

    keep_messages: int = 20
    block: int = 8

    def compact(self, messages: Sequence[Message], *, limit_tokens: int, model: Model | None = None) -> list[Message]:
        return drop_oldest(messages, limit_tokens, keep=self.keep_messages, block=self.block)
