"""How one request looks: system prompt, memory index, tools, messages, and where the prompt-cache breakpoints stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from search_space.harness import Harness
from search_space.messages import Block, CacheControl, Message, Request, TextBlock, ToolSpec, blocks, estimate_tokens

MAX_BREAKPOINTS = 4
"""As many as the Messages API takes in one request."""
MARKS_TOKENS = 48
"""What the breakpoints and the JSON around the parts add to a request, estimated."""
_MARK: CacheControl = {"type": "ephemeral"}


def system_blocks(harness: Harness, index: str) -> list[TextBlock]:
    """The system prompt and, as a block of its own behind it, the memory index: notes may change the index, and what
    stands before it stays cached."""
    return [{"type": "text", "text": text} for text in (harness.system_prompt(), index) if text]


def task_message(prompt: str, beside: str) -> Message:
    """The first message: the task, and ``beside``, when there is some, as a block of its own behind it."""
    if not beside:
        return {"role": "user", "content": prompt}
    return {"role": "user", "content": [{"type": "text", "text": prompt}, {"type": "text", "text": beside}]}


def room_tokens(harness: Harness, system: Sequence[TextBlock], tools_tokens: int) -> int:
    """What ``limits.context_tokens`` leaves for messages beside the system prompt and the tools, at least 1."""
    return max(1, harness.limits.context_tokens - estimate_tokens(list(system)) - tools_tokens - MARKS_TOKENS)


def build_request(
    harness: Harness, system: Sequence[TextBlock], tools: Sequence[ToolSpec], messages: Sequence[Message]
) -> Request:
    """The request, with ``cache.breakpoints`` marked: the last tool, the system prompt, and in the messages the last
    one and the last one of the user before it (what the call before wrote to the cache ends there)."""
    marked = harness.cache.breakpoints
    request: Request = {
        "model": harness.model,
        "max_tokens": harness.limits.max_output_tokens,
        "messages": list(messages),
    }
    if system:
        prompt = system[0].copy()
        if "system" in marked:
            prompt["cache_control"] = _MARK
        request["system"] = [prompt, *system[1:]]
    if tools:
        request["tools"] = list(tools)
        if "tools" in marked:
            request["tools"][-1] = {**tools[-1], "cache_control": _MARK}
    if "messages" in marked:
        left = MAX_BREAKPOINTS - sum(part in marked for part in ("system", "tools"))
        users = [i for i, message in enumerate(messages) if message["role"] == "user"]
        for index in users[-min(left, 2) :]:
            request["messages"][index] = _marked(messages[index])
    return request


def _marked(message: Message) -> Message:
    content: list[Block] = list(blocks(message))
    last = content[-1]
    if last["type"] in ("text", "tool_use", "tool_result"):
        content[-1] = cast(Block, {**last, "cache_control": _MARK})
    return {"role": message["role"], "content": content}
