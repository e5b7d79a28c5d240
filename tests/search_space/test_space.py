from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search_space.diffs import make_diff
from search_space.edits import Diff
from search_space.errors import InvalidEdit, MissingFile
from search_space.harness import harness_from_files
from search_space.space import Assignment, Choice, FloatRange, IntRange, Scalar, Space

EXPECTED = {
    "limits.max_steps": 10,
    "lr": 0.5,
    "limits.context_tokens": 8000,
    "flags.careful": False,
    "memory.index": True,
    "memory.index_chars": 1000,
    "cache.breakpoints.system": False,
    "compaction": "sliding_window",
    "compaction.sliding_window.keep_messages": 12,
    "tool.grep": "deferred",
    "tool.read_file": "offered",
    "parallel.grep": False,
    "parallel.write_note": False,
    "answer.form": "bare",
    "method.look": "in",
    "method.verify": None,
    "method.file": "in",
    "method.first": "method.look",
    "style.short": None,
    "demo.count": False,
    "demo.base": False,
    "demo.fenced": False,
}
RELAXED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def values_of(space: Space, name: str, assignment: Assignment) -> list[Scalar]:
    """Some values of what is allowed: all of a choice, the ends of a range."""
    domain = space.allowed(name, assignment)
    return list(domain.values) if isinstance(domain, Choice) else [domain.low, domain.high]


def made(space: Space, files: dict[str, bytes], changes: Assignment) -> dict[str, bytes]:
    """The tree after ``changes``, checked by the judge."""
    after = space.edit(files, changes).apply(files)
    space.check(files, after)
    return after


def test_the_present_values_are_read_in_declared_order(space: Space, files: dict[str, bytes]) -> None:
    assert space.read(files) == EXPECTED
    assert [name for name in space.names if name in EXPECTED] == list(EXPECTED)
    assert space.active(EXPECTED) == tuple(EXPECTED)
    assert [text.file for text in space.texts] == ["prompts/system.md", "strategies/*.py"]


def test_domains(space: Space) -> None:
    assert space.domain("limits.max_steps") == IntRange(4, 40, 2)
    assert space.domain("lr") == FloatRange(0.001, 1.0, log=True)
    assert space.domain("tool.grep") == Choice(("offered", "deferred", "off"))
    assert space.domain("method.verify") == Choice((None, "short", "long"))
    assert space.domain("parallel.write_note") == Choice((False,))
    with pytest.raises(InvalidEdit, match=r"got an unknown dimension.*did you mean 'tool\.grep'"):
        space.domain("tool.grp")


def test_every_value_of_every_dimension_applies_and_reads_back(space: Space, files: dict[str, bytes]) -> None:
    for strategy in ("sliding_window", "summary"):
        start = files if strategy == "sliding_window" else made(space, files, {"compaction": strategy})
        present = space.read(start)
        for name in space.active(present):
            for value in values_of(space, name, present):
                if value == present[name]:
                    continue
                edit = space.edit(start, {name: value})
                after = edit.apply(start)
                space.check(start, after)
                assert space.read(after)[name] == value, name
                assert edit.invert(start).apply(after) == start
                assert edit.describe()
                assert space.describe({name: value})


@RELAXED
@given(data=st.data())
def test_any_walk_through_the_space_stays_inside_it(space: Space, files: dict[str, bytes], data: Any) -> None:
    current = dict(files)
    for _ in range(data.draw(st.integers(1, 4))):
        present = space.read(current)
        names = data.draw(st.lists(st.sampled_from(space.active(present)), min_size=1, max_size=3, unique=True))
        changes = {name: data.draw(st.sampled_from(values_of(space, name, present))) for name in names}
        try:
            edit = space.edit(current, changes)
        except InvalidEdit:
            continue
        after = edit.apply(current)
        space.check(current, after)
        read = space.read(after)
        assert {name: read[name] for name in changes} == changes
        assert edit.invert(current).apply(after) == current
        free = Diff(text=make_diff(current, after))
        assert free.apply(current) == after
        harness_from_files(after)
        current = after


@RELAXED
@given(order=st.permutations(["method.verify", "style.short", "demo.count", "method.look"]))
def test_the_same_values_give_the_same_prompt_by_any_way(
    space: Space, files: dict[str, bytes], order: list[str]
) -> None:
    goal: dict[str, Scalar] = {"method.verify": "long", "style.short": "in", "demo.count": True, "method.look": None}
    files["prompts/system.md"] = files["prompts/system.md"].replace(b"- Something that nobody opened.\n", b"")
    current = files
    for name in order:
        current = made(space, current, {name: goal[name]})
    assert current == made(space, files, goal)


def test_a_change_and_its_opposite_leave_the_same_bytes(space: Space, files: dict[str, bytes]) -> None:
    for changes in (
        {"style.short": "in"},
        {"demo.fenced": True},
        {"tool.read_file": "off"},
        {"method.first": "method.file"},
    ):
        back = {name: space.read(files)[name] for name in changes}
        after = made(space, made(space, files, changes), back)
        assert after["prompts/system.md"] == files["prompts/system.md"]
        assert after.keys() == files.keys()


