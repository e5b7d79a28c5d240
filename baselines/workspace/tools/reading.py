"""Tools that show what files and folders there are, and what is in them."""

from __future__ import annotations

import difflib
import re
from typing import Final

from baselines.workspace.folder import Workspace, decoded
from baselines.workspace.tools.inputs import FILE, FOLDER, lines_of, numbered
from search_space.tool_definitions import Definition, Inputs, Parameter, capped, effects
from search_space.tools import ToolError

READS: Final = effects(reads="files:{path}")
PREVIEW_LINES: Final = 20
_GLOB_TOKEN: Final = re.compile(r"\*\*/|\*\*|\[!?[^\]/]+\]|.", re.DOTALL)


def read_file(workspace: Workspace, inputs: Inputs) -> str:
    return workspace.text(inputs["path"])


def read_lines(workspace: Workspace, inputs: Inputs) -> str:
    lines = lines_of(workspace.text(inputs["path"]))
    start, end = inputs["start"], min(inputs["end"] or len(lines), len(lines))
    if start > end:
        raise ToolError(f"no such lines: {start} to {inputs['end'] or 'the end'}; {inputs['path']} has {len(lines)}")
    return numbered(lines[start - 1 : end], start)


def head_file(workspace: Workspace, inputs: Inputs) -> str:
    return numbered(lines_of(workspace.text(inputs["path"]))[: inputs["lines"] or PREVIEW_LINES], 1)


def tail_file(workspace: Workspace, inputs: Inputs) -> str:
    lines = lines_of(workspace.text(inputs["path"]))
    first = max(0, len(lines) - (inputs["lines"] or PREVIEW_LINES))
    return numbered(lines[first:], first + 1)


def read_files(workspace: Workspace, inputs: Inputs) -> str:
    if not inputs["paths"]:
        raise ToolError("no paths: expected at least one file")
    return "\n".join(f"== {path}\n{workspace.text(path)}" for path in inputs["paths"])


def list_folder(workspace: Workspace, inputs: Inputs) -> str:
    path = inputs["path"] or "."
    return capped(workspace.names(path)) or f"{path} is empty"


def show_tree(workspace: Workspace, inputs: Inputs) -> str:
    path = inputs["path"] or "."
    rows: list[str] = []
    _branch(workspace, path, inputs["depth"] or 3, "", rows)
    return capped(rows) or f"{path} is empty"


def _branch(workspace: Workspace, folder: str, depth: int, indent: str, rows: list[str]) -> None:
    for name in workspace.names(folder):
        rows.append(indent + name)
        if name.endswith("/") and depth > 1 and name != ".git/":
            _branch(workspace, f"{folder}/{name}", depth - 1, indent + "  ", rows)


def find_files(workspace: Workspace, inputs: Inputs) -> str:
    pattern = inputs["pattern"].strip().removeprefix("./")
    if not pattern:
        raise ToolError("empty pattern: expected a glob such as src/**/*.py or *.md")
    match = _glob(pattern)
    folder = "" if inputs["path"] in (None, "", ".") else workspace.clean(inputs["path"]) + "/"
    found = [path for path in workspace.walk(inputs["path"] or ".") if match.fullmatch(path.removeprefix(folder))]
    return capped(found) if found else f"no file matches {pattern}"


def _glob(pattern: str) -> re.Pattern[str]:
    """``*`` and ``?`` stay within a folder, ``**`` is any number of folders, ``[ab]`` one of its letters."""
    meanings = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = ""
    for token in _GLOB_TOKEN.findall(pattern):
        if len(token) > 1 and token[0] == "[":
            text += "[" + token[1:-1].replace("\\", "\\\\").replace("!", "^", token[1] == "!") + "]"
        else:
            text += meanings.get(token, re.escape(token))
    try:
        return re.compile(text)
    except re.error as error:
        raise ToolError(f"bad glob: {pattern}: {error}") from None


def find_by_name(workspace: Workspace, inputs: Inputs) -> str:
    text = inputs["text"].lower()
    found = [path for path in workspace.walk(inputs["path"] or ".") if text in path.rpartition("/")[2].lower()]
    return capped(found) if found else f"no file has {inputs['text']} in its name"


def file_info(workspace: Workspace, inputs: Inputs) -> str:
    path = workspace.clean(inputs["path"])
    kind = workspace.kind(path)
    if kind == "nothing":
        raise ToolError(f"no such file or folder: {path}")
    if kind == "folder":
        files = workspace.walk(path)
        return f"{path}: folder, {len(files)} files, {sum(map(workspace.size, files)):,} bytes"
    content = workspace.read(path)
    try:
        text = decoded(content, path)
    except ToolError:
        return f"{path}: binary file, {len(content):,} bytes"
    ends = "CRLF" if "\r\n" in text else "LF"
    return f"{path}: text file, {len(content):,} bytes, {len(lines_of(text)):,} lines, line ends {ends}"


def compare_files(workspace: Workspace, inputs: Inputs) -> str:
    one, other = inputs["path"], inputs["other"]
    before, after = lines_of(workspace.text(one)), lines_of(workspace.text(other))
    return "\n".join(difflib.unified_diff(before, after, one, other, lineterm="")) or f"{one} and {other} are equal"


_LINES: Final = Parameter("lines", f"How many lines; {PREVIEW_LINES} when left out.", "integer", False, 1, 5000)

DEFINITIONS: Final = (
    Definition("read_file", "Read a whole text file.", (FILE,), read_file, READS),
    Definition(
        "read_lines",
        "Read some lines of a text file with their line numbers, from a start line to an end line.",
        (
            FILE,
            Parameter("start", "First line to read, counted from 1.", "integer", least=1),
            Parameter("end", "Last line to read; the file's last when left out.", "integer", False, 1),
        ),
        read_lines,
        READS,
    ),
    Definition(
        "head_file", "Read the first lines of a text file, with their numbers.", (FILE, _LINES), head_file, READS
    ),
    Definition(
        "tail_file", "Read the last lines of a text file, with their numbers.", (FILE, _LINES), tail_file, READS
    ),
    Definition(
        "read_files",
        "Read several text files at once, each under a heading with its path.",
        (Parameter("paths", "The files to read.", "strings"),),
        read_files,
        effects(reads="files:{paths}"),
    ),
    Definition(
        "list_folder", "List what is in a folder, one name a line; folders end with /.", (FOLDER,), list_folder, READS
    ),
    Definition(
        "show_tree",
        "Show a folder and the folders in it as an indented tree.",
        (FOLDER, Parameter("depth", "Levels of folders to show; 3 when left out.", "integer", False, 1, 20)),
        show_tree,
        READS,
    ),
    Definition(
        "find_files",
        "Find files whose path matches a glob pattern; * stays within a folder, ** spans folders.",
        (Parameter("pattern", "A glob such as src/**/*.py, relative to the folder searched."), FOLDER),
        find_files,
        READS,
    ),
    Definition(
        "find_by_name",
        "Find files by a piece of their name, whatever its case and wherever they are.",
        (Parameter("text", "A piece of the file's name, such as config."), FOLDER),
        find_by_name,
        READS,
    ),
    Definition(
        "file_info",
        "Tell a file's kind, size in bytes, number of lines and line ends, or how much a folder holds.",
        (Parameter("path", "A file or folder in the workspace."),),
        file_info,
        READS,
    ),
    Definition(
        "compare_files",
        "Compare two text files line by line and show the differences as a unified diff.",
        (FILE, Parameter("other", "The file to compare it with.")),
        compare_files,
        effects(reads="files:{path} files:{other}"),
    ),
)
