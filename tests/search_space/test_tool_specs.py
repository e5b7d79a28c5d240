"""Which tools the Messages API would take, and how one that it would refuse is named."""

from __future__ import annotations

from typing import Any

import pytest

from search_space.errors import InvalidToolSpec, SearchSpaceError
from search_space.tool_specs import check_tool_spec


def spec(schema: Any = None, **changes: Any) -> dict[str, Any]:
    whole = {"name": "look_up", "description": "Look up a key.", "input_schema": schema or {"type": "object"}}
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def inside(schema: Any) -> dict[str, Any]:
    """A tool with an input of that schema."""
    return spec({"type": "object", "properties": {"x": schema}})


@pytest.mark.parametrize(
    "good",
    [
        spec(),
        spec(description=...),
        spec(name="a" * 64),
        spec({"type": "object", "properties": {}, "required": [], "additionalProperties": False}),
        spec({"type": "object", "properties": {"filter.name": {"type": ["string", "null"], "enum": ["a", None]}}}),
        inside({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "number", "minimum": 0.5}}]}),
        spec({"type": "object", "$defs": {"i/t": {}}, "not": {"$ref": "#/$defs/i~1t"}}),
        inside({"type": "object", "properties": {"any key [nested]": True}, "x-own": {"free": 1}}),
        {"type": "web_search_20250305", "name": "web_search"},
    ],
)
def test_what_the_api_takes_passes(good: dict[str, Any]) -> None:
    check_tool_spec(good)


@pytest.mark.parametrize(
    ("bad", "key"),
    [
        (spec(name="look up"), "name"),
        (spec(name="a" * 65), "name"),
        (spec(name="look_up\n"), "name"),
        (spec(name=...), "name"),
        (spec(description="  "), "description"),
        (spec(description=3), "description"),
        (spec(input_schema=...), "input_schema"),
        (spec(input_schema=[]), "input_schema"),
        (spec({"properties": {}}), "input_schema.type"),
        (spec({"type": "string"}), "input_schema.type"),
        (spec({"type": "object", "oneOf": [{"required": ["a"]}]}), "input_schema.oneOf"),
        (spec({"type": "object", "anyOf": []}), "input_schema.anyOf"),
        (spec({"type": "object", "allOf": [{}]}), "input_schema.allOf"),
        (spec({"type": "object", "properties": []}), "input_schema.properties"),
        (spec({"type": "object", "properties": {"rule[]": {}}}), "input_schema.properties"),
        (spec({"type": "object", "properties": {"n" * 65: {}}}), "input_schema.properties"),
        (spec({"type": "object", "required": "key"}), "input_schema.required"),
        (spec({"type": "object", "required": ["a", "a"]}), "input_schema.required"),
        (inside("string"), "input_schema.properties.x"),
        (inside({"type": "text"}), "input_schema.properties.x.type"),
        (inside({"type": []}), "input_schema.properties.x.type"),
        (inside({"required": True}), "input_schema.properties.x.required"),
        (inside({"enum": []}), "input_schema.properties.x.enum"),
        (inside({"minimum": 0, "exclusiveMinimum": True}), "input_schema.properties.x.exclusiveMinimum"),
        (inside({"maxLength": float("inf")}), "input_schema.properties.x.maxLength"),
        (inside({"minLength": -1}), "input_schema.properties.x.minLength"),
        (inside({"description": None}), "input_schema.properties.x.description"),
        (inside({"items": [{"type": "string"}]}), "input_schema.properties.x.items"),
        (inside({"anyOf": []}), "input_schema.properties.x.anyOf"),
        (inside({"anyOf": [{"type": "string"}, {"type": "no"}]}), "input_schema.properties.x.anyOf.1.type"),
        (inside({"$ref": "#/$defs/none"}), "input_schema.properties.x.$ref"),
        (inside({"$ref": "https://example.org/schema"}), "input_schema.properties.x.$ref"),
    ],
)
def test_what_the_api_refuses_is_named_by_tool_and_key(bad: dict[str, Any], key: str) -> None:
    with pytest.raises(InvalidToolSpec) as raised:
        check_tool_spec(bad)
    assert isinstance(raised.value, SearchSpaceError)
    assert (raised.value.tool, raised.value.key) == (str(bad.get("name")), key)
    assert str(raised.value).startswith(f"tool {str(bad.get('name'))!r}: {key}: got ")
    assert len(str(raised.value)) < 300


def test_a_schema_in_a_schema_in_a_schema_ends_somewhere() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"items": deep}
    with pytest.raises(InvalidToolSpec, match="at most 64 levels"):
        check_tool_spec(inside(deep))
