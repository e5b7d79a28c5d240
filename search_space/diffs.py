"""Unified diffs over a tree of text files: make, apply strictly, reverse.

Strict means: every context and removed line stands exactly where the hunk says, nothing is searched for (unless it is
said that the text around may have changed), nothing is ignored. ``a/`` and ``b/`` prefixes and git's extended headers
for new and deleted files are understood; renames, mode changes and binary patches are refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from search_space.errors import InvalidEdit

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
NO_NEWLINE = "\\ No newline at end of file"
REFUSED = ("rename ", "copy ", "similarity ", "old mode", "new mode", "GIT binary patch", "Binary files")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines from ``start`` (1-based, in the old file) with their sign (`` ``, ``-``, ``+``) and line end."""

    start: int
    lines: tuple[tuple[str, str], ...]

    def side(self, sign: str) -> list[str]:
        """The old (``-``) or the new (``+``) side."""
        return [text for mark, text in self.lines if mark in (" ", sign)]


@dataclass(slots=True)
class FileDiff:
    """The hunks of one file. ``old`` is None for a new file, ``new`` for a deleted one."""

    old: str | None
    new: str | None
    hunks: list[Hunk] = field(default_factory=list)

    @property
    def path(self) -> str:
        return self.new or self.old or ""


def apply_diff(files: Mapping[str, bytes], text: str, *, moved: bool = False) -> dict[str, bytes]:
    """``files`` with the diff applied; raises :class:`InvalidEdit` that names file and hunk when it does not apply.

    ``moved``: lines may have come or gone above. A hunk that does not stand where it says goes where its lines stand,
    all of them and in one place only."""
    result = dict(files)
    for part in parse_diff(text):
        if part.old is None:
            if part.path in result:
                raise InvalidEdit(f"{part.path}: got a diff that creates this file, but it is already there")
            before = ""
        else:
            before = read_text(result, part.old)
        after = _apply_hunks(part, before, moved)
        if part.new is not None:
            result[part.new] = encode(after, part.new)
        elif after:
            raise InvalidEdit(f"{part.path}: got a diff that deletes the file but not all of its lines")
        else:
            del result[part.path]
    return result


def make_diff(before: Mapping[str, bytes], after: Mapping[str, bytes], *, context: int = 3) -> str:
    """The unified diff from one tree to another, files in sorted order; empty when the trees are the same.

    Raises :class:`InvalidEdit` when a file that differs is not UTF-8 text.
    """
    parts: list[str] = []
    for path in sorted({*before, *after}):
        if before.get(path) == after.get(path):
            continue
        old = split_lines(read_text(before, path)) if path in before else []
        new = split_lines(read_text(after, path)) if path in after else []
        parts.append(f"diff --git a/{path} b/{path}\n")
        if path not in before:
            parts.append("new file mode 100644\n")
        if path not in after:
            parts.append("deleted file mode 100644\n")
        from_name = f"a/{path}" if path in before else "/dev/null"
        to_name = f"b/{path}" if path in after else "/dev/null"
        for line in difflib.unified_diff(old, new, from_name, to_name, n=context):
            parts.append(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}\n")
    return "".join(parts)


def reverse_diff(text: str) -> str:
    """The diff that undoes ``text``."""
    parts: list[str] = []
    for part in reversed(parse_diff(text)):
        parts.append(f"diff --git a/{part.path} b/{part.path}\n")
        if part.new is None:
            parts.append("new file mode 100644\n")
        if part.old is None:
            parts.append("deleted file mode 100644\n")
        if part.hunks:
            parts.append(f"--- a/{part.new}\n" if part.new is not None else "--- /dev/null\n")
            parts.append(f"+++ b/{part.old}\n" if part.old is not None else "+++ /dev/null\n")
        shift = 0
        for hunk in part.hunks:
            parts.append(_reversed_hunk(hunk, shift))
            shift += len(hunk.side("+")) - len(hunk.side("-"))
    return "".join(parts)


