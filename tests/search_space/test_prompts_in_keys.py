"""Slots of a prompt that stands at a key of a file: an agent's YAML with its templates, a constant of code."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_space.edits import AddItem
from search_space.errors import InvalidEdit
from search_space.space import Space
from tests.search_space.conftest import space_from

AGENT = """\
# ours
agent:
  template: |
    You solve: {{task}}

    # Rules

    - Look first.
    - Test it.

    ```
    echo '- no item'
    ```
  steps: 5  # few
"""
CODE = 'PROMPT = """\\\nYou answer.\n\n# Rules\n\n- Be short.\n"""\nprint(PROMPT)\n'
FILES = {"agent.yaml": AGENT.encode(), "main.py": CODE.encode()}
TABLES = [
    ("sentence", "look", "agent.yaml", "agent.template", 'section = "Rules"\ntext = "Look first."'),
    (
        "sentence",
        "test",
        "agent.yaml",
        "agent.template",
        'section = "Rules"\ntexts = { a = "Test it.", b = "Run the tests." }',
    ),
    ("lead", "first", "agent.yaml", "agent.template", 'section = "Rules"'),
    ("sentence", "task", "agent.yaml", "agent.template", 'text = "You solve: {{task}}"'),
    ("sentence", "short", "main.py", "PROMPT", 'section = "Rules"\ntext = "Be short."'),
]
SPACE = "".join(
    f'[[dimension]]\nkind = "{kind}"\nname = "{name}"\nfile = "{file}"\nkey = "{key}"\n{more}\n'
    for kind, name, file, key, more in TABLES
)
PRESENT = {"look": "in", "test": "a", "first": "look", "task": "in", "short": "in"}


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return space_from(tmp_path, SPACE)


@pytest.mark.parametrize(
    ("changes", "file", "old", "new"),
    [
        ({"look": None}, "agent.yaml", "    - Look first.\n", ""),
        ({"test": "b"}, "agent.yaml", "Test it.", "Run the tests."),
        ({"first": "test"}, "agent.yaml", "    - Look first.\n    - Test it.\n", "    - Test it.\n    - Look first.\n"),
        ({"task": None}, "agent.yaml", "    You solve: {{task}}\n", ""),
        ({"short": None}, "main.py", "- Be short.\n", ""),
    ],
)
def test_items_come_and_go_in_place(
    space: Space, changes: dict[str, str | None], file: str, old: str, new: str
) -> None:
    assert space.read(FILES) == PRESENT
    edit = space.edit(FILES, changes)
    after = edit.apply(FILES)
    space.check(FILES, after)
    if changes == {"short": None}:  # a section goes with its last item
        assert after["main.py"].decode() == CODE.replace("\n# Rules\n\n- Be short.\n", "")
    else:
        assert after[file].decode() == FILES[file].decode().replace(old, new)
    assert {name: value for name, value in space.read(after).items() if name in changes} == changes
    assert edit.invert(FILES).apply(after) == FILES


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("agent.yaml", "Look first", "Look last", r"agent\.yaml: agent\.template: section 'Rules': got the new text"),
        ("agent.yaml", "steps: 5", "steps: 6", r"agent\.yaml: agent\.steps: got 6 .*only agent\.template"),
        ("agent.yaml", "template: |", "template: 3 #|", r"agent\.template: got 3|invalid YAML"),
        ("main.py", "You answer", "You ask", r"main\.py: PROMPT: before the first heading: got the new text"),
        ("main.py", "print", "input", "line 2: got 'input"),
    ],
)
def test_everything_else_of_the_file_and_of_the_text_stays(
    space: Space, file: str, old: str, new: str, why: str
) -> None:
    assert old.encode() in FILES[file]
    with pytest.raises(InvalidEdit, match=why):
        space.check(FILES, {**FILES, file: FILES[file].replace(old.encode(), new.encode(), 1)})


def test_a_key_without_a_text_is_refused_with_what_is_there() -> None:
    with pytest.raises(InvalidEdit, match=r"agent\.yaml: agent\.steps: got 5, expected a text"):
        AddItem(file="agent.yaml", key="agent.steps", section="", text="x").apply(FILES)
    edit = AddItem(file="agent.yaml", key="agent.template", section="Rules", text="Be brief.", position=1)
    assert edit.describe() == "add to 'Rules' in agent.template of agent.yaml: \"Be brief.\""
