"""How one request looks: system prompt, memory index, tools, messages, and where the prompt-cache breakpoints stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from search_space.flags import is_on
from search_space.harness import Harness
from search_space.messages import Block, CacheControl, Message, Request, TextBlock, ToolSpec, blocks, estimate_tokens

MAX_BREAKPOINTS = 4
"""As many as the Messages API takes in one request."""
MESSAGE_BREAKPOINTS = 2
MARKS_TOKENS = 48
"""What the breakpoints and the JSON around the parts add to a request, estimated."""
TTL_TOKENS = 12
"""What a time to live in the breakpoints adds."""
PARALLEL_HINT = "Tool calls that do not depend on each other can be made together, in one answer."


def system_blocks(harness: Harness, index: str) -> list[TextBlock]:
    """The system prompt and, as a block of its own behind it, the memory index: notes may change the index, and what
    stands before it stays cached."""
    hint = PARALLEL_HINT if is_on(harness.flags, "parallel_hint") else ""
    prompt = "\n\n".join(text for text in (harness.system_prompt(), hint) if text)
    return [{"type": "text", "text": text} for text in (prompt, index) if text]


def task_message(prompt: str, beside: str) -> Message:
    """The first message: the task, and ``beside``, when there is some, as a block of its own behind it."""
    if not beside:
        return {"role": "user", "content": prompt}
    return {"role": "user", "content": [{"type": "text", "text": prompt}, {"type": "text", "text": beside}]}


def room_tokens(harness: Harness, system: Sequence[TextBlock], tools_tokens: int) -> int:
    """What ``limits.context_tokens`` leaves for messages beside the system prompt and the tools, at least 1."""
    marks = MARKS_TOKENS + (TTL_TOKENS if harness.cache.ttl != "5m" else 0)
    return max(1, harness.limits.context_tokens - estimate_tokens(list(system)) - tools_tokens - marks)


def build_request(
    harness: Harness, system: Sequence[TextBlock], tools: Sequence[ToolSpec], messages: Sequence[Message]
) -> Request:
    """The request, with ``cache.breakpoints`` marked: the last tool, the system prompt, the memory index, and two in
    the messages (:func:`marked_messages`). Where that makes more than four, the tools' goes: the system prompt's covers
    them."""
    mark: CacheControl = {"type": "ephemeral"} if harness.cache.ttl == "5m" else {"type": "ephemeral", "ttl": "1h"}
    request: Request = {
        "model": harness.model,
        "max_tokens": harness.limits.max_output_tokens,
        "messages": list(messages),
    }
    wanted = set(harness.cache.breakpoints)
    places = marked_messages(messages, harness.cache.every) if "messages" in wanted else []
    in_system = [at for at, name in enumerate(("system", "index")[: len(system)]) if name in wanted]
    if system:
        request["system"] = [
            {**block, "cache_control": mark} if at in in_system else block for at, block in enumerate(system)
        ]
    if tools:
        request["tools"] = list(tools)
        if "tools" in wanted and len(places) + len(in_system) < MAX_BREAKPOINTS:
            request["tools"][-1] = {**tools[-1], "cache_control": mark}
    for index in places:
        request["messages"][index] = _marked(messages[index], mark)
    return request


def marked_messages(messages: Sequence[Message], every: int) -> list[int]:
    """Where breakpoints stand in the messages: on the last one of the user within as many whole blocks of ``every``
    messages as there are, and within one block less, where the call before may have written to. The task where there
    is no whole block."""
    found: list[int] = []
    for end in range(len(messages) // every * every, -1, -every):
        users = (index for index in range(end - 1, -1, -1) if messages[index]["role"] == "user")
        if (last := next(users, 0)) not in found:
            found.append(last)
        if len(found) == MESSAGE_BREAKPOINTS:
            break
    return found


def _marked(message: Message, mark: CacheControl) -> Message:
    content: list[Block] = list(blocks(message))
    last = content[-1]
    if last["type"] in ("text", "tool_use", "tool_result"):
        content[-1] = cast(Block, {**last, "cache_control": mark})
    return {"role": message["role"], "content": content}
