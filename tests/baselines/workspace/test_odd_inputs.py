"""Whatever a model gives a tool, it gets a text or an error that it can act on, and nothing undeclared is touched."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from baselines.workspace.tools import DEFINITIONS
from search_space.calls import Call, running
from search_space.tools import Tool, ToolError
from tests.baselines.workspace.conftest import Unchanged
from tests.baselines.workspace.examples import FILES, WORKS
from tests.baselines.workspace.test_tools import undeclared

ODD = (
    *("", " ", ".", "./", "a/b", "pkg/", "pkg//shapes.py", "*", "[", "{}", "-", "--help", "\n", "\x00", "\ud800"),
    *("a" * 5000, "é" * 300, "x/" * 2000 + "x", "9" * 5000, "-1", "1e400", "nan", "app", "items[0]", 'a."', "[1]"),
    *("HEAD", "HEAD:", "v1..main", ":(top)*", ".git", ".git/HEAD", "../x", "$(ls)", "\\", "(?P<x>a)(?P=x)", "UTC"),
    *("2024-02-30", "2024-01-01T00:00+14:00", "0001-01-01", "9999-12-31", "%", "%Q"),
    *("[" * 3000, "(" * 150, "-" * 3000 + "1", "lambda: 0", "9**9**9"),
)
NUMBERS = (0, 1, -1, 2, 7, 10**30, -(10**400), 1.5, float("inf"), float("nan"), True)


def odd(random: Random, schema: dict[str, Any], usual: Any) -> Any:
    """An odd value, mostly of the right type; now and then the one of the example, so that others are reached."""
    if usual is not None and random.random() < 0.4:
        return usual
    kind = schema["type"] if random.random() < 0.95 else random.choice(("string", "integer", "array", "null", "object"))
    if "enum" in schema and random.random() < 0.8:
        return random.choice(schema["enum"])
    match kind:
        case "string":
            return random.choice((*ODD, *FILES))
        case "integer" | "number":
            return random.choice(NUMBERS)
        case "boolean":
            return random.random() < 0.5
        case "array":
            inner = schema.get("items", {"type": "string"})
            return [odd(random, inner, None) for _ in range(random.randint(0, 3))]
    return None if kind == "null" else {}


@pytest.mark.parametrize("name", [each.name for each in DEFINITIONS if not each.name.startswith("run_")])
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
def test_odd_inputs_end_in_a_text_or_an_error(shared: dict[str, Tool], unchanged: Unchanged, name: str) -> None:
    tool, random = shared[name], Random(name)
    examples = [example.given for example in WORKS if example.tool == name]
    properties = tool.input_schema["properties"]
    for _ in range(8 if name.startswith("git_") else 40):
        usual = random.choice(examples)
        given = {key: odd(random, schema, usual.get(key)) for key, schema in properties.items()}
        given = {key: value for key, value in given.items() if key in usual or random.random() < 0.5}
        with running(Call()) as call:
            try:
                said = tool.run(given)
            except ToolError as error:
                said = str(error)
        assert isinstance(said, str), given
        assert undeclared(tool, given, call) == []
    unchanged()
