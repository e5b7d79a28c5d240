"""Tools that write, change, move and delete files."""

from __future__ import annotations

from typing import Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools.inputs import FILE, lines_of
from search_space.diffs import apply_diff, parse_diff
from search_space.errors import InvalidEdit
from search_space.tool_definitions import Definition, Inputs, Parameter, effects
from search_space.tools import ToolError

WRITES: Final = effects(reads="files:{path}", writes="files:{path}")
MOVES: Final = effects(reads="files:{path} files:{target}", writes="files:{path} files:{target}")
COPIES: Final = effects(reads="files:{path} files:{target}", writes="files:{target}")


def write_file(workspace: Workspace, inputs: Inputs) -> str:
    path, text = inputs["path"], inputs["text"]
    was = workspace.kind(path)
    workspace.write_text(path, text)
    return f"{'replaced' if was == 'file' else 'wrote'} {path}: {len(lines_of(text))} lines"


def append_to_file(workspace: Workspace, inputs: Inputs) -> str:
    path, added = inputs["path"], inputs["text"]
    before = workspace.text(path) if workspace.kind(path) == "file" else ""
    if before and not before.endswith("\n"):
        before += "\n"
    workspace.write_text(path, before + added)
    return f"appended {len(lines_of(added))} lines to {path}"


def insert_lines(workspace: Workspace, inputs: Inputs) -> str:
    path, after = inputs["path"], inputs["after"]
    lines = workspace.text(path).splitlines(keepends=True)
    if after > len(lines):
        raise ToolError(f"no line {after}: {path} has {len(lines)} lines; 0 inserts before the first")
    if after and not lines[after - 1].endswith("\n"):
        lines[after - 1] += "\n"
    workspace.write_text(path, "".join([*lines[:after], _ended(inputs["text"]), *lines[after:]]))
    return f"inserted {len(lines_of(inputs['text']))} lines into {path} after line {after}"


def replace_lines(workspace: Workspace, inputs: Inputs) -> str:
    path, start, end = inputs["path"], inputs["start"], inputs["end"]
    lines = workspace.text(path).splitlines(keepends=True)
    if start > end or end > len(lines):
        raise ToolError(f"no such lines: {start} to {end}; {path} has {len(lines)}")
    new = _ended(inputs["text"]) if inputs["text"] else ""
    workspace.write_text(path, "".join([*lines[: start - 1], new, *lines[end:]]))
    return f"replaced lines {start} to {end} of {path} by {len(lines_of(inputs['text']))} lines"


def replace_text(workspace: Workspace, inputs: Inputs) -> str:
    path, old, new = inputs["path"], inputs["old"], inputs["new"]
    if not old:
        raise ToolError("empty old text: expected the text to replace; insert_lines and append_to_file only add")
    text = workspace.text(path)
    if old not in text and "\r\n" in text:  # the model sees no carriage returns
        old, new = (each.replace("\r\n", "\n").replace("\n", "\r\n") for each in (old, new))
    count = text.count(old)
    if not count:
        raise ToolError(f"{path} does not hold this text; it must match exactly, spaces and line ends included")
    if count > 1 and not inputs["every"]:
        raise ToolError(f"{path} holds this text {count} times; give more of what is around it, or set every to true")
    workspace.write_text(path, text.replace(old, new))
    return f"replaced {count} {'place' if count == 1 else 'places'} in {path}"


def delete_file(workspace: Workspace, inputs: Inputs) -> str:
    path = inputs["path"]
    if workspace.kind(path) == "folder":
        raise ToolError(f"{path} is a folder; delete_folder deletes it with all that is in it")
    workspace.remove(path)
    return f"deleted {path}"


def delete_folder(workspace: Workspace, inputs: Inputs) -> str:
    path = inputs["path"]
    if workspace.kind(path) == "file":
        raise ToolError(f"{path} is a file; delete_file deletes it")
    count = len(workspace.walk(path))
    workspace.remove(path)
    return f"deleted {path} and {count} files in it"


