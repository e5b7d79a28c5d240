"""Whether the Messages API would take a tool as it is offered.

One tool that is refused fails the whole request, with an error that names it by its number only. So a tool is looked at
here, before a request is made of it: one of ours, an MCP server's, or one that came through the door. The rules are
those of the public API reference and of the errors that the API gives: a name of 1 to 64 letters, digits, ``_`` and
``-``; ``input_schema`` a valid JSON schema (draft 2020-12) of type ``object``, without ``oneOf``, ``anyOf`` and
``allOf`` at its top; names of inputs of 1 to 64 letters, digits, ``_``, ``.`` and ``-``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from search_space.errors import InvalidToolSpec

NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
INPUT_NAME: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}\Z")
TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")
NOT_AT_TOP: Final = ("oneOf", "anyOf", "allOf")
MAX_DEPTH: Final = 64

_MAPS_OF_SCHEMAS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS_OF_SCHEMAS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS: Final = (
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "items",
    "contains",
    "not",
    "if",
    "then",
    "else",
)
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_COUNTS: Final = (
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
)
_TEXTS: Final = ("title", "description", "format", "pattern", "$comment", "$id", "$schema", "$anchor")


def check_tool_spec(spec: Mapping[str, Any]) -> None:
    """Raise :class:`InvalidToolSpec` unless ``spec`` (``name``, ``description``, ``input_schema``) would be accepted.

    A description may be missing, as in the API, but not be empty. Tools of the API itself (with a ``type`` other than
    ``custom``) have no schema, and only their name is looked at.
    """
    name = spec.get("name")
    if not isinstance(name, str) or not NAME.match(name):
        raise _wrong(spec, "name", name, "1 to 64 letters, digits, '_' or '-'")
    if spec.get("type", "custom") not in ("custom", None):
        return
    description = spec.get("description")
    if "description" in spec and (not isinstance(description, str) or not description.strip()):
        raise _wrong(spec, "description", description, "a text that says what the tool does")
    schema = spec.get("input_schema")
    if not isinstance(schema, Mapping):
        raise _wrong(spec, "input_schema", schema, "a JSON schema with type 'object'")
    if schema.get("type") != "object":
        raise _wrong(spec, "input_schema.type", schema.get("type"), "'object'")
    for key in NOT_AT_TOP:
        if key in schema:
            raise _wrong(spec, f"input_schema.{key}", schema[key], "no oneOf, anyOf or allOf at the top level")
    _Checker(spec, schema).check(schema, "input_schema", 0)
    for each in schema.get("properties", {}):
        if not INPUT_NAME.match(each):
            raise _wrong(spec, "input_schema.properties", each, "names of 1 to 64 letters, digits, '_', '.' or '-'")


class _Checker:
    """Looks at every schema within one tool's."""

    def __init__(self, spec: Mapping[str, Any], root: Mapping[str, Any]) -> None:
        self._spec, self._root = spec, root

    def check(self, schema: Any, where: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _wrong(self._spec, where, "a schema in a schema", f"at most {MAX_DEPTH} levels")
        if isinstance(schema, bool):
            return
        self._need(schema, where, "a JSON schema (an object)", lambda value: isinstance(value, Mapping))
        self._check_values(schema, where)
        for key in _MAPS_OF_SCHEMAS:
            if key in schema:
                self._need(schema[key], f"{where}.{key}", "an object of schemas by name", _is_object)
                for name, inner in schema[key].items():
                    self.check(inner, f"{where}.{key}.{name}", depth + 1)
        for key in _LISTS_OF_SCHEMAS:
            if key in schema:
                self._need(schema[key], f"{where}.{key}", "a list of at least one schema", _is_filled_list)
                for number, inner in enumerate(schema[key]):
                    self.check(inner, f"{where}.{key}.{number}", depth + 1)
        for key in _SCHEMAS:
            if key in schema:
                self.check(schema[key], f"{where}.{key}", depth + 1)

    def _check_values(self, schema: Mapping[str, Any], where: str) -> None:
        rules: list[tuple[Sequence[str], str, Callable[[Any], bool]]] = [
            (("type",), f"one of {', '.join(TYPES)}, or a list of them", _is_type),
            (("required",), "a list of different names", _is_names),
            (("enum",), "a list of at least one value", _is_filled_list),
            (_BOUNDS, "a number", _is_number),
            (("multipleOf",), "a number above 0", lambda value: _is_number(value) and value > 0),
            (_COUNTS, "a whole number from 0", lambda value: _is_whole(value) and value >= 0),
            (_TEXTS, "a text", lambda value: isinstance(value, str)),
            (("uniqueItems",), "true or false", lambda value: isinstance(value, bool)),
            (("$ref",), "a reference to a part of this schema, such as '#/$defs/item'", self._is_reference),
        ]
        for keys, expected, right in rules:
            for key in keys:
                if key in schema:
                    self._need(schema[key], f"{where}.{key}", expected, right)

    def _is_reference(self, value: Any) -> bool:
        if not isinstance(value, str) or not value.startswith("#"):
            return False
        part: Any = self._root
        for step in filter(None, value[1:].split("/")):
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(part, Mapping) or step not in part:
                return False
            part = part[step]
        return True

    def _need(self, value: Any, where: str, expected: str, right: Callable[[Any], bool]) -> None:
        if not right(value):
            raise _wrong(self._spec, where, value, expected)


def _wrong(spec: Mapping[str, Any], key: str, got: Any, expected: str) -> InvalidToolSpec:
    text = "nothing" if got is None else repr(got)
    return InvalidToolSpec(str(spec.get("name"))[:80], key, text if len(text) <= 60 else text[:57] + "...", expected)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _is_filled_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value) and len(set(value)) == len(value)


def _is_type(value: Any) -> bool:
    return value in TYPES if isinstance(value, str) else _is_names(value) and bool(value) and set(value) <= {*TYPES}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()
