"""How a tool of the navigator is declared: a function of the index and checked inputs, with its words and schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from experiments.navigator.index import Index
from search_space.tools import Effects, Tool, ToolError

READS_FILES: Final = Effects(reads=frozenset({"files"}))
MAX_ROWS: Final = 60
"""Rows of a result before ``... N more``: enough to answer from, short enough not to flood a context."""

Inputs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of a tool: ``kind`` is a JSON schema type, ``string`` or ``integer``."""

    name: str
    description: str
    kind: str = "string"
    required: bool = True


@dataclass(frozen=True, slots=True)
class Definition:
    """A tool before it is bound to an index. ``function`` gets every declared input; missing optional ones are None."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    function: Callable[[Index, Inputs], str]

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the inputs."""
        return {
            "type": "object",
            "properties": {p.name: {"type": p.kind, "description": p.description} for p in self.parameters},
            "required": [p.name for p in self.parameters if p.required],
            "additionalProperties": False,
        }

    def bind(self, index: Index) -> Tool:
        """The tool over ``index``."""
        return Tool(self.name, self.description, self.schema(), partial(self._run, index), READS_FILES)

    def _run(self, index: Index, inputs: Mapping[str, Any]) -> str:
        return self.function(index, self._checked(inputs))

    def _checked(self, inputs: Mapping[str, Any]) -> Inputs:
        known = {parameter.name: parameter for parameter in self.parameters}
        if unknown := sorted(set(inputs) - set(known)):
            raise ToolError(f"unknown input: {', '.join(unknown)}; {self.name} takes {', '.join(known)}")
        checked: Inputs = {}
        for parameter in self.parameters:
            value = inputs.get(parameter.name)
            if value is None and parameter.required:
                raise ToolError(f"missing input: {parameter.name}")
            checked[parameter.name] = None if value is None else _typed(parameter, value)
        return checked


def _typed(parameter: Parameter, value: Any) -> Any:
    """``value`` as the parameter's type; a number given as text is taken as the number."""
    if parameter.kind == "integer":
        if isinstance(value, str) and value.strip().isdigit():
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ToolError(f"wrong type for {parameter.name}: got {value!r}, expected an integer")
    elif not isinstance(value, str):
        raise ToolError(f"wrong type for {parameter.name}: got {value!r}, expected a string")
    return value


PATH: Final = Parameter("path", "A file or folder relative to the root, such as json/decoder.py.")
WHERE: Final = Parameter("path", "A file or folder relative to the root; leave out for the whole tree.", required=False)


def capped(rows: list[str], total: int | None = None) -> str:
    """``rows`` one a line, the ones past :data:`MAX_ROWS` only counted."""
    total = len(rows) if total is None else total
    shown = rows[:MAX_ROWS]
    return "\n".join([*shown, f"... {total - len(shown)} more"] if total > len(shown) else shown)
