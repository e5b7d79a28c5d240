"""How a tool is declared: a small function of a world and checked inputs, with its words, inputs and effects.

A definition is independent of any one world (an index, a workspace): :meth:`Definition.bind` makes the tool over one.
The JSON schema is made from the parameters, so that what the model is told and what is checked are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, Literal, TypeVar

from search_space.tools import Effects, Tool, ToolError

MAX_ROWS: Final = 60
"""Rows of a result before ``... N more``: enough to answer from, short enough not to flood a context."""

WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)

Inputs = dict[str, Any]
Kind = Literal["string", "integer", "number", "boolean", "strings", "numbers"]
World = TypeVar("World")

_SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "strings": {"type": "array", "items": {"type": "string"}},
    "numbers": {"type": "array", "items": {"type": "number"}},
}
_WORDS: Final[Mapping[str, str]] = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "strings": "a list of strings",
    "numbers": "a list of numbers",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of a tool. ``least`` and ``most`` bound a number; ``options`` are all that a string may be."""

    name: str
    description: str
    kind: Kind = "string"
    required: bool = True
    least: int | None = None
    most: int | None = None
    options: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """The JSON schema of this input."""
        schema = {**_SCHEMAS[self.kind], "description": self.description}
        rest = {"minimum": self.least, "maximum": self.most, "enum": list(self.options) or None}
        return schema | {key: value for key, value in rest.items() if value is not None}


@dataclass(frozen=True)  # slots and a generic class do not go together before Python 3.12
class Definition(Generic[World]):
    """A tool before it is bound to a world. ``function`` gets every declared input; missing optional ones are None."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    function: Callable[[World, Inputs], str]
    effects: Effects = field(default_factory=Effects)

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the inputs."""
        return {
            "type": "object",
            "properties": {parameter.name: parameter.schema() for parameter in self.parameters},
            "required": [parameter.name for parameter in self.parameters if parameter.required],
            "additionalProperties": False,
        }

    def bind(self, world: World) -> Tool:
        """The tool over ``world``."""
        return Tool(self.name, self.description, self.schema(), partial(self._run, world), self.effects)

    def _run(self, world: World, inputs: Mapping[str, Any]) -> str:
        return self.function(world, self._checked(inputs))

    def _checked(self, inputs: Mapping[str, Any]) -> Inputs:
        known = {parameter.name: parameter for parameter in self.parameters}
        if unknown := sorted(set(inputs) - set(known)):
            raise ToolError(f"unknown input: {', '.join(unknown)}; {self.name} takes {', '.join(known) or 'none'}")
        checked: Inputs = {}
        for parameter in self.parameters:
            value = inputs.get(parameter.name)
            if value is None and parameter.required:
                raise ToolError(f"missing input: {parameter.name}")
            checked[parameter.name] = None if value is None else _typed(parameter, value)
        return checked


def effects(reads: str = "", writes: str = "") -> Effects:
    """The effects with these resources, their names separated by spaces: ``effects("files:{path}")``."""
    return Effects(frozenset(reads.split()), frozenset(writes.split()))


def capped(rows: list[str], total: int | None = None) -> str:
    """``rows`` one a line, the ones past :data:`MAX_ROWS` only counted."""
    total = len(rows) if total is None else total
    shown = rows[:MAX_ROWS]
    return "\n".join([*shown, f"... {total - len(shown)} more"] if total > len(shown) else shown)


def _typed(parameter: Parameter, value: Any) -> Any:
    """``value`` as the parameter's type; a whole number given as text is taken as the number."""
    if parameter.kind == "integer" and isinstance(value, str) and WHOLE.fullmatch(value.strip()):
        value = int(value)
    if not _fits(parameter.kind, value):
        raise ToolError(f"wrong type for {parameter.name}: got {_shown(value)}, expected {_WORDS[parameter.kind]}")
    if parameter.options and value not in parameter.options:
        raise ToolError(f"wrong {parameter.name}: got {_shown(value)}, expected one of {', '.join(parameter.options)}")
    if (parameter.least is not None and value < parameter.least) or (
        parameter.most is not None and value > parameter.most
    ):
        bounds = f"{parameter.least} to {parameter.most}" if parameter.most is not None else f"from {parameter.least}"
        raise ToolError(f"wrong {parameter.name}: got {_shown(value)}, expected {bounds}")
    return value


def _fits(kind: Kind, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind in ("strings", "numbers"):
        inner: Kind = "string" if kind == "strings" else "number"
        return isinstance(value, list) and all(_fits(inner, each) for each in value)
    types: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": ()}
    return isinstance(value, types[kind])


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
