"""Whether a request has the Messages API's shape: checked before anything is reserved or counted.

Only what the door and its upstreams rely on is checked. What else a request holds (fields that came with a newer
version, images, documents, thinking, tools of the provider's own) passes unchanged: its provider knows better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, cast

from search_space.messages import ModelError, Request, check_messages


def check_request(value: Any) -> Request:
    """``value`` as a request, or :class:`ModelError` (400) that names the first field that is not as it should be."""
    if not isinstance(value, dict):
        _refuse("the body", value, "a JSON object")
    _expect(value, "model", str, "the name of a model role")
    limit = value.get("max_tokens")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        _refuse("max_tokens", limit, "a whole number of at least 1")
    _expect(value, "messages", list, "a list of messages")
    for index, message in enumerate(value["messages"]):
        _check_message(message, f"messages.{index}")
    _check_system(value.get("system", ""))
    _check_tools(value.get("tools", []))
    if not isinstance(value.get("tool_choice", {}), dict):
        _refuse("tool_choice", value["tool_choice"], "an object")
    request = cast(Request, value)
    check_messages(request["messages"])
    return request


def _check_message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        _refuse(where, message, "an object with role and content")
    if message.get("role") not in ("user", "assistant"):
        _refuse(f"{where}.role", message.get("role"), "'user' or 'assistant'")
    content = message.get("content")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        _refuse(f"{where}.content", content, "a string or a list of blocks")
    for index, block in enumerate(content):
        _check_block(block, f"{where}.content.{index}")


def _check_block(block: Any, where: str) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "text":
        _expect(block, "text", str, "a string", where)
    elif kind == "tool_use":
        _expect(block, "id", str, "a string", where)
        _expect(block, "name", str, "a string", where)
        _expect(block, "input", dict, "an object", where)
    elif kind == "tool_result":
        _expect(block, "tool_use_id", str, "a string", where)
        content = block.get("content", "")
        if isinstance(content, list):
            for index, inner in enumerate(content):
                _check_block(inner, f"{where}.content.{index}")
        elif not isinstance(content, str):
            _refuse(f"{where}.content", content, "a string or a list of blocks")
    elif not isinstance(kind, str):
        _refuse(f"{where}.type", kind, "the kind of block, such as 'text', 'tool_use' or 'tool_result'")


def _check_system(system: Any) -> None:
    if isinstance(system, str):
        return
    if not isinstance(system, list):
        _refuse("system", system, "a string or a list of text blocks")
    for index, block in enumerate(system):
        if not isinstance(block, dict) or block.get("type") != "text" or not isinstance(block.get("text"), str):
            _refuse(f"system.{index}", block, "a text block")


def _check_tools(tools: Any) -> None:
    if not isinstance(tools, list):
        _refuse("tools", tools, "a list of tools")
    names = set()
    for index, tool in enumerate(tools):
        where = f"tools.{index}"
        if not isinstance(tool, dict):
            _refuse(where, tool, "an object")
        if tool.get("type", "custom") != "custom":
            continue  # one of the provider's own, which brings no schema
        _expect(tool, "name", str, "a string", where)
        _expect(tool, "input_schema", dict, "an object", where)
        if not isinstance(tool.get("description", ""), str):
            _refuse(f"{where}.description", tool["description"], "a string")
        if tool["name"] in names:
            _refuse("tools", "two tools of one name", "names that differ")
        names.add(tool["name"])


def _expect(value: Mapping[str, Any], key: str, kind: type, words: str, where: str = "") -> None:
    got = value.get(key)
    if not isinstance(got, kind):
        _refuse(f"{where}.{key}" if where else key, got, words)


def _refuse(where: str, got: Any, expected: str) -> NoReturn:
    shown = "nothing" if got is None else repr(got)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    raise ModelError(400, "invalid_request_error", f"{where}: got {shown}, expected {expected}")