def test_a_switched_strategy_takes_the_declared_defaults(space: Space, files: dict[str, bytes]) -> None:
    after = made(space, files, {"compaction": "summary"})
    assert harness_from_files(after).compaction.model_dump() == {
        "strategy": "summary",
        "keep_messages": 6,
        "block": 8,
        "max_tokens": 500,
    }
    assert b"# the window" in after["harness.toml"]
    named = made(space, files, {"compaction": "summary", "compaction.summary.keep_messages": 20})
    assert space.read(named)["compaction.summary.keep_messages"] == 20
    again = made(space, named, {"compaction.summary.max_tokens": 200})
    assert space.read(again)["compaction.summary.keep_messages"] == 20


def test_a_condition_that_comes_to_hold_brings_the_default(space: Space, files: dict[str, bytes]) -> None:
    off = made(space, files, {"memory.index": False})
    assert "memory.index_chars" not in space.read(off)
    assert "memory.index_chars" not in space.active(space.read(off))
    on = made(space, off, {"memory.index": True})
    assert space.read(on)["memory.index_chars"] == 600


def test_the_lead_is_known_only_among_several(space: Space, files: dict[str, bytes]) -> None:
    one = made(space, files, {"method.file": None})
    assert "method.first" not in space.read(one)
    assert space.allowed("method.first", space.read(files)) == Choice(("method.look", "method.file"))
    led = made(space, files, {"method.verify": "short", "method.first": "method.verify"})
    assert (
        led["prompts/system.md"]
        .decode()
        .split("# Answer")[0]
        .endswith(
            "# Method\n\n- Verify what you found.\n- Look before you answer.\n- Something that nobody opened.\n"
            "- Name the file that you looked at.\n\n"
        )
    )


def test_demonstrations_make_and_remove_their_file(space: Space, files: dict[str, bytes]) -> None:
    two = made(space, files, {"demo.fenced": True, "demo.count": True})
    assert harness_from_files(two).system_prompt().endswith("# Examples\n\n" + DEMONSTRATIONS)
    assert space.allowed("demo.base", space.read(two)) == Choice((False,))
    assert "prompts/demonstrations.md" not in made(space, two, {"demo.fenced": False, "demo.count": False})


DEMONSTRATIONS = """\
Q: How many calls?
A: 4

```
Q: Which is longer?

A: loads
```"""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"limits.max_step": 4}, r"unknown dimension.*did you mean 'limits\.max_steps'"),
        (
            {"limits.max_steps": 5},
            r"limits\.max_steps: got 5 \(int\), expected a whole number from 4 to 40 in steps of 2",
        ),
        ({"limits.max_steps": True}, "got true, expected a whole number"),
        ({"lr": 2.0}, "lr: got 2.0 .*expected a number from 0.001 to 1.0"),
        ({"tool.grep": "hidden"}, "got 'hidden', expected one of 'offered', 'deferred', 'off'"),
        ({"answer.form": None}, "answer.form: got None"),
        ({"parallel.write_note": True}, "because two calls of write_note always conflict over 'notes'"),
        ({"compaction.summary.keep_messages": 4}, "but it needs compaction = summary"),
        (
            {"compaction": "none", "compaction.sliding_window.keep_messages": 9},
            "but it needs compaction = sliding_window",
        ),
        ({"memory.index": False, "memory.index_chars": 300}, "but it needs memory.index = True"),
        ({"method.first": "method.verify"}, "which is not in the prompt"),
        ({"demo.count": True, "demo.base": True, "demo.fenced": True}, "got 3 demonstrations .* expected 2 at most"),
        ({"limits.max_steps": 10}, r"limits\.max_steps = 10 \(int\), which is so already"),
        ({}, "change nothing"),
    ],
)
def test_changes_outside_the_space_say_why(
    space: Space, files: dict[str, bytes], changes: Assignment, why: str
) -> None:
    with pytest.raises(InvalidEdit, match=why):
        space.edit(files, changes)


def test_values_outside_the_domain_read_as_they_are(space: Space, files: dict[str, bytes]) -> None:
    files["harness.toml"] = files["harness.toml"].replace(b"max_steps = 10", b"max_steps = 7")
    assert space.read(files)["limits.max_steps"] == 7
    assert space.read(made(space, files, {"tool.grep": "off"}))["limits.max_steps"] == 7


def test_a_file_that_is_missing_is_named(space: Space, files: dict[str, bytes]) -> None:
    del files["extra.toml"]
    with pytest.raises(MissingFile, match=r"extra\.toml: got nothing, but the space opens keys"):
        space.read(files)
    with pytest.raises(InvalidEdit, match=r"extra\.toml"):
        space.edit(files, {"lr": 0.2})


def test_descriptions_are_plain_words(space: Space) -> None:
    changes = {"tool.grep": "off", "limits.max_steps": 20, "method.look": None, "compaction": "none"}
    assert space.describe(changes) == (
        "set limits.max_steps to 20; send everything, without compaction; take the tool grep away; "
        "leave method.look out of Method"
    )


def test_reading_does_not_depend_on_what_was_read_before(tmp_path: Path, space: Space, files: dict[str, bytes]) -> None:
    first = space.read(files)
    first["limits.max_steps"] = 99
    assert space.read(files)["limits.max_steps"] == 10
