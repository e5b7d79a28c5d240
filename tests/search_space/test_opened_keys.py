"""Any key of harness.toml can be opened: sub-agents' presence and limits, booleans wherever they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_space.errors import InvalidEdit
from search_space.harness import harness_from_files
from search_space.harness_keys import absent_value
from search_space.space import Space
from tests.search_space.conftest import sample_files, space_from

AGENT = '\n[subagents.reader]\ndescription = "Reads."\nmax_steps = 4\n'


def dimension(kind: str, key: str, more: str = "") -> str:
    return f'[[dimension]]\nkind = "{kind}"\nkey = "{key}"\n{more}\n'


SPACE = (
    dimension("flag", "subagents.reader.enabled")
    + dimension("choice", "subagents.reader.mode", 'values = ["fresh", "fork"]')
    + dimension(
        "int", "subagents.reader.max_steps", 'low = 2\nhigh = 8\nwhen = { "subagents.reader.enabled" = [true] }'
    )
    + dimension("int", "subagents.reader.total_tokens", "low = 1000\nhigh = 9000")
    + dimension("flag", "tools.parallel.grep")
    + dimension("flag", "memory.archive")
    + dimension("flag", "flags.step_counter")
    + dimension("choice", "cache.ttl", 'values = ["5m", "1h"]')
    + dimension("int", "cache.every", "low = 1\nhigh = 16")
    + dimension("member", "cache.breakpoints", 'member = "index"')
)


def opened(folder: Path, agent: str = AGENT) -> tuple[Space, dict[str, bytes]]:
    files = sample_files()
    files["harness.toml"] += agent.encode()
    files["prompts/agents/reader.md"] = b"You read."
    return space_from(folder, SPACE.replace("[true] }", "[true] }\ndefault = 4")), files


def test_what_is_not_in_the_file_reads_as_the_formats_default(tmp_path: Path) -> None:
    space, files = opened(tmp_path)
    assert space.read(files) == {
        "subagents.reader.enabled": True,
        "subagents.reader.mode": "fresh",
        "subagents.reader.max_steps": 4,
        "subagents.reader.total_tokens": None,
        "tools.parallel.grep": False,
        "memory.archive": False,
        "flags.step_counter": False,
        "cache.ttl": "5m",
        "cache.every": 1,
        "cache.breakpoints.index": False,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subagents.reader.enabled", False),
        ("subagents.reader.mode", "fork"),
        ("subagents.reader.max_steps", 8),
        ("subagents.reader.total_tokens", 5000),
        ("tools.parallel.grep", True),
        ("memory.archive", True),
        ("flags.step_counter", True),
        ("cache.ttl", "1h"),
        ("cache.every", 8),
        ("cache.breakpoints.index", True),
    ],
)
def test_each_can_be_set_and_is_a_valid_harness_then(tmp_path: Path, name: str, value: str | int) -> None:
    space, files = opened(tmp_path)
    after = space.edit(files, {name: value}).apply(files)
    space.check(files, after)
    assert space.read(after)[name] == value
    harness_from_files(after)


def test_a_sub_agent_that_the_harness_has_not_cannot_be_given_limits(tmp_path: Path) -> None:
    space, files = opened(tmp_path, agent="")
    after = space.edit(files, {"subagents.reader.total_tokens": 5000}).apply(files)
    with pytest.raises(InvalidEdit, match=r"subagents\.reader\.description: got nothing"):
        space.check(files, after)


def test_booleans_of_free_names_are_false_unless_the_space_says_otherwise() -> None:
    assert absent_value(("flags", "mine"), None) is False
    assert absent_value(("flags", "mine"), True) is True
    assert absent_value(("tools", "visibility", "grep"), None) is None
    assert absent_value(("subagents", "x", "writes"), None) is False
