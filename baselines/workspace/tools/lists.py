"""Tools that keep a to-do list and a journal: plain Markdown files in the workspace, for a person to read as well."""

from __future__ import annotations

import re
from typing import Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools.inputs import lines_of
from search_space.tool_definitions import Definition, Inputs, Parameter, capped, effects
from search_space.tools import ToolError

TODO, JOURNAL = "TODO.md", "JOURNAL.md"
READS_TODO: Final = effects(reads=f"files:{TODO}")
WRITES_TODO: Final = effects(reads=f"files:{TODO}", writes=f"files:{TODO}")
_ITEM: Final = re.compile(r"- \[([ xX])\] (.*)")


def add_todo(workspace: Workspace, inputs: Inputs) -> str:
    lines = _lines(workspace, TODO)
    added = [" ".join(text.split()) for text in inputs["items"]]
    if not added or not all(added):
        raise ToolError("no items: expected at least one, each a line of text")
    workspace.write_text(TODO, "\n".join([*(lines or ["# To do", ""]), *(f"- [ ] {text}" for text in added)]) + "\n")
    return f"added {len(added)}; {_open(_items(workspace))} open"


def list_todos(workspace: Workspace, inputs: Inputs) -> str:
    rows = [
        f"{number}. {'done' if done else 'open'}: {text}"
        for number, (_, done, text) in enumerate(_items(workspace), 1)
        if inputs["done"] or not done
    ]
    return capped(rows) or "nothing to do"


def complete_todo(workspace: Workspace, inputs: Inputs) -> str:
    items, number = _items(workspace), inputs["number"]
    if number > len(items):
        raise ToolError(f"no item {number}: there are {len(items)}; list_todos shows them with their numbers")
    at, done, text = items[number - 1]
    if done:
        raise ToolError(f"item {number} is done already: {text}")
    lines = _lines(workspace, TODO)
    lines[at] = f"- [x] {text}"
    workspace.write_text(TODO, "\n".join(lines) + "\n")
    return f"done: {text}; {_open(items) - 1} open"


def add_journal_entry(workspace: Workspace, inputs: Inputs) -> str:
    heading = " ".join(inputs["heading"].split())
    if not heading or not inputs["text"].strip():
        raise ToolError("expected a heading and a text, neither of them empty")
    lines = _lines(workspace, JOURNAL)
    workspace.write_text(
        JOURNAL, "\n".join([*lines, *[""][: len(lines)], f"## {heading}", "", inputs["text"].strip(), ""])
    )
    return f"entered under {heading}"


def read_journal(workspace: Workspace, inputs: Inputs) -> str:
    text = "\n".join(_lines(workspace, JOURNAL))
    entries = [entry.strip() for entry in re.split(r"^(?=## )", text, flags=re.MULTILINE) if entry.strip()]
    words = (inputs["words"] or "").lower()
    return "\n\n".join(entry for entry in entries if words in entry.lower()) or "no such entry"


def _lines(workspace: Workspace, path: str) -> list[str]:
    return lines_of(workspace.text(path)) if workspace.kind(path) == "file" else []


def _items(workspace: Workspace) -> list[tuple[int, bool, str]]:
    """Line (from 0), whether it is done, and text of every item."""
    matches = [(at, _ITEM.match(line)) for at, line in enumerate(_lines(workspace, TODO))]
    return [(at, match[1] != " ", match[2]) for at, match in matches if match]


def _open(items: list[tuple[int, bool, str]]) -> int:
    return sum(not done for _, done, _ in items)


DEFINITIONS: Final = (
    Definition(
        "add_todo",
        f"Add items to the to-do list ({TODO}).",
        (Parameter("items", "What is to be done, one text for each item.", "strings"),),
        add_todo,
        WRITES_TODO,
    ),
    Definition(
        "list_todos",
        "List the open items of the to-do list with their numbers.",
        (Parameter("done", "Those that are done as well.", "boolean", required=False),),
        list_todos,
        READS_TODO,
    ),
    Definition(
        "complete_todo",
        "Mark an item of the to-do list as done.",
        (Parameter("number", "Its number in list_todos.", "integer", least=1),),
        complete_todo,
        WRITES_TODO,
    ),
    Definition(
        "add_journal_entry",
        f"Write an entry with a heading into the journal ({JOURNAL}): a finding, a decision and its reason.",
        (Parameter("heading", "What it is about."), Parameter("text", "The entry.")),
        add_journal_entry,
        effects(reads=f"files:{JOURNAL}", writes=f"files:{JOURNAL}"),
    ),
    Definition(
        "read_journal",
        "Read the journal, or the entries that hold certain words.",
        (Parameter("words", "Only entries with this in them.", required=False),),
        read_journal,
        effects(reads=f"files:{JOURNAL}"),
    ),
)
