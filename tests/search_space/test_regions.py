"""Marked regions of any text file: alternatives as dimensions, free edits inside, and everything around as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.edits import SetRegion, edit_from_json, edit_to_json
from search_space.errors import InvalidEdit, InvalidFile
from search_space.regions import content, find_region, find_regions, plain, put
from search_space.space import Space
from tests.search_space.conftest import space_from

TRAIN = """\
RATE = 0.1


def activate(x):
    # ratchet: begin activation
    if x < 0:
        return 0.0
    return x
    # ratchet: end activation


def step(w, g):
    # ratchet: begin extra
    # ratchet: end extra
    # ratchet: begin step (free)
    w -= RATE * g
    # ratchet: end step
    return w
"""
FILES = {
    "train.py": TRAIN.encode(),
    "build.sh": b"#!/bin/sh\n# ratchet: begin flags\nF=-O1\n# ratchet: end flags\nrun $F\n",
}
SPACE = """
[[dimension]]
kind = "float"
file = "train.py"
key = "RATE"
low = 0.01
high = 1.0

[[dimension]]
kind = "region"
file = "train.py"
region = "activation"
[dimension.texts]
relu = '''
if x < 0:
    return 0.0
return x
'''
square = "return x * x"

[[dimension]]
kind = "region"
name = "decay"
file = "train.py"
region = "extra"
[dimension.texts]
none = ""
small = "w *= 0.99"

[[dimension]]
kind = "region"
name = "flags"
file = "build.sh"
region = "flags"
when = { decay = ["small"] }
default = "fast"
texts = { plain = "F=-O1", fast = "F=-O3" }

[[dimension]]
kind = "text"
name = "step"
file = "train.py"
region = "step"
max_chars = 80
"""


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return space_from(tmp_path, SPACE)


def test_regions_are_read_by_what_they_say(space: Space) -> None:
    assert space.read(FILES) == {"RATE": 0.1, "activation": "relu", "decay": "none"}
    assert space.describe({"activation": "square", "decay": "none"}) == (
        "use square as activation in train.py; leave decay out of train.py"
    )


def test_a_change_stands_as_deep_as_its_marker_and_is_undone(space: Space) -> None:
    edit = space.edit(FILES, {"activation": "square", "decay": "small", "RATE": 0.5})
    after = edit.apply(FILES)
    expected = TRAIN.replace("RATE = 0.1", "RATE = 0.5").replace(
        "    # ratchet: end extra", "    w *= 0.99\n    # ratchet: end extra"
    )
    expected = expected.replace("    if x < 0:\n        return 0.0\n    return x\n", "    return x * x\n")
    assert after["train.py"].decode() == expected
    assert b"F=-O3" in after["build.sh"]
    space.check(FILES, after)
    assert space.read(after) == {"RATE": 0.5, "activation": "square", "decay": "small", "flags": "fast"}
    assert edit.invert(FILES).apply(after) == FILES
    back = space.edit(after, {"activation": "relu", "decay": "none", "RATE": 0.1}).apply(after)
    assert back["train.py"] == FILES["train.py"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    w -= RATE * g\n", "    v = g\n    w -= RATE * v\n"),
        ("    w -= RATE * g\n", ""),
        ("    # ratchet: begin extra\n", "    # ratchet: begin extra\n    w *= 0.99\n"),
    ],
)
def test_free_edits_inside_what_is_open_pass(space: Space, old: str, new: str) -> None:
    after = {**FILES, "train.py": TRAIN.replace(old, new).encode(), "build.sh": FILES["build.sh"]}
    if "0.99" in new:
        after["build.sh"] = after["build.sh"].replace(b"O1", b"O3")
    space.check(FILES, after)


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        (
            "train.py",
            "return w",
            "return 0",
            r"train\.py: line 1[0-9]: got '    return 0' for '    return w', but .* only RATE, ",
        ),
        (
            "train.py",
            "    return x\n",
            "    return -x\n",
            r"region activation: got .*, expected one of the texts relu, square",
        ),
        ("train.py", "    if x < 0:", "      if x < 0:", "invalid Python"),
        ("build.sh", "F=-O1", "  F=-O1", "but the space opens only nothing"),
        ("train.py", "    # ratchet: end step\n", "", r"step: got 'ratchet: begin step' in line 15 and no end of it"),
        ("train.py", "begin activation", "begin", "end activation' in line 9, where no such region is open"),
        (
            "train.py",
            "    # ratchet: begin extra\n    # ratchet: end extra\n",
            "",
            "extra: got no such region, expected one line",
        ),
        (
            "train.py",
            "w -= RATE * g",
            "x = 1  # ratchet: end step\n    import os  # ratchet: begin step",
            "a second 'ratchet: begin step'",
        ),
        (
            "train.py",
            "w -= RATE * g",
            "# ratchet: end step\n    w = 0",
            "end step' in line 18, where no such region is open",
        ),
        (
            "train.py",
            "w -= RATE * g",
            "w = " + "1 + " * 30 + "1",
            r"characters in train\.py \(region step\), expected 80 at most",
        ),
        ("train.py", "RATE = 0.1", "RATE = 0.1\nimport os", r"line 2: got 'import os'"),
        ("build.sh", "-O1", "-O3", r"build\.sh: line 3: got 'F=-O3' for 'F=-O1', but the space opens only nothing"),
    ],
)
def test_everything_else_stays(space: Space, file: str, old: str, new: str, why: str) -> None:
    assert old.encode() in FILES[file]
    with pytest.raises(InvalidEdit, match=why):
        space.check(FILES, {**FILES, file: FILES[file].replace(old.encode(), new.encode(), 1)})


def test_a_file_that_goes_is_refused(space: Space) -> None:
    with pytest.raises(InvalidEdit, match=r"train\.py"):
        space.check(FILES, {"build.sh": FILES["build.sh"]})


def test_a_space_over_files_without_the_markers_says_so(space: Space) -> None:
    bare = {**FILES, "train.py": TRAIN.replace("begin activation", "start activation").encode()}
    with pytest.raises(InvalidFile, match="end activation' in line 9"):
        space.read(bare)
    with pytest.raises(InvalidEdit, match="end activation' in line 9"):
        space.edit(bare, {"activation": "square"})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# ratchet: begin a\n# ratchet: begin b\n# ratchet: end a\n# ratchet: end b\n", "end a' in line 3, where no"),
        ("# ratchet: begin a\n# ratchet: end a\n# ratchet: begin a\n# ratchet: end a\n", "second .* in line 3"),
        ("# ratchet: begin a\n", "begin a' in line 1 and no end"),
        ("", "no such region, expected one line with 'ratchet: begin a'"),
    ],
)
def test_markers_that_make_no_region_are_named(text: str, why: str) -> None:
    with pytest.raises(InvalidFile, match=why):
        find_region(text, "a", "x.c")


def test_regions_may_stand_in_each_other_and_in_any_comment() -> None:
    text = (
        "<!-- ratchet: begin a -->\n// ratchet:begin b\n; ratchet: end b\n/* ratchet:\tend a */\nno-ratchet: begin c\n"
    )
    found = {name: text[each.start : each.end] for name, each in find_regions(text, "x").items()}
    assert found == {"a": "// ratchet:begin b\n; ratchet: end b\n", "b": ""}


def test_a_known_text_must_stand_as_deep_as_its_marker(space: Space) -> None:
    before = space.edit(FILES, {"decay": "small"}).apply(FILES)
    after = {**before, "build.sh": before["build.sh"].replace(b"F=-O3", b"  F=-O1")}
    with pytest.raises(InvalidEdit, match="region flags: got 'F=-O1', expected one of the texts plain, fast, as deep"):
        space.check(before, after)


LINES = st.lists(st.sampled_from(["x = 1", "if y:", "    z = 2", "", "\tq", '"""', "# c"]), max_size=5).map("\n".join)


