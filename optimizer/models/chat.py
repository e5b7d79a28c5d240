"""The Messages API in the words of OpenAI's chat completions, and back.

What has no place there is left out where nothing is lost by it (cache breakpoints, thinking of another provider,
metadata) and refused where something would be (images, documents, tools that run at a provider).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from optimizer.models.accumulating import BrokenStream, tool_input
from search_space.messages import ModelError, Request, text_of

CHOICES = {"auto": "auto", "any": "required", "none": "none"}
STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
LEFT_OUT = ("thinking", "redacted_thinking")
"""Blocks that only the provider that made them can read."""


def chat_request(request: Request, model: str, *, limit: str) -> dict[str, Any]:
    """``request`` as a chat completion's body; ``limit`` is the name of its bound on output.

    Raises :class:`ModelError` (400) for what cannot be said there.
    """
    system = text_of(request.get("system", ""))
    messages = [{"role": "system", "content": system}] if system else []
    for index, message in enumerate(request["messages"]):
        content: Any = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        spoken = _assistant if message["role"] == "assistant" else _user
        messages += spoken(blocks, f"messages.{index}.content")
    body: dict[str, Any] = {"model": model, "messages": messages, limit: request["max_tokens"]}
    if request.get("tools"):
        body["tools"] = [_tool(index, tool) for index, tool in enumerate(request["tools"])]
        body.update(_choice(request.get("tool_choice") or {}))
    for ours, theirs in (("temperature", "temperature"), ("top_p", "top_p"), ("stop_sequences", "stop")):
        if ours in request:
            body[theirs] = request[ours]  # type: ignore[literal-required]
    return body


def message_of(completion: Mapping[str, Any]) -> dict[str, Any]:
    """A chat completion as a message. Raises :class:`BrokenStream` when it is none."""
    choices = completion.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    said = first.get("message") if isinstance(first, Mapping) else None
    if not isinstance(first, Mapping) or not isinstance(said, Mapping):
        raise BrokenStream("choices: got none with a message")
    identity = str(completion.get("id") or "chat")
    text = said.get("content") or said.get("refusal")
    content: list[dict[str, Any]] = [{"type": "text", "text": text}] if isinstance(text, str) and text else []
    calls = said.get("tool_calls") or []
    content += [_call(each, f"{identity}_{index}") for index, each in enumerate(calls)]
    stop = STOPS.get(str(first.get("finish_reason")), "end_turn")
    if said.get("refusal"):
        stop = "refusal"
    if calls and stop == "end_turn":  # servers that say "stop" whatever it was
        stop = "tool_use"
    message = {"id": identity, "type": "message", "role": "assistant", "model": str(completion.get("model") or "")}
    usage = completion.get("usage")
    told = {"usage": _usage(usage)} if isinstance(usage, Mapping) else {}
    return {**message, "content": content, "stop_reason": stop, "stop_sequence": None, **told}


def _user(blocks: Sequence[Mapping[str, Any]], where: str) -> Iterator[dict[str, Any]]:
    """Results of tools as messages of their own, which must stand first, then what else is said."""
    texts = []
    for index, block in enumerate(blocks):
        if block["type"] == "tool_result":
            content = block.get("content", "")
            for inner in content if isinstance(content, list) else ():
                if inner.get("type") != "text":
                    _refuse(f"{where}.{index}.content", inner.get("type"))
            failed = "Error: " if block.get("is_error") else ""
            yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": failed + text_of(content)}
        elif block["type"] == "text":
            texts.append(block["text"])
        else:
            _refuse(f"{where}.{index}", block["type"])
    if texts:
        yield {"role": "user", "content": "\n\n".join(texts)}


def _assistant(blocks: Sequence[Mapping[str, Any]], where: str) -> Iterator[dict[str, Any]]:
    texts, calls = [], []
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            texts.append(block["text"])
        elif block["type"] == "tool_use":
            function = {"name": block["name"], "arguments": json.dumps(block["input"], ensure_ascii=False)}
            calls.append({"id": block["id"], "type": "function", "function": function})
        elif block["type"] not in LEFT_OUT:
            _refuse(f"{where}.{index}", block["type"])
    if texts or calls:
        said: dict[str, Any] = {"role": "assistant", "content": "\n\n".join(texts) or None}
        yield {**said, "tool_calls": calls} if calls else said


def _tool(index: int, tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type", "custom") != "custom":
        _refuse(f"tools.{index}", tool["type"])
    function = {"name": tool["name"], "description": tool.get("description", ""), "parameters": tool["input_schema"]}
    return {"type": "function", "function": function}


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if choice.get("type") == "tool":
        said["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    elif choice.get("type") in CHOICES:
        said["tool_choice"] = CHOICES[choice["type"]]
    if choice.get("disable_parallel_tool_use"):
        said["parallel_tool_calls"] = False
    return said


def _call(call: Any, identity: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise BrokenStream("tool_calls: got a call without a function's name")
    given = function.get("arguments")
    arguments = given if isinstance(given, str) else json.dumps(given or {})
    # Some servers give no id; the answer to the call needs one.
    return {
        "type": "tool_use",
        "id": call.get("id") or identity,
        "name": function["name"],
        "input": tool_input(arguments),
    }


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Their prompt tokens hold those of the cache; ours do not."""
    details = usage.get("prompt_tokens_details") or {}
    prompt, read, written = usage.get("prompt_tokens"), details.get("cached_tokens"), details.get("cache_write_tokens")
    return {
        "input_tokens": max(0, (prompt or 0) - (read or 0) - (written or 0)),
        "output_tokens": usage.get("completion_tokens"),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
    }


def _refuse(where: str, kind: Any) -> NoReturn:
    text = f"{where}: got '{kind}', expected text and tool calls: no more is passed on to an OpenAI-compatible server"
    raise ModelError(400, "invalid_request_error", text)
