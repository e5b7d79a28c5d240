"""``[mcp.NAME]``: an MCP server whose tools the agent may use, as tools called ``NAME__tool``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from search_space.validation import Strict

SEPARATOR = "__"
"""Between a server's name and its tool's."""
ServerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]+([_-][A-Za-z0-9]+)*$", max_length=32)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class McpServer(Strict):
    """One server: a ``command`` that speaks on stdin and stdout, or the ``url`` of one that speaks streamable HTTP."""

    command: Annotated[list[str], Field(min_length=1)] | None = None
    """The program and its arguments; ``{python}``, ``{harness}`` and ``{folder}`` stand for the running Python, the
    harness folder and the rollout folder, which is also where it runs."""
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    """For the command, beside ``PATH``, ``HOME``, ``TMPDIR`` and ``LANG``."""
    tools: Annotated[list[str], Field(min_length=1)] | None = None
    """Only these of the server's tools."""
    timeout_s: Seconds = 30.0
    """Of one call."""
    start_timeout_s: Seconds = 15.0
    """Until the server has told its tools."""
    assume: Literal["writes", "annotations"] = "writes"
    """What to think of a tool's effects that ``[tools.effects]`` does not tell: that it writes, or what the server's
    annotations say."""
    required: bool = True
    """Whether a rollout ends when the server does not start; otherwise it goes on without its tools."""

    @model_validator(mode="after")
    def _one_way(self) -> McpServer:
        if (self.command is None) == (self.url is None):
            raise ValueError("expected either 'command' (a program that speaks on stdin and stdout) or 'url'")
        if self.url is not None and self.environment:
            raise ValueError("expected 'environment' only beside 'command'")
        return self
