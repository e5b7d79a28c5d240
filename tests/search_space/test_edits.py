from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.diffs import make_diff
from search_space.edits import (
    AddItem,
    Diff,
    Edit,
    Many,
    MoveItem,
    RemoveItem,
    ReplaceItem,
    SetKey,
    SetTable,
    SetText,
    edit_from_json,
    edit_to_json,
)
from search_space.errors import InvalidEdit

FILES: dict[str, bytes] = {
    "harness.toml": b'name = "x" # name\n\n[limits]\nmax_steps =  1_0  # few\n\n[compaction]\nstrategy = "none"\n',
    "p.md": b"Intro.\n\n# A\n\n- one\n- two\n\n- three\n# B\n\nPara one.\n\nPara two.",
    "crlf.md": b"# A\r\n\r\n- one\r\n- two\r\n",
    "bad.toml": b"[",
    "c.py": b"A = 1  # one\n",
    "d.yaml": b"# d\na: {x: 1}\nb:\n- 1\n",
    "e.json": b'{"a": 1,\n "b": [2]}',
}
TEXTS = st.sampled_from(
    ["one", "two", "three", "new", "a\nb", "Para one.", "Intro.", "", "x\n\ny", "# h", "```\nf\n\ng\n```"]
)
SECTIONS = st.sampled_from(["", "A", "B", "C", "two words"])
FILE = st.sampled_from(["p.md", "crlf.md", "missing.md"])
PLACE = st.integers(-1, 4)
VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["s", 0.5, ["a"], {"k": 1}])
KEYS = st.sampled_from(["name", "limits.max_steps", "limits.new", "compaction.strategy", "flags.new", "name.x", "a..b"])
TYPED = st.one_of(
    st.builds(SetKey, key=KEYS, value=VALUES),
    st.builds(SetTable, key=KEYS | st.just("compaction"), value=st.dictionaries(st.sampled_from("abc"), st.integers())),
    st.builds(SetText, file=FILE, text=st.none() | st.text(max_size=5)),
    st.builds(AddItem, file=FILE, section=SECTIONS, text=TEXTS, position=st.none() | PLACE, after=st.none() | SECTIONS),
    st.builds(RemoveItem, file=FILE, section=SECTIONS, text=TEXTS),
    st.builds(MoveItem, file=FILE, section=SECTIONS, text=TEXTS, position=PLACE),
    st.builds(ReplaceItem, file=FILE, section=SECTIONS, old=TEXTS, text=TEXTS),
)
EDITS = TYPED | st.builds(Many, edits=st.lists(TYPED, max_size=3).map(tuple))


@settings(deadline=None, max_examples=120)
@given(EDITS)
def test_an_edit_applies_and_inverts_to_the_same_bytes_or_says_why(edit: Edit) -> None:
    kept = dict(FILES)
    try:
        after = edit.apply(FILES)
    except InvalidEdit as error:
        assert str(error)
    else:
        assert edit.invert(FILES).apply(after) == FILES
    assert kept == FILES
    assert edit.describe().strip()
    assert "\n" not in edit.describe()
    assert edit_from_json(json.loads(json.dumps(edit_to_json(edit)))) == edit


@settings(deadline=None, max_examples=60)
@given(TYPED)
def test_the_diff_of_an_edit_is_the_same_edit(edit: Edit) -> None:
    try:
        after = edit.apply(FILES)
    except InvalidEdit:
        return
    if after == FILES:
        return
    free = Diff(text=make_diff(FILES, after))
    assert free.apply(FILES) == after
    assert free.invert(FILES).apply(after) == FILES
    assert isinstance(free.invert(FILES), Diff)
    assert "freely" in free.describe()


def applied(edit: Edit, files: Mapping[str, bytes] = FILES) -> str:
    """The one file that an edit changes."""
    after = edit.apply(files)
    (changed,) = [path for path in after if after[path] != files.get(path)]
    return after[changed].decode()


def test_natural_inverses_are_of_the_same_kind() -> None:
    assert SetKey(key="limits.new", value=3).invert(FILES) == SetKey(key="limits.new", value=None)
    assert AddItem(file="p.md", section="A", text="new").invert(FILES) == RemoveItem(
        file="p.md", section="A", text="new"
    )
    moved = MoveItem(file="p.md", section="A", text="one", position=2)
    assert moved.invert(FILES) == MoveItem(file="p.md", section="A", text="one", position=0)


