"""Who renders: told one message after the other, so that nothing that comes later can be known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from search_space.compaction import Compaction, make_compaction
from search_space.compaction.history import History
from search_space.harness_file import CompactionConfig
from search_space.messages import Message


class Renderer(Protocol):
    """One strategy at one transcript."""

    def feed(self, message: Message) -> None:
        """The conversation goes on with ``message``."""
        ...

    def render(self) -> Sequence[Message]:
        """What the strategy would send now. Messages that it leaves as they are may be the very ones it was fed."""
        ...


class BuiltIn:
    """A strategy that is shipped: a pure function of what it was fed. It has no model to ask, so that a summary is the
    one it makes without."""

    def __init__(self, compaction: Compaction, limit_tokens: int) -> None:
        self._compaction, self._limit = compaction, limit_tokens
        self._history = History()

    def feed(self, message: Message) -> None:
        self._history.append(message)

    def render(self) -> Sequence[Message]:
        return self._compaction.compact(self._history, limit_tokens=self._limit)


def built_in(config: Any, limit_tokens: int) -> BuiltIn:
    """The renderer of a ``[compaction]`` that names a shipped strategy."""
    return BuiltIn(make_compaction(config, folder=Path()), limit_tokens)


def configuration(text: str) -> CompactionConfig:
    """``sliding_window`` or ``sliding_window:keep_messages=6,block=64`` as ``[compaction]``.

    Raises :class:`search_space.errors.InvalidFile` for a strategy or parameter that is not known.
    """
    from search_space.harness_file import HarnessFile
    from search_space.validation import validate

    name, _, given = text.partition(":")
    values: dict[str, Any] = {"strategy": name}
    for part in filter(None, given.split(",")):
        key, _, value = part.partition("=")
        values[key.strip()] = int(value) if value.strip().lstrip("-").isdigit() else value.strip()
    return validate({"name": "replay", "compaction": values}, HarnessFile, file="--strategy").compaction
