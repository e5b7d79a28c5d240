"""The one small protocol of all compaction strategies.

A strategy sees the whole conversation so far and returns the conversation to send. It is a pure function of its input
and its own parameters (a strategy that asks a model remembers the answers, keyed by what it asked), so that the same
history always renders the same. Moving the boundary in blocks keeps the rendered prefix the same from step to step,
which is what a prompt cache needs (design.md, section 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from search_space.messages import Message, Model


class Compaction(Protocol):
    """Renders a conversation so that it fits."""

    def compact(self, messages: Sequence[Message], *, limit_tokens: int, model: Model | None = None) -> list[Message]:
        """Return the messages to send in place of ``messages``.

        ``messages`` starts with the task (a user message), is valid (``check_messages``), and grows at the end from
        call to call. ``limit_tokens`` is what the rendered messages should fit in, by ``estimate_tokens``: nothing is
        compacted while they do. ``model`` is the model that a summarising strategy may ask; without one it falls back
        to what it can do alone. The result is always valid, keeps the task, never splits a pair of ``tool_use`` and
        ``tool_result``, and does not change ``messages``.
        """
        ...