def test_set_key_keeps_comments() -> None:
    assert "max_steps =  12  # few" in applied(SetKey(key="limits.max_steps", value=12))


def test_set_table_holds_exactly_what_is_said() -> None:
    edit = SetTable(key="compaction", value={"strategy": "summary", "keep_messages": 4})
    assert applied(edit).endswith('[compaction]\nstrategy = "summary"\nkeep_messages = 4\n')
    assert edit.describe() == 'make [compaction] in harness.toml hold strategy = "summary", keep_messages = 4'


def test_items_are_added_removed_moved_and_replaced() -> None:
    assert "- two\n\n- three\n- new\n# B" in applied(AddItem(file="p.md", section="A", text="new"))
    assert applied(AddItem(file="p.md", section="B", text="New.")).endswith("Para two.\n\nNew.")
    assert applied(RemoveItem(file="p.md", section="B", text="Para  two.")).endswith("Para one.")
    assert "- two\n- one\n\n- three" in applied(MoveItem(file="p.md", section="A", text="one", position=1))
    assert "- uno\n" in applied(ReplaceItem(file="p.md", section="A", old="one", text="uno"))
    assert "# C\n\n- c\n\n# B" in applied(AddItem(file="p.md", section="C", text="c", after="A"))


def test_a_section_goes_with_its_last_item() -> None:
    once = RemoveItem(file="p.md", section="B", text="Para one.").apply(FILES)
    twice = RemoveItem(file="p.md", section="B", text="Para two.").apply(once)
    assert b"# B" not in twice["p.md"]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (SetKey(file="no.toml", key="a", value=1), "no.toml: got an edit of a file that is not there"),
        (SetKey(file="p.md", key="a", value=1), "p.md: a: got no front matter, expected YAML between two lines '---'"),
        (SetKey(file="notes.txt", key="a", value=1), r"notes.txt: the file: got a file without keys \(.txt\)"),
        (SetKey(file="bad.toml", key="a", value=1), "bad.toml: the file: got invalid TOML"),
        (SetKey(file="c.py", key="B", value=1), "c.py: B: got no such constant"),
        (SetKey(key="name.x", value=1), "harness.toml: name: got 'x' there, expected a table"),
        (SetTable(key="name", value={}), "harness.toml: name: got 'x' there, expected a table"),
        (AddItem(file="p.md", section="A", text="one"), r"p\.md: section 'A': got an item that is there already"),
        (AddItem(file="p.md", section="A", text="x", position=9), "got position 9, expected 0 to 3"),
        (AddItem(file="p.md", section="A", text="x\n\ny"), "expected one bullet, paragraph or fenced block"),
        (
            RemoveItem(file="p.md", section="Aa", text="one"),
            r"got no such section, expected one of A, B \(did",
        ),
        (
            RemoveItem(file="p.md", section="A", text="ones"),
            'items that say "ones", expected one, nearest: "one"',
        ),
        (RemoveItem(file="p.md", section="", text="x"), "p.md: before the first heading: got 0 items"),
        (ReplaceItem(file="p.md", section="A", old="one", text="two"), "got an item that is there already"),
        (SetText(file="no.md", text=None), "no.md: got a removal of a file that is not there"),
        (SetText(file="no.md", text="\ud800"), "which is no Unicode character"),
        (Many(edits=(SetKey(key="a", value=1), SetKey(key="b", value=None))), "b: got a removal"),
    ],
)
def test_an_edit_that_does_not_apply_says_why(edit: Edit, why: str) -> None:
    with pytest.raises(InvalidEdit, match=why):
        edit.apply(FILES)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "kind"),
        ({"kind": "set_keys"}, "set_key"),
        ({"kind": "set_key", "key": "a"}, r"set_key\.value: .*required"),
        ({"kind": "set_key", "key": 1, "value": 1}, r"set_key\.key: got 1: "),
        ({"kind": "set_text", "file": "../x", "text": ""}, "expected a relative path"),
        ({"kind": "many", "edits": [{"kind": "diff", "text": "", "file": "x"}]}, r"many\.edits\.0\.diff\.file"),
    ],
)
def test_json_that_is_no_edit_says_why(value: dict[str, object], why: str) -> None:
    with pytest.raises(InvalidEdit, match=why):
        edit_from_json(value)