def parse_diff(text: str) -> list[FileDiff]:
    """The files of a unified diff; raises :class:`InvalidEdit` when it is not one."""
    lines = split_lines(text if text.endswith("\n") else text + "\n")
    found: list[FileDiff] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(REFUSED):
            raise InvalidEdit(f"diff, line {at + 1}: got {line.strip()!r}, expected only changes of text")
        if line.startswith("diff --git "):
            part, at = _git_header(lines, at)
            found.append(part)
        elif line.startswith("--- "):
            part, at = _file_header(lines, at, found[-1] if found and not found[-1].hunks else None)
            if not found or found[-1] is not part:
                found.append(part)
        elif line.startswith("@@"):
            if not found:
                raise InvalidEdit(f"diff, line {at + 1}: got a hunk before any '--- a/file' and '+++ b/file' lines")
            hunk, at = _hunk(lines, at)
            found[-1].hunks.append(hunk)
        elif not line.strip() or line.startswith("index "):
            at += 1
        else:
            raise InvalidEdit(
                f"diff, line {at + 1}: got {line.strip()[:60]!r}, expected a unified diff's header or hunk"
            )
    if not found:
        raise InvalidEdit("diff: got no file, expected '--- a/file', '+++ b/file' and at least one '@@' hunk")
    for part in found:
        if not part.hunks and part.old is not None and part.new is not None:
            raise InvalidEdit(f"diff: got no hunk for {part.path}, expected at least one '@@' hunk")
    return found


def read_text(files: Mapping[str, bytes], path: str) -> str:
    """A file's text; raises :class:`InvalidEdit` when it is missing or not UTF-8."""
    if path not in files:
        near = difflib.get_close_matches(path, files, n=1)
        raise InvalidEdit(
            f"{path}: got an edit of a file that is not there" + (f", nearest: {near[0]}" if near else "")
        )
    try:
        return files[path].decode()
    except UnicodeDecodeError as error:
        raise InvalidEdit(f"{path}: got bytes that are not UTF-8 (at {error.start}), expected a text file") from None


