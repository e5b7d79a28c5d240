"""What a server says its tools are, looked at before anybody believes it: one bad tool is left out, not all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search_space.errors import InvalidToolSpec
from search_space.mcp_servers import SEPARATOR
from search_space.tool_specs import check_tool_spec

MAX_TOOLS = 256
MAX_SCHEMA_CHARS = 20_000
MAX_DESCRIPTION_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Listed:
    """One tool as the server calls and describes it. ``reads_only`` is its own claim."""

    name: str
    description: str
    input_schema: Mapping[str, Any]
    reads_only: bool


@dataclass(slots=True)
class Listing:
    """The tools of one server that can be used, by name, and why others cannot."""

    server: str
    only: tuple[str, ...] | None = None
    tools: dict[str, Listed] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def take(self, result: dict[str, Any]) -> dict[str, Any]:
        """A page of the list as it came; what is returned holds only tools that can be used, and of them only what is
        used, so that nothing else in them can fail to be understood."""
        kept = [tool for tool in map(self._look, result["tools"]) if tool is not None]
        return {**result, "tools": kept}

    def missing(self) -> list[str]:
        """Tools that the harness wants of this server and that it does not have."""
        return [name for name in self.only or () if name not in self.tools and name not in self.left_out]

    def _look(self, tool: Any) -> dict[str, Any] | None:
        name = tool.get("name") if isinstance(tool, Mapping) else None
        if not isinstance(name, str):
            self.left_out[f"number {len(self.tools) + len(self.left_out)}"] = "it has no name"
            return None
        if (self.only is not None and name not in self.only) or name in self.tools:
            return None
        schema, description = tool.get("inputSchema"), self._description(tool, name)
        why = self._why_not(name, schema, description)
        if why:
            self.left_out[name] = why
            return None
        annotations = tool.get("annotations")
        reads_only = isinstance(annotations, Mapping) and annotations.get("readOnlyHint") is True
        self.tools[name] = Listed(name, description, schema, reads_only)
        return {"name": name, "description": description, "inputSchema": schema}

    def _why_not(self, name: str, schema: Any, description: str) -> str:
        if len(self.tools) >= MAX_TOOLS:
            return f"the server has more than {MAX_TOOLS} tools"
        try:
            check_tool_spec(
                {"name": self.server + SEPARATOR + name, "description": description, "input_schema": schema}
            )
            size = len(json.dumps(schema))
        except (InvalidToolSpec, RecursionError) as error:
            return str(error)
        return (
            ""
            if size <= MAX_SCHEMA_CHARS
            else f"its schema has {size:,} characters, expected at most {MAX_SCHEMA_CHARS:,}"
        )

    def _description(self, tool: Mapping[str, Any], name: str) -> str:
        for key in ("description", "title"):
            text = tool.get(key)
            if isinstance(text, str) and text.strip():
                return text if len(text) <= MAX_DESCRIPTION_CHARS else text[: MAX_DESCRIPTION_CHARS - 3] + "..."
        return f"{name}, a tool of {self.server} without a description"