@settings(deadline=None)
@given(LINES, LINES, st.sampled_from(["", "  ", "\t"]), st.booleans())
def test_what_is_put_in_reads_back_and_nothing_else_changes(old: str, new: str, indent: str, windows: bool) -> None:
    text = f"top\n{indent}# ratchet: begin r\n{old}\n{indent}# ratchet: end r\nend"
    text = text.replace("\n", "\r\n") if windows else text
    region = find_region(text, "r", "x")
    after = put(text, region, new)
    again = find_region(after, "r", "x")
    assert content(after, again) == plain(new)
    assert (after[: again.start], after[again.end :]) == (text[: region.start], text[region.end :])


@settings(deadline=None)
@given(LINES)
def test_the_edit_travels_as_json_and_is_undone(code: str) -> None:
    edit = SetRegion(file="train.py", region="activation", text=code)
    assert edit_from_json(edit_to_json(edit)) == edit
    assert edit.invert(FILES).apply(edit.apply(FILES)) == FILES
    assert edit.describe()


REGION = 'kind = "region"\nregion = "r"\n'
NEXT = "[[dimension]]\n"


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (REGION + 'file = "a.py"\ntexts = { a = "x", b = " x" }', "the same text for a and b"),
        (REGION + 'file = "a.py"\ntexts = {}', "at least 1 item"),
        ('kind = "text"\nname = "t"\nfile = "a.md"\nsection = "A"\nregion = "r"', "either 'section' or 'region'"),
        (
            REGION + f'file = "a.toml"\ntexts.a = ""\n{NEXT}kind = "flag"\nfile = "a.toml"\nkey = "x"',
            r"got regions of a\.toml beside kind = 'flag'",
        ),
        (
            REGION + f'file = "a.c"\ntexts.a = ""\n{NEXT}{REGION}name = "o"\nfile = "a.c"\ntexts.b = ""',
            "got two dimensions for the region r",
        ),
    ],
)
def test_a_space_file_that_says_nonsense_is_refused(tmp_path: Path, table: str, why: str) -> None:
    with pytest.raises(InvalidFile, match=why):
        space_from(tmp_path, f"[[dimension]]\n{table}\n")
