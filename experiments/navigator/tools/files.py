"""Tools that list files and show what is in them."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final

from experiments.navigator.index import Index
from experiments.navigator.tools.define import PATH, WHERE, Definition
from search_space.tool_definitions import Inputs, Parameter, capped
from search_space.tools import ToolError

PREVIEW_LINES: Final = 40


def list_files(index: Index, inputs: Inputs) -> str:
    return "\n".join(index.tree.select(inputs["path"]))


def glob(index: Index, inputs: Inputs) -> str:
    pattern = inputs["pattern"]
    if not pattern.strip():
        raise ToolError("empty pattern: expected a glob such as json/*.py or **/decoder.py")
    match = _glob_regex(pattern.removeprefix("./"))
    found = [path for path in index.tree.files if match.fullmatch(path)]
    if not found:
        raise ToolError(f"no file matches: {pattern}")
    return capped(found)


@lru_cache(maxsize=256)
def _glob_regex(pattern: str) -> re.Pattern[str]:
    """``*`` stays within a folder, ``**/`` is any number of folders."""
    parts = []
    for part in PurePosixPath(pattern).parts:
        if part == "**":
            parts.append("(?:[^/]+/)*")
            continue
        body = fnmatch.translate(part).replace("\\Z", "").replace("\\z", "").replace(".*", "[^/]*")
        parts.append(body + "/")
    return re.compile("".join(parts).removesuffix("/") if parts[-1].endswith("/") else "".join(parts) + "[^/]*")


def read_file(index: Index, inputs: Inputs) -> str:
    path = index.tree.file(inputs["path"])
    last = index.tree.line_count(path)
    start = inputs["start"] if inputs["start"] is not None else 1
    end = min(inputs["end"] if inputs["end"] is not None else last, last)
    if start < 1 or start > end:
        raise ToolError(f"no such lines: {start}-{end}; {path} has {last} lines")
    return _numbered(index, path, start, end)


def preview_file(index: Index, inputs: Inputs) -> str:
    path = index.tree.file(inputs["path"])
    return _numbered(index, path, 1, min(PREVIEW_LINES, index.tree.line_count(path)))


def _numbered(index: Index, path: str, start: int, end: int) -> str:
    return "\n".join(f"{number:5}: {index.tree.line(path, number)}" for number in range(start, end + 1))


def count_lines(index: Index, inputs: Inputs) -> str:
    return capped([f"{path}: {index.tree.line_count(path)} lines" for path in index.tree.select(inputs["path"])])


def find_file(index: Index, inputs: Inputs) -> str:
    text = inputs["name"].lower()
    found = [path for path in index.tree.files if text in PurePosixPath(path).name.lower()]
    if not found:
        raise ToolError(f"no file has this text in its name: {inputs['name']}")
    return capped(found)


DEFINITIONS: Final = (
    Definition("list_files", "List the files in a folder, one path per line.", (WHERE,), list_files),
    Definition(
        "glob",
        "List the files whose path matches a glob pattern such as json/*.py or **/decoder.py.",
        (Parameter("pattern", "A glob pattern; ** stands for any number of folders."),),
        glob,
    ),
    Definition(
        "read_file",
        "Read the lines of a file with their line numbers, from a start line to an end line or the whole file.",
        (
            PATH,
            Parameter("start", "First line to read, counted from 1.", "integer", required=False),
            Parameter("end", "Last line to read.", "integer", required=False),
        ),
        read_file,
    ),
    Definition("count_lines", "Count the lines of a file, or of each file in a folder.", (PATH,), count_lines),
    Definition("preview_file", "Read the first 40 lines of a file with their line numbers.", (PATH,), preview_file),
    Definition(
        "find_file",
        "Find files by name: lists the paths whose file name contains the text.",
        (Parameter("name", "Text in the file's name, such as decoder."),),
        find_file,
    ),
)
