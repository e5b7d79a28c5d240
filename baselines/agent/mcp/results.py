"""The result of an MCP call as the text that a model gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp.types import CallToolResult

MAX_CHARS = 1_000_000
"""What is longer is cut here, long before it is cut to ``limits.max_result_chars``."""


def result_text(result: CallToolResult) -> str:
    """Texts as they are, other content named with its size; structured content as JSON when there is no other."""
    parts = list(_parts(result.content))
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    text = "\n".join(parts)
    gone = len(text) - MAX_CHARS
    return text if gone <= 0 else f"{text[:MAX_CHARS]}\n[cut here: {gone:,} more characters]"


def _parts(content: list[Any]) -> Iterator[str]:
    for block in content:
        if block.type == "text":
            yield block.text
        elif block.type in ("image", "audio"):
            yield f"[{block.type} {block.mime_type}, {len(block.data):,} characters of base64, not shown]"
        elif block.type == "resource_link":
            yield f"[link to {block.name}: {block.uri}]"
        elif (text := getattr(block.resource, "text", None)) is not None:
            yield f"[{block.resource.uri}]\n{text}"
        else:
            yield f"[{block.resource.uri}, {len(block.resource.blob):,} characters of base64, not shown]"
