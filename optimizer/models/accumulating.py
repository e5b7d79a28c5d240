"""The events of a Messages API stream, put together to the answer that the same request would have got in one piece.

Blocks are kept as they come, with every field: thinking must go back byte for byte, and kinds of blocks that are not
known yet must too. So nothing is typed here: a delta's texts are appended to the block's fields of the same names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

INVALID_JSON = "INVALID_JSON"
"""The key under which a tool's input stands that is no JSON object, as the API's documentation advises; no tool has
such a parameter, so the call fails with an error that the model can read."""
_COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class BrokenStream(Exception):
    """The events do not make an answer."""


class Accumulator:
    """Takes events one by one; ``message`` is what came so far, ``whole`` whether ``message_stop`` did."""

    def __init__(self) -> None:
        self.message: dict[str, Any] | None = None
        self.whole = False
        self._inputs: dict[int, str] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Raises :class:`BrokenStream`. Events of kinds that are not known are passed over, as the API asks."""
        kind = event.get("type")
        if kind == "message_start":
            if self.message is not None or not isinstance(event.get("message"), dict):
                raise BrokenStream("message_start: got a second one, or one without a message")
            self.message = {**event["message"], "content": []}
            return
        if kind not in (
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ):
            return
        if self.message is None:
            raise BrokenStream(f"got {kind} before message_start")
        if kind == "message_stop":
            self.whole = True
        elif kind == "message_delta":
            self._end(self.message, event)
        else:
            self._block(self.message["content"], str(kind), event)

    def _block(self, content: list[dict[str, Any]], kind: str, event: Mapping[str, Any]) -> None:
        index = event.get("index")
        if kind == "content_block_start":
            if index != len(content) or not isinstance(event.get("content_block"), dict):
                raise BrokenStream(f"content_block_start: got block {index!r}, expected block {len(content)}")
            content.append(dict(event["content_block"]))
            return
        if not isinstance(index, int) or not 0 <= index < len(content):
            raise BrokenStream(f"{kind}: got block {index!r}, expected one of {len(content)} that were begun")
        if kind == "content_block_delta":
            self._delta(index, content[index], event.get("delta"))
        elif index in self._inputs:
            content[index]["input"] = tool_input(self._inputs.pop(index))

    def _delta(self, index: int, block: dict[str, Any], delta: Any) -> None:
        if not isinstance(delta, dict):
            raise BrokenStream("content_block_delta: got no delta")
        kind = delta.get("type")
        if kind == "input_json_delta":
            self._inputs[index] = self._inputs.get(index, "") + str(delta.get("partial_json", ""))
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta.get("citation")]
        else:
            for key, value in delta.items():
                if key != "type":
                    before = block.get(key)
                    block[key] = before + value if isinstance(before, str) and isinstance(value, str) else value

    @staticmethod
    def _end(message: dict[str, Any], event: Mapping[str, Any]) -> None:
        delta, usage = event.get("delta"), event.get("usage")
        message.update(delta if isinstance(delta, dict) else {})
        told = usage if isinstance(usage, dict) else {}
        # Cumulative counts: they replace, and what is left out stays as it was.
        message["usage"] = {
            **message.get("usage", {}),
            **{key: value for key, value in told.items() if value is not None},
        }


def tool_input(text: str) -> dict[str, Any]:
    """A tool's input from its JSON; what is no JSON object is kept under :data:`INVALID_JSON`."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {INVALID_JSON: text}


def whole_message(message: Any) -> dict[str, Any]:
    """``message`` as a response: its four counts are there, its blocks are blocks. Raises :class:`BrokenStream`."""
    if not isinstance(message, dict) or message.get("type") != "message":
        raise BrokenStream("got something else than a message")
    content = message.get("content")
    if not isinstance(content, list) or not all(isinstance(each, dict) and "type" in each for each in content):
        raise BrokenStream("content: got something else than a list of blocks")
    for block in content:
        if block["type"] == "tool_use" and not (
            isinstance(block.get("id"), str) and isinstance(block.get("name"), str)
        ):
            raise BrokenStream("tool_use: got a call without id or name")
        if block["type"] == "tool_use" and not isinstance(block.get("input"), dict):
            block["input"] = {INVALID_JSON: json.dumps(block.get("input"))}
    if not isinstance(message.get("stop_reason"), str):
        raise BrokenStream("stop_reason: got none")
    return {"role": "assistant", "model": "", "stop_sequence": None, **message, "usage": counted(message.get("usage"))}


def counted(usage: Any) -> dict[str, Any]:
    """``usage`` with all four counts: what a server leaves out is 0. Raises :class:`BrokenStream` for odd ones."""
    told = usage if isinstance(usage, dict) else {}
    whole = {**told, **{key: told.get(key) or 0 for key in _COUNTS}}
    for key in _COUNTS:
        if not isinstance(whole[key], int) or isinstance(whole[key], bool) or whole[key] < 0:
            raise BrokenStream(f"usage.{key}: got {whole[key]!r}, expected a whole number of tokens")
    return whole
