"""What a request can cost at most, told before it is made, and the requests of which that cannot be told.

A tokenizer of bytes never makes more tokens than there are bytes, so a request has at most as many input tokens as its
JSON has characters when all but ASCII is escaped. What a provider adds unseen (role marks, the system prompt that comes
with tools, an image's tokens, which its bytes say nothing of) is bounded by constants above the documented figures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from optimizer.models.prices import Price
from optimizer.records import Spend
from search_space.messages import ModelError, Request

UNSEEN_TOKENS = 1_000
"""Added to every request: role marks, and the system prompt that comes with tools (a few hundred tokens)."""
TOOL_TOKENS = 1_500
"""Added for each tool of the API's own, such as its text editor, whose schema is not sent: some hundred tokens."""
IMAGE_TOKENS = 8_000
"""Added for each image, however few its bytes: larger ones are scaled down to far fewer tokens than this."""
CLIENT_TOOLS = ("bash_", "text_editor_", "computer_", "memory_")
"""Tools of the API's own that run on our side, by the beginning of their type."""


def worst_case(request: Request, price: Price | None) -> Spend:
    """All input at the dearest rate it can be billed at, and ``max_tokens`` of output."""
    text = json.dumps(request, separators=(",", ":"))
    tokens = len(text) + UNSEEN_TOKENS
    tokens += TOOL_TOKENS * sum(1 for tool in request.get("tools", []) if tool.get("type", "custom") != "custom")
    tokens += IMAGE_TOKENS * sum(1 for block in _blocks(request) if block.get("type") == "image")
    if price is not None and price.context_tokens is not None:
        tokens = min(tokens, price.context_tokens)  # more is refused, and not billed
    output = request["max_tokens"]
    usd = 0.0
    if price is not None:
        usd = price.worst_usd(tokens, output, caches="cache_control" in text, hours='"1h"' in text)
    return Spend(calls=1, input_tokens=tokens, output_tokens=output, usd=usd, unpriced_calls=1 if price is None else 0)


def refuse_unbounded(request: Request) -> None:
    """Raise :class:`ModelError` (400) for what is billed by more than the tokens of this request.

    Tools that run at the provider are billed by use and sample several times; other speeds, places and tiers have other
    prices; a document by reference can have any length.
    """
    asked: Mapping[str, Any] = dict(request)
    for index, tool in enumerate(asked.get("tools", [])):
        kind = str(tool.get("type") or "custom")
        if kind != "custom" and not kind.startswith(CLIENT_TOOLS):
            _refuse(f"tools.{index}.type", kind, "a tool that runs on our side")
    for key in ("mcp_servers", "container", "fallbacks"):
        if asked.get(key):
            _refuse(key, "a value", "nothing: it is billed by more than this request's tokens")
    for key, allowed in (("speed", "standard"), ("inference_geo", "global"), ("service_tier", "standard_only")):
        if asked.get(key) not in (None, allowed, "auto" if key == "service_tier" else allowed):
            _refuse(key, asked[key], f"'{allowed}': others have other prices")
    edits = (asked.get("context_management") or {}).get("edits", [])
    for index, edit in enumerate(edits):
        if str(edit.get("type", "")).startswith("compact"):
            _refuse(f"context_management.edits.{index}", edit["type"], "edits that sample no more than this request")
    for block in _blocks(request):
        source = block.get("source")
        if block.get("type") == "document" and isinstance(source, Mapping) and source.get("type") != "text":
            _refuse("a document", source.get("type"), "a document of type text: the tokens of others cannot be bounded")


def _refuse(where: str, got: object, expected: str) -> None:
    text = f"{where}: got {got!r}, expected {expected}; the budget must cover a call before it is made"
    raise ModelError(400, "invalid_request_error", text)


def _blocks(request: Request) -> Iterator[Mapping[str, Any]]:
    """Every block of the messages, and those inside tool results."""
    for message in request["messages"]:
        content: Any = message["content"]
        for block in content if isinstance(content, list) else ():
            yield block
            inner = block.get("content")
            if isinstance(inner, list):
                yield from (each for each in inner if isinstance(each, Mapping))
