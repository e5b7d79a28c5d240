"""Dimensions of tools: who sees them, which stands first, what is said of them, and what may run side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_space.domains import Assignment, Choice
from search_space.edits import SetKey
from search_space.errors import InvalidEdit, InvalidFile
from search_space.harness import harness_from_files
from search_space.space import Space, load_space
from search_space.tools import Effects

FILES = {
    "harness.toml": b"""name = "x"

[tools]
order = ["outline", "glob"]  # by hand

[subagents.scout]
description = "Looks."
mode = "fork"
""",
    "prompts/system.md": b"Work.\n",
}
SPACE = """
[[dimension]]
kind = "tool"
tools = ["grep"]
values = ["offered", "agent:scout", "off"]

[[dimension]]
kind = "first_tool"
tools = ["grep", "outline", "find"]

[[dimension]]
kind = "description"
tool = "grep"
[dimension.texts]
short = "Search."
long = "Search lines of files by a regular expression."

[[dimension]]
kind = "choice"
key = "tools.schedule"
values = ["serial", "marked", "effects"]

[[dimension]]
kind = "int"
key = "tools.max_parallel"
low = 1
high = 8

[[dimension]]
kind = "parallel"
tools = ["grep", "edit", "note", "remote"]
effects = { remote = { reads = ["notes"] } }
"""
DECLARED = {
    "grep": Effects(reads=frozenset({"files"})),
    "edit": Effects(writes=frozenset({"files:{path}"})),
    "note": Effects(writes=frozenset({"notes:{topic}"})),
    "fixed": Effects(writes=frozenset({"files:logs/{day}"})),
    "whole": Effects(writes=frozenset({"files"})),
}


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return space_of(tmp_path, SPACE)


def space_of(folder: Path, text: str) -> Space:
    path = folder / "space.toml"
    path.write_text(text, encoding="utf-8")
    return load_space(path, DECLARED)


def after(space: Space, changes: Assignment, files: dict[str, bytes] = FILES) -> dict[str, bytes]:
    changed = space.edit(files, changes).apply(files)
    space.check(files, changed)
    assert {name: space.read(changed)[name] for name in changes} == changes
    return changed


def test_each_can_be_read_set_and_set_back(space: Space) -> None:
    start = space.read(FILES)
    assert start == {
        "tool.grep": "offered",
        "tools.first": "outline",
        "description.grep": None,
        "tools.schedule": "marked",
        "tools.max_parallel": 4,
        "parallel.grep": False,
        "parallel.edit": False,
        "parallel.note": False,
        "parallel.remote": False,
    }
    changes: Assignment = {
        "tool.grep": "agent:scout",
        "tools.first": "find",
        "description.grep": "short",
        "tools.schedule": "effects",
        "tools.max_parallel": 8,
        "parallel.grep": True,
    }
    changed = after(space, changes)
    tools = harness_from_files(changed).tools
    assert (tools.visibility, tools.order, tools.descriptions) == (
        {"grep": "agent:scout"},
        ["find", "glob"],
        {"grep": "Search."},
    )
    assert (tools.schedule, tools.max_parallel, tools.parallel) == ("effects", 8, {"grep": True})
    back = after(space, {name: start[name] for name in changes}, changed)
    assert harness_from_files(back).tools == harness_from_files(FILES).tools


def test_the_words_say_what_changes(space: Space) -> None:
    assert space.describe({"tool.grep": "agent:scout", "tools.first": "find", "description.grep": "short"}) == (
        "give the tool grep to the sub-agent scout alone; offer the tool find first; "
        "describe the tool grep as 'Search.'"
    )
    assert space.describe({"tools.first": None, "description.grep": None}) == (
        "offer the tools in the environment's order; describe the tool grep in its own words"
    )


def test_the_same_value_gives_the_same_order_however_it_was_reached(space: Space) -> None:
    around = after(space, {"tools.first": "find"}, after(space, {"tools.first": "grep"}))
    assert harness_from_files(around).tools == harness_from_files(after(space, {"tools.first": "find"})).tools
    gone = after(space, {"tools.first": None}, {**FILES, "harness.toml": b'name = "x"\n[tools]\norder = ["grep"]\n'})
    assert harness_from_files(gone).tools.order == []


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("tools.order", ["glob", "outline"], r"tools\.order: got .*expected \['outline', 'glob'\].*stands first"),
        ("tools.order", ["outline", "find", "glob"], r"expected \['outline', 'glob'\]"),
        (
            "tools.descriptions.grep",
            "My own words.",
            r"description\.grep: got 'My own words\.', expected one of absent",
        ),
        ("tools.descriptions.edit", "Search.", r"tools\.descriptions\.edit: got 'Search\.', but the space opens only"),
        ("tools.visibility.grep", "deferred", r"tool\.grep: got 'deferred', expected one of 'offered', 'agent:scout'"),
        ("tools.visibility.grep", "agent:scot", r"got 'agent:scot', expected a sub-agent.*did you mean 'agent:scout'"),
        ("tools.visibility.grep", "agnt:scout", r"expected one of offered, deferred, off, agent:NAME"),
        ("tools.effects.remote.reads", ["x"], r"tools\.effects\.remote\.reads: got .*but the space opens only"),
    ],
)
def test_an_edit_by_hand_is_judged_by_the_same_rules(space: Space, key: str, value: object, why: str) -> None:
    edited = SetKey(key=key, value=value).apply(FILES)
    with pytest.raises(InvalidEdit, match=why):
        space.check(FILES, edited)


def test_two_tools_that_always_conflict_are_refused_with_both_names_and_the_resource(space: Space) -> None:
    marked = after(space, {"parallel.grep": True})
    why = r"got grep and edit marked, but calls of grep and of edit always conflict over 'files:\{path\}'"
    with pytest.raises(InvalidEdit, match=why):
        after(space, {"parallel.edit": True}, marked)
    after(space, {"parallel.edit": True, "parallel.grep": False}, marked)
    both = after(space, {"parallel.edit": True, "parallel.note": True})
    with pytest.raises(InvalidEdit, match=r"remote and of note|note and of remote"):
        after(space, {"parallel.remote": True}, both)


def test_what_is_marked_narrows_what_may_be_marked(space: Space) -> None:
    domain = Choice((False, True))
    assert space.allowed("parallel.edit", space.read(FILES)) == domain
    marked = space.read(after(space, {"parallel.grep": True}))
    assert space.allowed("parallel.edit", marked) == Choice((False,))
    assert space.allowed("parallel.note", marked) == space.allowed("parallel.grep", marked) == domain


def test_a_mark_that_no_dimension_opens_counts_too(space: Space) -> None:
    files = {**FILES, "harness.toml": b'name = "x"\n[tools.parallel]\nfixed = true\n'}
    with pytest.raises(InvalidEdit, match="calls of fixed and of grep always conflict"):
        after(space, {"parallel.grep": True}, files)
    after(space, {"parallel.note": True}, files)


def test_effects_that_the_harness_declares_count_too(space: Space) -> None:
    toml = b'name = "x"\n[tools.effects.remote]\nwrites = ["remote"]\n'
    with pytest.raises(InvalidEdit, match="two calls of remote always conflict over 'remote'"):
        after(space, {"parallel.remote": True}, {**FILES, "harness.toml": toml})


def test_a_tool_that_always_conflicts_with_itself_is_never_parallel(tmp_path: Path) -> None:
    space = space_of(tmp_path, '[[dimension]]\nkind = "parallel"\ntools = ["whole", "edit"]\n')
    assert space.domain("parallel.whole") == Choice((False,))
    with pytest.raises(InvalidEdit, match="because two calls of whole always conflict over 'files'"):
        space.edit(FILES, {"parallel.whole": True})
    after(space, {"parallel.edit": True})


def test_what_memory_s_tools_touch_is_known(tmp_path: Path) -> None:
    space = space_of(tmp_path, '[[dimension]]\nkind = "parallel"\ntools = ["write_note", "read_note"]\n')
    assert space.domain("parallel.write_note") == Choice((False,))
    after(space, {"parallel.read_note": True})


FIRST = '[[dimension]]\nkind = "first_tool"\nname = "{0}"\ntools = ["a", "b"]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FIRST.format("x") + FIRST.format("y"), "got two dimensions of kind 'first_tool', expected one that lists all"),
        (FIRST.format("x").replace(', "b"', ""), "at least 2"),
        (
            '[[dimension]]\nkind = "description"\ntool = "a"\ntexts = { x = "t", y = "t" }',
            "(description): got the text 't' twice, expected different texts",
        ),
        (
            '[[dimension]]\nkind = "tool"\ntools = ["a"]\nvalues = ["agent:"]',
            "expected one of offered, deferred, off, agent:N",
        ),
        (
            '[[dimension]]\nkind = "parallel"\ntools = ["a"]\neffects = { a = { writes = ["no name"] } }',
            "effects.a.writes[0]: got 'no name'",
        ),
    ],
)
def test_tables_that_make_no_sense_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        space_of(tmp_path, text)
    assert message in str(caught.value)
