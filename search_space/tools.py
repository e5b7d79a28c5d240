"""A tool: what the model sees of it, what it touches, and the function behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from search_space.messages import ToolSpec


class ToolError(Exception):
    """Raised by a tool for a mistake the model can mend; its text becomes an ``is_error`` result."""


@dataclass(frozen=True, slots=True)
class Effects:
    """The resources that a tool reads and writes, by name (``"files"``, ``"notes"``). Two calls may run side by side
    unless one writes what the other reads or writes."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    def conflicts(self, other: Effects) -> bool:
        """Whether a call with these effects must not run at the same time as one with ``other``'s."""
        return bool(self.writes & (other.reads | other.writes) or other.writes & self.reads)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of an environment.

    ``run`` takes the call's input and returns the result's text, or raises :class:`ToolError`; it must be deterministic
    and safe to call from several threads unless ``effects`` says it writes.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], str]
    effects: Effects = field(default_factory=Effects)

    def spec(self) -> ToolSpec:
        """The tool as a Messages request offers it."""
        return {"name": self.name, "description": self.description, "input_schema": dict(self.input_schema)}
