"""The source tree as the tools see it: a read-only view, held in memory, of the Python files under a root.

Reading everything once and answering from memory makes a path outside the root unreachable: no tool opens a file.
"""

from __future__ import annotations

import io
import os
import posixpath
import sysconfig
import tokenize
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from search_space.tools import ToolError

SKIPPED_FOLDERS: Final = frozenset(
    {
        "test",
        "tests",
        "idle_test",
        "site-packages",
        "dist-packages",
        "lib2to3",
        "__pycache__",
        "turtledemo",
        "idlelib",
        "node_modules",
    }
)
"""Folders left out: tests (their names repeat what they test), other people's packages, what newer Pythons drop."""


def standard_library() -> Path:
    """The folder of the running Python's standard library."""
    return Path(sysconfig.get_path("stdlib"))


class SourceTree:
    """The ``*.py`` files under ``root``; paths are posix and relative to it, lines counted from 1.

    Hidden folders, :data:`SKIPPED_FOLDERS` and links that lead out of ``root`` are left out; links to folders are not
    followed at all. Raises :class:`FileNotFoundError` when ``root`` is no folder.
    """

    def __init__(self, root: Path) -> None:
        self.root: Final = root.resolve()
        if not self.root.is_dir():
            raise FileNotFoundError(f"no such folder: {root}")
        self._texts: Final = {path: _read(self.root / path) for path in sorted(_python_files(self.root))}
        self._starts: Final = {path: _line_starts(text) for path, text in self._texts.items()}
        self.files: Final = tuple(self._texts)

    def text(self, path: str) -> str:
        """The whole file, its line ends as ``\\n``."""
        return self._texts[path]

    def starts(self, path: str) -> array[int]:
        """The offset in :meth:`text` of each line's first character."""
        return self._starts[path]

    def line_count(self, path: str) -> int:
        return len(self._starts[path])

    def line(self, path: str, number: int) -> str:
        """One line without its line end."""
        starts = self._starts[path]
        end = starts[number] - 1 if number < len(starts) else None
        return self._texts[path][starts[number - 1] : end].removesuffix("\n")

    def lines(self, path: str, start: int, end: int) -> str:
        """The lines from ``start`` to ``end``, both included."""
        starts = self._starts[path]
        return self._texts[path][starts[start - 1] : starts[end] if end < len(starts) else None]

    def file(self, path: str) -> str:
        """``path`` in the tree's own spelling; raises :class:`ToolError` unless it is a file of the tree."""
        clean = _inside(path)
        if clean in self._texts:
            return clean
        if self._below(clean):
            raise ToolError(f"not a file but a folder: {path}")
        raise ToolError(self._missing(path))

    def select(self, path: str | None) -> tuple[str, ...]:
        """The files that ``path`` stands for: a file, a folder, or (empty, ``.`` or None) the whole tree."""
        clean = _inside(path or "")
        if not clean:
            return self.files
        found = (clean,) if clean in self._texts else self._below(clean)
        if not found:
            raise ToolError(self._missing(path or ""))
        return found

    def _below(self, folder: str) -> tuple[str, ...]:
        return tuple(path for path in self.files if path.startswith(f"{folder}/")) if folder else self.files

    def _missing(self, path: str) -> str:
        """What is wrong, and the likely right path when a dotted module name was given."""
        parts = path.replace(".", "/")
        for guess in (f"{parts}.py", f"{parts}/__init__.py"):
            if guess in self._texts:
                return f"no such file: {path} (the module's file is {guess})"
        return f"no such file: {path}"


def _inside(path: str) -> str:
    """``path`` without dots and slashes at its ends; raises :class:`ToolError` when it leaves the tree."""
    clean = posixpath.normpath(path.strip()) if path.strip() else "."
    if clean == ".." or clean.startswith(("/", "~", "../")) or "\0" in clean:
        raise ToolError(f"outside the source tree: {path}")
    return "" if clean == "." else clean


def _python_files(root: Path) -> Iterator[str]:
    for folder, subfolders, names in os.walk(root, followlinks=False):
        subfolders[:] = [name for name in subfolders if name not in SKIPPED_FOLDERS and not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if name.endswith(".py") and not name.startswith(".") and (not path.is_symlink() or _stays(path, root)):
                yield path.relative_to(root).as_posix()


def _stays(link: Path, root: Path) -> bool:
    return link.is_file() and link.resolve().is_relative_to(root)


def _read(path: Path) -> str:
    """The file as Python reads it (its own encoding declaration); as latin-1 where that fails, so that nothing is "
    "lost."""
    content = path.read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _line_starts(text: str) -> array[int]:
    starts = array("I", [0] if text else [])
    position = text.find("\n")
    while -1 < position < len(text) - 1:
        starts.append(position + 1)
        position = text.find("\n", position + 1)
    return starts
