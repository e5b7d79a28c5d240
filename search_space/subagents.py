"""Sub-agents of a harness, ``[subagents.NAME]``: who they are, what they may do, and how far they may go."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, field_validator

from search_space.validation import Strict

DELEGATE_TOOL = "delegate"
"""The name of the tool by which the main agent hands tasks to sub-agents."""
MAX_TASKS = 16
"""Tasks that one call may hand out."""
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

Count = Annotated[int, Field(ge=1)]


class SubagentConfig(Strict):
    """One sub-agent. A limit that is None is the harness's own in ``[limits]``."""

    description: Annotated[str, Field(min_length=1)]
    """What it is for: the main agent reads this."""
    enabled: bool = True
    mode: Literal["fresh", "fork"] = "fresh"
    """``fresh``: own system prompt and messages. ``fork``: the main agent's request so far, continued with the task."""
    prompt: str | None = None
    """The system prompt's file, ``prompts/agents/NAME.md`` when None; a fork needs none."""
    tools: list[str] = Field(default_factory=list)
    """Tools that a fresh one sees beside those with visibility ``agent:NAME``; a fork sees the main agent's."""
    writes: bool = False
    """Whether it may call tools that write. Those whose writes could meet never run side by side."""
    max_steps: Count | None = None
    max_output_tokens: Count | None = None
    total_tokens: Count | None = None
    context_tokens: Annotated[int, Field(ge=256)] | None = None
    """As in ``[limits]``; for a fork what its own messages may take, behind what it shares."""

    @field_validator("prompt")
    @classmethod
    def _below_agents(cls, value: str | None) -> str | None:
        path = PurePosixPath(value or "prompts/agents/x.md")
        if path.parts[:2] != ("prompts", "agents") or len(path.parts) != 3 or path.suffix != ".md":
            raise ValueError("expected a file in prompts/agents/ such as 'prompts/agents/reader.md'")
        return value

    def prompt_file(self, name: str) -> str | None:
        """The file of the system prompt of the sub-agent ``name``; None for a fork."""
        return (self.prompt or f"prompts/agents/{name}.md") if self.mode == "fresh" else None


def check_names(subagents: dict[str, SubagentConfig]) -> dict[str, SubagentConfig]:
    """``subagents``; raises :class:`ValueError` for a name that is none."""
    for name in subagents:
        if not NAME.fullmatch(name):
            raise ValueError(f"expected names of up to 64 letters, digits, '_' and '-', got {name!r}")
    return subagents
