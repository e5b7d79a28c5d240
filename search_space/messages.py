"""The Messages API's shapes, typed: requests, responses, blocks, usage.

Plain ``TypedDict`` values, so that a request is its own JSON and nothing is converted on the way to a model.
Shapes follow the public Messages API reference (``POST /v1/messages``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NotRequired, Protocol, TypedDict

CHARS_PER_TOKEN = 4
"""Characters counted as one token by :func:`estimate_tokens`: a rule of thumb for English and code, no tokenizer."""


class CacheControl(TypedDict):
    type: Literal["ephemeral"]
    ttl: NotRequired[Literal["5m", "1h"]]


class TextBlock(TypedDict):
    type: Literal["text"]
    text: str
    cache_control: NotRequired[CacheControl]


class ToolUseBlock(TypedDict):
    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]
    cache_control: NotRequired[CacheControl]


class ToolResultBlock(TypedDict):
    type: Literal["tool_result"]
    tool_use_id: str
    content: str | list[TextBlock]
    is_error: NotRequired[bool]
    cache_control: NotRequired[CacheControl]


class ThinkingBlock(TypedDict):
    """Extended thinking. ``signature`` is opaque: the block goes back as it came, or the API refuses it."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinkingBlock(TypedDict):
    """Thinking that only the provider can read; goes back as it came."""

    type: Literal["redacted_thinking"]
    data: str


Block = TextBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock | RedactedThinkingBlock
"""The blocks that are known. A provider may send others: they are carried along unchanged, so code that reads blocks
asks for the types it wants and lets the rest pass."""


class Message(TypedDict):
    role: Literal["user", "assistant"]
    content: str | list[Block]


class ToolSpec(TypedDict):
    """A tool as the model sees it."""

    name: str
    description: str
    input_schema: dict[str, Any]
    cache_control: NotRequired[CacheControl]


class Request(TypedDict):
    model: str
    max_tokens: int
    messages: list[Message]
    system: NotRequired[str | list[TextBlock]]
    tools: NotRequired[list[ToolSpec]]
    tool_choice: NotRequired[dict[str, Any]]
    temperature: NotRequired[float]
    stop_sequences: NotRequired[list[str]]
    stream: NotRequired[bool]
    thinking: NotRequired[dict[str, Any]]
    metadata: NotRequired[dict[str, str]]


class CacheCreation(TypedDict):
    """``cache_creation_input_tokens`` by time to live: the two are priced differently."""

    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int


class Usage(TypedDict):
    """Tokens of one call. ``input_tokens`` are those neither read from nor written to the prompt cache."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    cache_creation: NotRequired[CacheCreation]


class Response(TypedDict):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[Block]
    stop_reason: Literal[
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    ]
    stop_sequence: str | None
    usage: Usage


class ModelError(Exception):
    """A model call that failed, in the API's terms.

    ``status`` is the HTTP status (400 for an invalid request, 402 when a budget is spent, 429, 529, ...), ``kind`` the
    API's error type such as ``invalid_request_error``, ``budget_exceeded`` or ``overloaded_error``.
    """

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(f"{status} {kind}: {message}")
        self.status = status
        self.kind = kind
        self.message = message


class Model(Protocol):
    """Anything that answers a Messages request: the door's client in a sandbox, a scripted model in a test."""

    def create(self, request: Request) -> Response:
        """Answer ``request``; raises :class:`ModelError`."""
        ...


def estimate_tokens(value: Any) -> int:
    """Estimated tokens of a string, or of any JSON value by its compact JSON text (``CHARS_PER_TOKEN`` to a token)."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return -(-len(text) // CHARS_PER_TOKEN)


def blocks(message: Message) -> list[Block]:
    """The message's content as blocks; a plain string becomes one text block."""
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def text_of(content: str | Iterable[Mapping[str, Any]]) -> str:
    """All text in a message's, system prompt's or tool result's content, one block a line."""
    if isinstance(content, str):
        return content
    return "\n".join(str(block["text"]) for block in content if block.get("type") == "text")


def check_messages(messages: Sequence[Message]) -> None:
    """Raise :class:`ModelError` (400) unless ``messages`` would be accepted by the Messages API.

    Checked: non-empty, first message from the user, no empty content, every ``tool_use`` answered by a ``tool_result``
    in the very next message, and no ``tool_result`` without its ``tool_use`` in the message before.
    """

    def refuse(text: str) -> None:
        raise ModelError(400, "invalid_request_error", text)

    if not messages:
        refuse("messages: at least one message is required")
    if messages[0]["role"] != "user":
        refuse("messages.0: the first message must use the user role")
    open_calls: set[str] = set()
    for index, message in enumerate(messages):
        content = blocks(message)
        if not content or any(b["type"] == "text" and not b["text"] for b in content):
            refuse(f"messages.{index}: content must not be empty")
        results = {b["tool_use_id"] for b in content if b["type"] == "tool_result"}
        if missing := open_calls - results:
            refuse(
                f"messages.{index}: tool_use ids without tool_result in the next message: {', '.join(sorted(missing))}"
            )
        if stray := results - open_calls:
            refuse(f"messages.{index}: tool_result without tool_use in the message before: {', '.join(sorted(stray))}")
        open_calls = {b["id"] for b in content if b["type"] == "tool_use"}
        if open_calls and message["role"] != "assistant":
            refuse(f"messages.{index}: tool_use blocks belong to the assistant role")
    if open_calls:
        refuse(f"messages: tool_use ids without tool_result: {', '.join(sorted(open_calls))}")
