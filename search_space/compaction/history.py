"""What every strategy needs to know of a conversation: its size, and where it may be cut.

A *cut* is the index of the first message kept after the task: the rendering is ``[task, *messages[cut:]]``. A cut is
lawful when the message there answers no tool call, so that no pair is split. Sizes are characters of compact JSON, and
agree exactly with :func:`search_space.messages.estimate_tokens` of the whole list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

from search_space.messages import CHARS_PER_TOKEN, Block, Message

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class History(Sequence[Message]):
    """A conversation that grows at its end, each message of which is measured once.

    A caller that renders the same growing conversation again and again hands the same history over each time: a
    rendering then costs by what is new and by what is shown, not by all that was ever said. ``kept`` is room for what a
    strategy wants to find again, by the strategy.
    """

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self.kept: dict[object, Any] = {}
        self._messages: list[Message] = []
        self._measured: list[_Measured] = []
        self._chars_before = [0]
        self._cuts: list[int] = []
        self._running = hashlib.blake2b(digest_size=16)
        self._digests = [self._running.hexdigest()]
        for message in messages:
            self.append(message)

    @classmethod
    def of(cls, messages: Sequence[Message]) -> History:
        """``messages`` itself when it is a history already."""
        return messages if isinstance(messages, cls) else cls(messages)

    def append(self, message: Message) -> None:
        """The conversation goes on with ``message``."""
        if self._messages and not _answers_a_call(message):
            self._cuts.append(len(self._messages))
        self._messages.append(message)
        self._measured.append(_measure(message))
        self._chars_before.append(self._chars_before[-1] + self._measured[-1].chars + 1)

    def replace(self, new: Mapping[int, Message]) -> None:
        """Other messages in the places of some that answer the same calls; costs by what stands behind the first."""
        for index, message in new.items():
            self._messages[index], self._measured[index] = message, _measure(message)
        self._digests, first = [], min(new, default=len(self._messages))
        del self._chars_before[first + 1 :]
        for measured in self._measured[first:]:
            self._chars_before.append(self._chars_before[-1] + measured.chars + 1)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        return self._messages[index]

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    @property
    def chars(self) -> int:
        """Characters of the whole conversation as a JSON list."""
        return self._chars_before[-1] + 1

    def chars_with_cut(self, cut: int) -> int:
        """Characters of ``[task, *messages[cut:]]`` as a JSON list."""
        return self._measured[0].chars + self._chars_before[-1] - self._chars_before[cut] + 2

    def message_chars(self, index: int) -> int:
        """Characters of one message as JSON."""
        return self._measured[index].chars

    def fits(self, limit_tokens: int) -> bool:
        """Whether the whole conversation fits."""
        return self.chars <= limit_tokens * CHARS_PER_TOKEN

    def cuts(self) -> Sequence[int]:
        """The lawful cuts, ascending. The first drops nothing, the last leaves the last turn only."""
        return self._cuts

    def digests(self) -> Sequence[str]:
        """For each cut from 0 to the length: what names the messages that it drops, task included."""
        if not self._digests:
            self._running = hashlib.blake2b(digest_size=16)
            self._digests.append(self._running.hexdigest())
        for measured in self._measured[len(self._digests) - 1 :]:
            self._running.update(measured.shell.encode("utf-8", "surrogatepass"))
            for text in measured.texts:
                self._running.update(_text_digest(text))
            self._digests.append(self._running.hexdigest())
        return self._digests


@dataclass(frozen=True, slots=True)
class _Measured:
    """A message as JSON with its long texts taken out: they are the same objects from step to step, so what is known of
    them is remembered, and a step costs by the number of messages rather than by their length."""

    chars: int
    shell: str
    texts: tuple[str, ...]


def _measure(message: Message) -> _Measured:
    content = message["content"]
    texts: list[str] = []
    bare: dict[str, Any] = dict(message)
    if isinstance(content, str):
        texts.append(content)
        bare["content"] = ""
    else:
        bare["content"] = [_without_text(block, texts) for block in content]
    shell = _encode(bare)
    return _Measured(len(shell) + sum(text_chars(text) - 2 for text in texts), shell, tuple(texts))


def _without_text(block: Block, texts: list[str]) -> Mapping[str, Any]:
    key = "content" if block["type"] == "tool_result" else "text"
    text = block.get(key)
    if not isinstance(text, str):
        return block
    texts.append(text)
    return {**block, key: ""}


@lru_cache(maxsize=512)
def text_chars(text: str) -> int:
    """Characters of ``text`` as a JSON string, quotes included."""
    return len(_encode(text))


@lru_cache(maxsize=512)
def _text_digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def message_chars(message: Message) -> int:
    """Characters of one message as JSON."""
    return _measure(message).chars


def list_chars(messages: Sequence[Message]) -> int:
    """Characters of messages as a JSON list."""
    return sum(_measure(message).chars for message in messages) + max(0, len(messages) - 1) + 2


def _answers_a_call(message: Message) -> bool:
    return not isinstance(message["content"], str) and any(b["type"] == "tool_result" for b in message["content"])
