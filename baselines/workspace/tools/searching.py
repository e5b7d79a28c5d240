"""Tools that search the text of many files, and replace it there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools.inputs import PATTERN, WHERE, compiled, lines_of, looked_at, shown
from search_space.tool_definitions import MAX_ROWS, Definition, Inputs, Parameter, capped, effects
from search_space.tools import ToolError

READS: Final = effects(reads="files:{path}")


def search_files(workspace: Workspace, inputs: Inputs) -> str:
    pattern = compiled(inputs["pattern"], ignore_case=bool(inputs["ignore_case"]))
    around = inputs["context"] or 0
    rows: list[str] = []
    total = 0
    for path, lines in _texts(workspace, inputs["path"]):
        found = [number for number, line in enumerate(lines) if pattern.search(looked_at(line))]
        room = max(0, MAX_ROWS - total)
        rows += _shown(path, lines, found[:room], around)
        total += len(found)
    if total > MAX_ROWS:
        rows.append(f"... {total - MAX_ROWS} more")
    return "\n".join(rows) or f"no line matches {inputs['pattern']}"


def _shown(path: str, lines: list[str], found: list[int], around: int) -> list[str]:
    """The lines found, and those around them, each once: ``path:number: line``, or with dashes for one around."""
    near = {at for number in found for at in range(number - around, number + around + 1) if 0 <= at < len(lines)}
    marks = {at: ":" if at in found else "-" for at in near}
    return [f"{path}{marks[at]}{at + 1}{marks[at]} {shown(lines[at])}" for at in sorted(near)]


def find_text(workspace: Workspace, inputs: Inputs) -> str:
    wanted = _piece(inputs).lower()
    rows = [
        f"{path}:{number}: {shown(line)}"
        for path, lines in _texts(workspace, inputs["path"])
        for number, line in enumerate(lines, 1)
        if wanted in line.lower()
    ]
    return capped(rows) or f"no line holds {inputs['text']}"


def count_matches(workspace: Workspace, inputs: Inputs) -> str:
    pattern = compiled(inputs["pattern"])
    counts = {
        path: sum(len(pattern.findall(looked_at(line))) for line in lines)
        for path, lines in _texts(workspace, inputs["path"])
    }
    rows = [f"{path}: {count}" for path, count in counts.items() if count]
    return f"{sum(counts.values())} matches in {len(rows)} files" + "".join(f"\n{row}" for row in [capped(rows)] if row)


def count_lines_with(workspace: Workspace, inputs: Inputs) -> str:
    wanted = _piece(inputs)
    return f"{sum(wanted in line for _, lines in _texts(workspace, inputs['path']) for line in lines)} lines"


def files_without(workspace: Workspace, inputs: Inputs) -> str:
    pattern = compiled(inputs["pattern"])
    found = [
        path
        for path, lines in _texts(workspace, inputs["path"])
        if not any(pattern.search(looked_at(line)) for line in lines)
    ]
    return capped(found) or f"every text file holds {inputs['pattern']}"


def replace_in_files(workspace: Workspace, inputs: Inputs) -> str:
    old, new = inputs["old"], inputs["new"]
    if not old:
        raise ToolError("empty old text: expected the text to replace")
    pattern = re.compile(rf"\b{re.escape(old)}\b" if inputs["whole_words"] else re.escape(old))
    rows = []
    for path in workspace.walk(inputs["path"] or "."):
        text = _text(workspace, path)
        if text is None:
            continue
        after, count = pattern.subn(lambda _: new, text)
        if count:
            workspace.write_text(path, after)
            rows.append(f"{path}: {count}")
    if not rows:
        raise ToolError(f"no file holds {old!r}; nothing was changed")
    return f"replaced in {len(rows)} files\n" + capped(rows)


def _texts(workspace: Workspace, given: str | None) -> Iterator[tuple[str, list[str]]]:
    """Path and lines of every text file there; what is no text is passed over, unless it is the only one asked for."""
    paths = workspace.walk(given or ".")
    for path in paths:
        text = workspace.text(path) if given and paths == [workspace.clean(given)] else _text(workspace, path)
        if text is not None:
            yield path, lines_of(text)


def _text(workspace: Workspace, path: str) -> str | None:
    try:
        return workspace.text(path)
    except ToolError:
        return None


def _piece(inputs: Inputs) -> str:
    text: str = inputs["text"]
    if not text or "\n" in text:
        raise ToolError("bad text: expected a piece of one line")
    return text


_PIECE: Final = Parameter("text", "A piece of one line, taken literally.")

DEFINITIONS: Final = (
    Definition(
        "search_files",
        "Search the lines of a file, or of every file in a folder, for a regular expression; gives path, line number "
        "and line.",
        (
            PATTERN,
            WHERE,
            Parameter("ignore_case", "Whether capitals and small letters are the same.", "boolean", required=False),
            Parameter(
                "context", "Lines to show before and after each match; 0 when left out.", "integer", False, 0, 20
            ),
        ),
        search_files,
        READS,
    ),
    Definition(
        "count_matches",
        "Count the matches of a regular expression in a file, or in each file of a folder and in all.",
        (PATTERN, WHERE),
        count_matches,
        READS,
    ),
    Definition(
        "files_without",
        "List the text files in which no line matches a regular expression.",
        (PATTERN, WHERE),
        files_without,
        READS,
    ),
    Definition(
        "replace_in_files",
        "Replace a text by another in a file, or in every file of a folder.",
        (
            Parameter("old", "The text to replace, taken literally."),
            Parameter("new", "What to put in its place."),
            WHERE,
            Parameter("whole_words", "Only where it is a word of its own.", "boolean", required=False),
        ),
        replace_in_files,
        effects(reads="files:{path}", writes="files:{path}"),
    ),
    Definition(
        "find_text",
        "Find the lines of files that hold a text, whatever its case; gives path, line number and line.",
        (_PIECE, WHERE),
        find_text,
        READS,
    ),
    Definition(
        "count_lines_with",
        "Count the lines of files that hold a text, each line once.",
        (_PIECE, WHERE),
        count_lines_with,
        READS,
    ),
)
