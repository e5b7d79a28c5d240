"""Spaces over files that people already have: keys of YAML and JSON, constants of Python, front matter of Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_space.edits import Diff
from search_space.errors import InvalidEdit, InvalidFile
from search_space.space import Space
from tests.search_space.conftest import space_from

FILES = {
    "agent.yaml": b"# ours\nagent:\n  steps: 40  # many\n  tools:\n    - grep\n    - run\n",
    "settings.json": b'{\n  "model": "opus",\n  "plan": false\n}\n',
    "train.py": b"# head\nDEPTH = 4  # layers\nRATE = 3e-4\nKIND = 'relu'\nOTHER = 1\n\nprint(DEPTH)\n",
    "reviewer.md": b"---\nname: reviewer\nmodel: opus\n---\nYou review.\n\n# Rules\n\n- Be kind.\n- Be short.\n",
}
SPACE = """
[[dimension]]
kind = "int"
file = "agent.yaml"
key = "agent.steps"
low = 10
high = 80

[[dimension]]
kind = "member"
file = "agent.yaml"
key = "agent.tools"
member = "run"

[[dimension]]
kind = "choice"
file = "settings.json"
key = "model"
values = ["opus", "sonnet"]

[[dimension]]
kind = "flag"
file = "settings.json"
key = "plan"

[[dimension]]
kind = "int"
file = "train.py"
key = "DEPTH"
low = 2
high = 16

[[dimension]]
kind = "float"
file = "train.py"
key = "RATE"
low = 1e-5
high = 1e-2
log = true

[[dimension]]
kind = "choice"
name = "reviewer.model"
file = "reviewer.md"
key = "model"
values = ["opus", "sonnet"]

[[dimension]]
kind = "sentence"
name = "reviewer.kind"
file = "reviewer.md"
section = "Rules"
text = "Be kind."
"""
PRESENT = {
    "agent.steps": 40,
    "agent.tools.run": True,
    "model": "opus",
    "plan": False,
    "DEPTH": 4,
    "RATE": 3e-4,
    "reviewer.model": "opus",
    "reviewer.kind": "in",
}


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return space_from(tmp_path, SPACE)


def test_every_format_is_read(space: Space) -> None:
    assert space.read(FILES) == PRESENT


@pytest.mark.parametrize(
    ("name", "value", "file", "old", "new"),
    [
        ("agent.steps", 12, "agent.yaml", "40", "12"),
        ("agent.tools.run", False, "agent.yaml", "    - run\n", ""),
        ("model", "sonnet", "settings.json", "opus", "sonnet"),
        ("plan", True, "settings.json", "false", "true"),
        ("DEPTH", 8, "train.py", "DEPTH = 4", "DEPTH = 8"),
        ("RATE", 0.001, "train.py", "3e-4", "0.001"),
        ("reviewer.model", "sonnet", "reviewer.md", "opus", "sonnet"),
        ("reviewer.kind", None, "reviewer.md", "- Be kind.\n", ""),
    ],
)
def test_a_change_is_made_in_place_allowed_and_undone(
    space: Space, name: str, value: object, file: str, old: str, new: str
) -> None:
    edit = space.edit(FILES, {name: value})  # type: ignore[dict-item]
    after = edit.apply(FILES)
    assert after == {**FILES, file: FILES[file].decode().replace(old, new).encode()}
    space.check(FILES, after)
    assert space.read(after) == {**PRESENT, name: value}
    assert edit.invert(FILES).apply(after) == FILES


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("agent.yaml", "grep", "sed", r"agent\.yaml: agent\.tools: got a change of grep, sed"),
        ("agent.yaml", "steps", "step", r"agent\.yaml: agent\.steps: got None .*, expected a whole number"),
        ("agent.yaml", "40", "400", r"agent\.steps: got 400 .*, expected a whole number from 10 to 80"),
        ("agent.yaml", "agent:", "agent: [", "invalid YAML"),
        ("settings.json", '"opus"', '"haiku"', "model: got 'haiku', expected one of 'opus', 'sonnet'"),
        ("settings.json", "}", ', "x": 1}', r"settings\.json: x: got 1 .*, but the space opens only"),
        (
            "train.py",
            "OTHER = 1",
            "OTHER = 2",
            "line 5: got 'OTHER = 2' for 'OTHER = 1', but the space opens only DEPTH, RATE",
        ),
        ("train.py", "print(DEPTH)", "print(1)", r"train\.py: line 7: got 'print\(1\)' for 'print\(DEPTH\)'"),
        (
            "train.py",
            "# layers",
            "# more",
            r"line 2: got 'DEPTH = <DEPTH>  # more' for 'DEPTH = <DEPTH>  # layers', but",
        ),
        ("train.py", "4 ", "4; import os ", r"train\.py: line 2"),
        ("train.py", "DEPTH = 4", "DEPTH = pick()", r"train\.py: DEPTH: got no literal in line 2"),
        ("train.py", "DEPTH = 4  # layers\n", "", r"train\.py: DEPTH: got no such constant"),
        ("train.py", "OTHER = 1", "DEPTH = 1", r"DEPTH: got it assigned 2 times \(lines 2, 5\)"),
        ("train.py", "print(DEPTH)", "print(", "invalid Python"),
        ("reviewer.md", "name: reviewer", "name: boss", r"reviewer\.md: name: got 'boss'"),
        ("reviewer.md", "You review.", "You rest.", "You rest"),
        ("reviewer.md", "Be short.", "Be long.", "Be long"),
        ("reviewer.md", "model: opus\n---\n", "---\nmodel: opus\n", "reviewer.md"),
    ],
)
def test_what_is_not_open_stays(space: Space, file: str, old: str, new: str, why: str) -> None:
    assert old.encode() in FILES[file]
    after = {**FILES, file: FILES[file].replace(old.encode(), new.encode(), 1)}
    with pytest.raises(InvalidEdit, match=why):
        space.check(FILES, after)


def test_a_free_diff_is_judged_by_the_same_rule(space: Space) -> None:
    text = "--- a/train.py\n+++ b/train.py\n@@ -2,2 +2,2 @@\n-DEPTH = 4  # layers\n+DEPTH = 8  # layers\n RATE = 3e-4\n"
    space.check(FILES, Diff(text=text).apply(FILES))
    with pytest.raises(InvalidEdit, match="line 2"):
        space.check(FILES, Diff(text=text.replace("8  #", "8 #")).apply(FILES))


def test_front_matter_that_no_key_opens_stays(tmp_path: Path) -> None:
    space = space_from(tmp_path, SPACE[SPACE.index('[[dimension]]\nkind = "sentence"') :])
    after = {**FILES, "reviewer.md": FILES["reviewer.md"].replace(b"opus", b"sonnet")}
    with pytest.raises(InvalidEdit, match=r"reviewer\.md: got its front matter changed"):
        space.check(FILES, after)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('file = "notes.txt"', r"dimension\[0\] \(x\)\.file: got 'notes\.txt', expected a file with keys"),
        ('file = "../a.yaml"', "expected a relative path"),
    ],
)
def test_a_file_without_keys_is_refused_when_the_space_is_loaded(tmp_path: Path, more: str, why: str) -> None:
    with pytest.raises(InvalidFile, match=why):
        space_from(tmp_path, f'[[dimension]]\nkind = "flag"\nkey = "x"\n{more}\n')