def move_file(workspace: Workspace, inputs: Inputs) -> str:
    workspace.move(inputs["path"], inputs["target"])
    return f"moved {inputs['path']} to {inputs['target']}"


def copy_file(workspace: Workspace, inputs: Inputs) -> str:
    workspace.copy(inputs["path"], inputs["target"])
    return f"copied {inputs['path']} to {inputs['target']}"


def make_folder(workspace: Workspace, inputs: Inputs) -> str:
    path = inputs["path"]
    if (kind := workspace.kind(path)) != "nothing":
        raise ToolError(f"{path} is already there: a {kind}")
    workspace.make_folder(path)
    return f"made {path}"


def apply_patch(workspace: Workspace, inputs: Inputs) -> str:
    patch = inputs["patch"] if inputs["patch"].endswith("\n") else inputs["patch"] + "\n"
    try:
        parts = parse_diff(patch)
        paths = sorted({path for part in parts for path in (part.old, part.new) if path})
        before = {path: workspace.read(path) for path in paths if workspace.kind(path) == "file"}
        after = apply_diff(before, patch)
    except InvalidEdit as error:
        raise ToolError(f"the patch was not applied: {error}") from None
    changed = [path for path in paths if after.get(path) != before.get(path)]
    for path in changed:
        if path in after:
            workspace.write(path, after[path])
        else:
            workspace.remove(path)
    return f"changed {len(changed)} files: {', '.join(changed)}" if changed else "the patch changes nothing"


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


_TEXT: Final = Parameter("text", "The text, with its line breaks.")
_TARGET: Final = Parameter("target", "The new path; nothing may be there yet.")
_ANY: Final = Parameter("path", "A file or folder in the workspace.")

DEFINITIONS: Final = (
    Definition(
        "write_file",
        "Write a text file, new or in place of the old one; the folders it needs are made.",
        (FILE, _TEXT),
        write_file,
        WRITES,
    ),
    Definition(
        "append_to_file",
        "Add a text at the end of a file, on a line of its own; a file that is not there is made.",
        (FILE, _TEXT),
        append_to_file,
        WRITES,
    ),
    Definition(
        "insert_lines",
        "Insert lines into a file after a given line.",
        (FILE, Parameter("after", "The line to insert after; 0 for the beginning.", "integer", least=0), _TEXT),
        insert_lines,
        WRITES,
    ),
    Definition(
        "replace_text",
        "Replace an exact piece of a file's text by another; it must occur once, unless every is true.",
        (
            FILE,
            Parameter("old", "The text to replace, exactly as it stands in the file."),
            Parameter("new", "What to put in its place."),
            Parameter("every", "Replace every place instead of the only one.", "boolean", required=False),
        ),
        replace_text,
        WRITES,
    ),
    Definition(
        "replace_lines",
        "Replace a range of lines of a file by a text; an empty text deletes them.",
        (
            FILE,
            Parameter("start", "First line to replace, counted from 1.", "integer", least=1),
            Parameter("end", "Last line to replace.", "integer", least=1),
            _TEXT,
        ),
        replace_lines,
        WRITES,
    ),
    Definition("delete_file", "Delete one file.", (FILE,), delete_file, WRITES),
    Definition(
        "delete_folder",
        "Delete a folder and everything in it.",
        (Parameter("path", "A folder in the workspace."),),
        delete_folder,
        WRITES,
    ),
    Definition("move_file", "Move or rename a file or folder.", (_ANY, _TARGET), move_file, MOVES),
    Definition("copy_file", "Copy a file or folder.", (_ANY, _TARGET), copy_file, COPIES),
    Definition(
        "make_folder",
        "Make an empty folder, and those it stands in.",
        (Parameter("path", "The folder to make."),),
        make_folder,
        WRITES,
    ),
    Definition(
        "apply_patch",
        "Apply a unified diff to one or several files; every context line must match exactly, or nothing is changed.",
        (Parameter("patch", "The diff, with --- and +++ lines and @@ hunks."),),
        apply_patch,
        effects(reads="files", writes="files"),
    ),
)
