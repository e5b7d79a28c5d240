"""Permissions in the space: closed by default, only narrower through a dimension, wider where the space says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_space.errors import InvalidEdit, InvalidFile
from search_space.space import Choice, Space, load_space

Tree = dict[str, bytes]

HARNESS = """\
name = "sample"

[permissions]
default = "allow"  # what nobody thought of

[permissions.tools]
fetch = "ask"

[[permissions.rules]]
tool = "*"
argument = "path"
pattern = "secrets/*"  # keys
action = "deny"

[flags]
careful = false
"""
FLAG = '[[dimension]]\nkind = "flag"\nkey = "flags.careful"\n'
NARROW = FLAG + '[[dimension]]\nkind = "permission"\ntools = ["grep", "fetch"]\n'
WIDEN = NARROW + "widen = true\n"
OPEN = FLAG + '[[dimension]]\nkind = "text"\nname = "all"\nfile = "harness.toml"\n'


@pytest.fixture
def files() -> Tree:
    return {"harness.toml": HARNESS.encode(), "prompts/system.md": b"Answer.\n"}


def space_of(folder: Path, text: str) -> Space:
    path = folder / "space.toml"
    path.write_text(text, encoding="utf-8")
    return load_space(path)


def replaced(files: Tree, old: str, new: str) -> Tree:
    text = files["harness.toml"].decode()
    assert old in text
    return {**files, "harness.toml": text.replace(old, new, 1).encode()}


def test_without_a_dimension_they_are_closed_narrower_or_not(tmp_path: Path, files: Tree) -> None:
    space = space_of(tmp_path, FLAG)
    for old, new in [('"ask"', '"deny"'), ('default = "allow"', 'default = "deny"'), ("secrets/*", "secret*")]:
        with pytest.raises(InvalidEdit, match=r"harness\.toml: permissions\..*the space opens only flags\.careful"):
            space.check(files, replaced(files, old, new))


def test_a_dimension_reaches_only_what_is_narrower_than_the_harness_at_hand(tmp_path: Path, files: Tree) -> None:
    space = space_of(tmp_path, NARROW)
    now = space.read(files)
    assert now == {"flags.careful": False, "permission.grep": "allow", "permission.fetch": "ask"}
    assert space.allowed("permission.fetch", now) == Choice(("ask", "deny"))
    assert space.allowed("permission.grep", now) == Choice(("allow", "ask", "deny"))
    denied = space.edit(files, {"permission.fetch": "deny", "permission.grep": "ask"}).apply(files)
    assert b'fetch = "deny"\ngrep = "ask"' in denied["harness.toml"]
    assert b"# keys" in denied["harness.toml"]
    space.check(files, denied)
    assert space.allowed("permission.fetch", space.read(denied)) == Choice(("deny",))
    with pytest.raises(InvalidEdit, match=r"permission\.fetch: got 'allow', expected 'ask' or stricter.*widen = true"):
        space.edit(files, {"permission.fetch": "allow"})
    with pytest.raises(
        InvalidEdit, match=r"permissions\.tools\.fetch: got 'fetch: ask' gone or narrowed.*widen = true"
    ):
        space.check(files, replaced(files, 'fetch = "ask"\n', ""))
    with pytest.raises(InvalidEdit, match=r"permissions\.tools\.fetch: got 'fetch: deny' gone"):
        space.check(denied, files)


def test_widen_opens_the_named_tools_and_no_other(tmp_path: Path, files: Tree) -> None:
    space = space_of(tmp_path, WIDEN)
    allowed = space.edit(files, {"permission.fetch": "allow"}).apply(files)
    assert b"fetch" not in allowed["harness.toml"]
    space.check(files, allowed)
    strict = replaced(files, 'default = "allow"', 'default = "deny"')
    opened = space.edit(strict, {"permission.grep": "allow"}).apply(strict)
    assert b'grep = "allow"' in opened["harness.toml"]
    space.check(strict, opened)
    with pytest.raises(InvalidEdit, match="opens only"):
        space.check(strict, replaced(strict, 'fetch = "ask"', 'write = "allow"'))


def test_a_file_open_to_free_text_may_narrow_but_not_widen(tmp_path: Path, files: Tree) -> None:
    space = space_of(tmp_path, OPEN)
    for old, new in [
        ('"secrets/*"', '"secret*"'),
        ('default = "allow"', 'default = "ask"'),
        ('fetch = "ask"', 'fetch = "deny"'),
        ("# what nobody thought of", "# another comment"),
        ('action = "deny"\n', 'action = "deny"\n\n[[permissions.rules]]\ntool = "run_*"\naction = "ask"\n'),
    ]:
        space.check(files, replaced(files, old, new))
    for old, new, said in [
        ('"secrets/*"', '"secrets/k*"', r"permissions\.rules\[0\]: got '\*, path 'secrets/\*': deny' gone or narrowed"),
        ('action = "deny"', 'action = "allow"', r"permissions\.rules\[0\]"),
        ('fetch = "ask"\n', "", r"permissions\.tools\.fetch"),
        ('argument = "path"', 'argument = "file"', r"permissions\.rules\[0\]"),
    ]:
        with pytest.raises(InvalidEdit, match=said):
            space.check(files, replaced(files, old, new))


def test_a_choice_of_the_default_may_narrow_but_not_widen(tmp_path: Path, files: Tree) -> None:
    text = '[[dimension]]\nkind = "choice"\nkey = "permissions.default"\nvalues = ["allow", "ask", "deny"]\n'
    space = space_of(tmp_path, text)
    asked = space.edit(files, {"permissions.default": "ask"}).apply(files)
    space.check(files, asked)
    with pytest.raises(InvalidEdit, match=r"permissions\.default: got 'allow', expected 'ask' or stricter"):
        space.check(asked, files)


def test_a_wrong_value_names_the_dimension(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidFile, match=r"dimension\[1\].*values\[0\]: got 'never', expected one of allow, ask, deny"
    ):
        space_of(tmp_path, NARROW + 'values = ["never"]\n')