def encode(text: str, path: str) -> bytes:
    """The text as UTF-8; raises :class:`InvalidEdit` for half a surrogate pair, which JSON can smuggle in."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidEdit(f"{path}: got {text[error.start]!r}, which is no Unicode character") from None


def split_lines(text: str) -> list[str]:
    """Lines with their ends, split at line feeds only."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def check_path(path: str) -> str:
    """``path`` itself when it is relative, posix and stays inside the tree; raises :class:`InvalidEdit` otherwise."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or ".." in parts or str(PurePosixPath(path)) != path:
        raise InvalidEdit(
            f"got the path {path!r}, expected a relative path inside the harness such as 'prompts/system.md'"
        )
    return path


def _apply_hunks(part: FileDiff, before: str, moved: bool) -> str:
    lines = split_lines(before)
    result: list[str] = []
    at = 0
    for number, hunk in enumerate(part.hunks, 1):
        old = hunk.side("-")
        start = hunk.start - 1 if old else hunk.start
        if moved and old and lines[start : start + len(old)] != old:
            places = [place for place in range(at, len(lines)) if lines[place : place + len(old)] == old]
            start = places[0] if len(places) == 1 else start
        if start < at or start > len(lines):
            raise InvalidEdit(
                f"{part.path}: hunk {number}: got line {hunk.start}, expected a line after the last hunk's"
            )
        for offset, expected in enumerate(old):
            got = lines[start + offset] if start + offset < len(lines) else "the end of the file"
            if got != expected:
                where = f"{part.path}: hunk {number}, line {start + offset + 1}"
                raise InvalidEdit(f"{where}: got {got!r}, expected {expected!r} as the diff says")
        result += lines[at:start] + hunk.side("+")
        at = start + len(old)
    joined = result + lines[at:]
    if any(not line.endswith("\n") for line in joined[:-1]):
        raise InvalidEdit(f"{part.path}: got '{NO_NEWLINE}' before the last line")
    return "".join(joined)


def _reversed_hunk(hunk: Hunk, shift: int) -> str:
    """The hunk that undoes ``hunk``; ``shift`` is by how many lines the hunks before it made the file longer."""
    old, new = hunk.side("-"), hunk.side("+")
    above = hunk.start - 1 if old else hunk.start
    first = above + shift + (1 if new else 0)
    lines = [f"@@ -{first},{len(new)} +{hunk.start},{len(old)} @@\n"]
    swap = {"+": "-", "-": "+", " ": " "}
    for mark, text in hunk.lines:
        lines.append(swap[mark] + (text if text.endswith("\n") else f"{text}\n{NO_NEWLINE}\n"))
    return "".join(lines)


def _git_header(lines: list[str], at: int) -> tuple[FileDiff, int]:
    """``diff --git a/x b/x`` and the extended header lines after it."""
    match = re.match(r"diff --git a/(.+) b/(.+)\n?\Z", lines[at])
    if not match or match[1] != match[2]:
        raise InvalidEdit(f"diff, line {at + 1}: got {lines[at].strip()!r}, expected 'diff --git a/file b/file'")
    path = check_path(match[1])
    part = FileDiff(path, path)
    at += 1
    while at < len(lines) and lines[at].startswith(("new file mode", "deleted file mode", "index ")):
        if lines[at].startswith("new file mode"):
            part.old = None
        if lines[at].startswith("deleted file mode"):
            part.new = None
        at += 1
    return part, at


def _file_header(lines: list[str], at: int, part: FileDiff | None) -> tuple[FileDiff, int]:
    """``--- a/x`` and ``+++ b/x``; ``part`` is the file whose git header stands just before, if any."""
    if at + 1 >= len(lines) or not lines[at + 1].startswith("+++ "):
        raise InvalidEdit(f"diff, line {at + 2}: got no '+++ b/file' after '--- a/file'")
    old, new = _name(lines[at], "a/"), _name(lines[at + 1], "b/")
    if (old is None and new is None) or (old is not None and new is not None and old != new):
        raise InvalidEdit(
            f"diff, line {at + 1}: got {old} -> {new}, expected one file's old and new name to be the same"
        )
    if part is not None:
        if (part.path, part.old is None, part.new is None) != (new or old, old is None, new is None):
            raise InvalidEdit(
                f"diff, line {at + 1}: got {old} -> {new}, expected {part.path} as its 'diff --git' line says"
            )
        return part, at + 2
    return FileDiff(old, new), at + 2


def _name(line: str, prefix: str) -> str | None:
    name = line[4:].rstrip("\r\n").split("\t")[0]
    return None if name == "/dev/null" else check_path(name.removeprefix(prefix))


def _hunk(lines: list[str], at: int) -> tuple[Hunk, int]:
    header = HUNK.match(lines[at])
    if not header:
        raise InvalidEdit(f"diff, line {at + 1}: got {lines[at].strip()!r}, expected '@@ -line,count +line,count @@'")
    start = int(header[1])
    left = {"-": int(header[2] or 1), "+": int(header[4] or 1)}
    body: list[tuple[str, str]] = []
    first, at = at + 1, at + 1
    while left["-"] > 0 or left["+"] > 0 or (at < len(lines) and lines[at].startswith("\\")):
        line = lines[at] if at < len(lines) else ""
        if line.startswith("\\") and body:
            body[-1] = (body[-1][0], body[-1][1].removesuffix("\n"))
            at += 1
            continue
        mark = " " if line in ("\n", "\r\n") else line[:1]
        if mark not in ("+", "-", " "):
            raise InvalidEdit(
                f"diff, line {at + 1}: got {line.strip()[:60]!r}, expected a hunk of the length of line {first}"
            )
        for side in "-+" if mark == " " else mark:
            left[side] -= 1
        body.append((mark, line[1:] if line[:1] == mark else line))
        at += 1
    if left["-"] < 0 or left["+"] < 0:
        raise InvalidEdit(f"diff, line {first}: got a hunk longer than its header says")
    return Hunk(start, tuple(body)), at


def count_lines(text: str) -> tuple[int, int]:
    """How many lines a diff adds and removes."""
    marks = [mark for part in parse_diff(text) for hunk in part.hunks for mark, _ in hunk.lines]
    return marks.count("+"), marks.count("-")
