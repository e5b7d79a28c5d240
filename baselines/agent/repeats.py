"""The repeat guard: a call whose result is still in view is not run a second time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from search_space.messages import Message, ToolResultBlock, ToolUseBlock, blocks
from search_space.tools import Effects, Tool


class Repeats:
    """Remembers an agent's calls that changed nothing and succeeded, until something that they read is written."""

    def __init__(self, tools: Mapping[str, Tool]) -> None:
        """``tools``: all tools by name, for their effects; a call of another is not remembered."""
        self._tools = tools
        self._known: dict[str, tuple[int, Effects, ToolResultBlock]] = {}

    def answer(self, call: ToolUseBlock, sent: Sequence[Message]) -> ToolResultBlock | None:
        """The result of a call that is not to be run, since ``sent``, the messages that the model has seen, still shows
        what it gave; None for any other call."""
        if (key := _key(call)) not in self._known:
            return None
        step, _, result = self._known[key]
        if not any(result in blocks(message) for message in sent):
            return None
        text = f"[not run again: you made this very call in step {step}; its result is above, and nothing changed it]"
        return {"type": "tool_result", "tool_use_id": call["id"], "content": text}

    def note(self, calls: Sequence[ToolUseBlock], results: Sequence[ToolResultBlock], step: int) -> None:
        """Remember what was run in ``step``, and forget what it may have changed."""
        effects = [
            self._tools[call["name"]].effects.of(call["input"]) if call["name"] in self._tools else None
            for call in calls
        ]
        for each in effects:
            if each is not None and each.writes:
                self._known = {key: known for key, known in self._known.items() if not each.conflicts(known[1])}
        written = [each for each in effects if each is not None and each.writes]
        for call, result, each in zip(calls, results, effects, strict=True):
            changed = each is None or each.writes or any(other.conflicts(each) for other in written)
            if not changed and not result.get("is_error"):
                self._known[_key(call)] = (step, each or Effects(), result)


def _key(call: ToolUseBlock) -> str:
    return json.dumps([call["name"], call["input"]], sort_keys=True)
