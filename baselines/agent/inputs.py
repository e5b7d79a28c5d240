"""Whether a call's input is what the tool's schema asks for, said in words that a model can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_space.tools import ToolError

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def check_input(schema: Mapping[str, Any], given: Any) -> None:
    """Raise :class:`ToolError` unless ``given`` is an object with the required keys and values of the declared types.

    Of JSON Schema this reads ``required``, ``additionalProperties: false`` and, one level deep, ``type`` and ``enum``.
    """
    if not isinstance(given, dict):
        raise ToolError(f"the input must be a JSON object, got {type(given).__name__}")
    properties: Mapping[str, Any] = schema.get("properties", {})
    known = ", ".join(properties) or "none"
    if missing := [name for name in schema.get("required", ()) if name not in given]:
        raise ToolError(f"missing parameter {', '.join(missing)}; the parameters are: {known}")
    if schema.get("additionalProperties") is False and (extra := [name for name in given if name not in properties]):
        raise ToolError(f"unknown parameter {', '.join(extra)}; the parameters are: {known}")
    for name, value in given.items():
        _check_value(name, properties.get(name, {}), value)


def _check_value(name: str, schema: Mapping[str, Any], value: Any) -> None:
    declared = schema.get("type")
    names = [declared] if isinstance(declared, str) else list(declared or ())
    if names and not any(_is(value, kind) for kind in names):
        raise ToolError(
            f"parameter {name}: got {type(value).__name__} {str(value)[:60]!r}, expected {' or '.join(names)}"
        )
    if "enum" in schema and value not in schema["enum"]:
        raise ToolError(
            f"parameter {name}: got {str(value)[:60]!r}, expected one of {', '.join(map(str, schema['enum']))}"
        )


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES.get(kind, (object,)))
