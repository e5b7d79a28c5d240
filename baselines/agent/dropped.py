"""Hands what compaction leaves out to the memory's archive, each piece once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from search_space.compaction.history import call_text
from search_space.messages import Message, blocks, text_of


class Dropped:
    """Called with the history and its rendering before each request."""

    def __init__(self, archive: Callable[[str, str], None]) -> None:
        """``archive(source, text)`` keeps a piece; the source is the call that gave it, or who said it."""
        self._archive = archive
        self._done: set[tuple[int, int]] = set()

    def __call__(self, history: Sequence[Message], rendered: Sequence[Message]) -> None:
        """Archive every text and tool result of ``history`` after the task that ``rendered`` does not show in full."""
        same = {id(message) for message in rendered}
        hidden = [index for index in range(1, len(history)) if id(history[index]) not in same]
        if not hidden:
            return
        shown = {_content(block) for message in rendered for block in blocks(message)}
        for index in hidden:
            calls = {
                b["id"]: call_text(b["name"], b["input"]) for b in blocks(history[index - 1]) if b["type"] == "tool_use"
            }
            for at, block in enumerate(blocks(history[index])):
                text = _content(block)
                if text and text not in shown and (index, at) not in self._done:
                    self._done.add((index, at))
                    who = history[index]["role"]
                    self._archive(calls.get(block["tool_use_id"], "") if block["type"] == "tool_result" else who, text)


def _content(block: object) -> str:
    """The text of a text block or tool result, nothing for a call."""
    if not isinstance(block, dict) or block.get("type") == "tool_use":
        return ""
    return str(block["text"]) if block.get("type") == "text" else text_of(block.get("content", ""))
