"""The one road to a workspace's files: keeps every path inside, reports what a call reads, holds back what it writes.

Paths are relative to the workspace, with ``/`` between their parts. Whatever leads out of it is refused, and so is
every symbolic link: no tool follows one. The repository ``.git`` may be read, not written.

Within a call (:func:`search_space.calls.running`) nothing is written until the call is committed. The call itself sees
what it has written so far; no other call does. Outside a call every write happens at once.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from baselines.workspace.view import GIT, Kind, Put, View
from search_space.calls import current_call
from search_space.tools import ToolError, resource

FILES: Final = "files"
MAX_BYTES: Final = 8_000_000
"""Of one file that is read or written."""
MAX_PATH: Final = 1_000
MAX_DEPTH: Final = 50


class Workspace:
    """The files below ``root``, which is there. ``latency_s`` is slept at each access, as a slow disk would."""

    def __init__(self, root: Path, *, latency_s: float = 0.0, processes: bool = False) -> None:
        """``processes`` says whether tools may start processes here."""
        self.root = Path(os.path.realpath(root))
        self.processes = processes
        self._latency_s = latency_s
        self._view = View(self.root)

    def clean(self, given: str) -> str:
        """The path in normal form, ``.`` for the workspace itself. Raises ToolError for one that leads outside."""
        if "\0" in given or not _encodable(given):
            raise ToolError(f"{given[:80]!r} cannot be a path: it holds a character that no file name can hold")
        if len(given) > MAX_PATH or given.count("/") > MAX_DEPTH:
            raise ToolError(f"{given[:60]}...: too long; at most {MAX_PATH} characters and {MAX_DEPTH} folders")
        if given.startswith(("/", "~")):
            raise ToolError(f"{given}: paths are relative to the workspace, such as src/main.py; this one is absolute")
        if ".." in given.split("/"):
            raise ToolError(f"{given}: paths stay inside the workspace; write it without '..'")
        path = os.path.normpath(given or ".")
        above = self.root
        for part in Path(path).parts:
            above = above / part
            if len(part) < 256 and above.is_symlink():
                raise ToolError(f"{path}: {part} is a symbolic link, and links are not followed")
        return path

    def kind(self, given: str) -> Kind:
        """What is there."""
        return self._view.kind(self._reading(given))

    def read(self, given: str) -> bytes:
        """A file's content. Raises ToolError when there is none, or it is larger than :data:`MAX_BYTES`."""
        path = self._file(given)
        size = self._view.size(path)
        if size > MAX_BYTES:
            raise ToolError(f"{path} is too large to read: {size:,} bytes, at most {MAX_BYTES:,}")
        return self._view.content(path)

    def text(self, given: str) -> str:
        """A file's text, its line ends as they are. Raises ToolError when it is not UTF-8 text."""
        return decoded(self.read(given), given)

    def size(self, given: str) -> int:
        """The bytes of a file."""
        return self._view.size(self._file(given))

    def names(self, given: str) -> list[str]:
        """What is in a folder, sorted; folders end with ``/``. Raises ToolError when there is none."""
        path = self._reading(given)
        kind = self._view.kind(path)
        if kind != "folder":
            raise ToolError(_missing(path) if kind == "nothing" else f"{path} is a file, not a folder")
        return self._view.names(path)

    def walk(self, given: str) -> list[str]:
        """Every file beneath a folder, sorted; the file itself for a file. Links, special files and ``.git`` are left
        out. Raises ToolError when there is nothing, or there are too many files."""
        path = self._reading(given)
        kind = self._view.kind(path)
        if kind == "nothing":
            raise ToolError(_missing(path))
        return self._view.files(path) if kind == "folder" else [path]

    def write(self, given: str, content: bytes) -> None:
        """Write a file, making the folders it needs."""
        path = self._writing(given)
        if len(content) > MAX_BYTES:
            raise ToolError(f"{path}: too large to write: {len(content):,} bytes, at most {MAX_BYTES:,}")
        if self._view.kind(path) == "folder":
            raise ToolError(f"{path} is a folder; give the path of a file")
        self._make_room(path)
        self._hand_over(path, content, lambda: _put(self.root / path, content))

    def write_text(self, given: str, text: str) -> None:
        """Write a text as UTF-8."""
        try:
            self.write(given, text.encode())
        except UnicodeEncodeError as error:
            raise ToolError(f"the text cannot be written as UTF-8: {error.reason} at {error.start}") from None

    def make_folder(self, given: str) -> None:
        """Make a folder, and those it stands in."""
        path = self._writing(given)
        self._make_room(path)
        self._hand_over(path, "folder", lambda: (self.root / path).mkdir(parents=True, exist_ok=True))

    def remove(self, given: str) -> None:
        """Remove a file, or a folder with all in it. Raises ToolError when there is nothing."""
        path = self._writing(given)
        if self._view.kind(path) == "nothing":
            raise ToolError(_missing(path))
        self._hand_over(path, None, lambda: _remove(self.root / path))

    def move(self, source: str, target: str) -> None:
        """Move a file or a folder to where nothing is. Raises ToolError when it cannot be."""
        old, new = self._writing(source), self._writing(target)
        self._put_copy(old, new)
        self._hand_over(old, None, lambda: None)
        current_call().write(resource(FILES, new), lambda: _move(self.root / old, self.root / new))

    def copy(self, source: str, target: str) -> None:
        """Copy a file or a folder to where nothing is. Raises ToolError when it cannot be."""
        old, new = self._reading(source), self._writing(target)
        self._put_copy(old, new)
        current_call().write(resource(FILES, new), lambda: _copy(self.root / old, self.root / new))

    def reads_all(self) -> None:
        """Tell the running call that it reads every file, as a process may."""
        self._access()
        current_call().read(FILES)

    def writes_all(self) -> None:
        """Tell the running call that it may have written any file, as a process does at once."""
        self.reads_all()
        current_call().write(FILES, lambda: None)

    def _file(self, given: str) -> str:
        path = self._reading(given)
        kind = self._view.kind(path)
        if kind == "folder":
            raise ToolError(f"{path} is a folder; list_folder shows what is in it")
        if kind != "file":
            raise ToolError(_missing(path) if kind == "nothing" else f"{path} is a special file, no plain one")
        return path

    def _reading(self, given: str) -> str:
        path = self.clean(given)
        self._access()
        current_call().read(resource(FILES, path))
        return path

    def _writing(self, given: str) -> str:
        path = self._reading(given)
        if path == ".":
            raise ToolError("the workspace itself cannot be written, moved or deleted; give a path in it")
        if GIT in path.split("/"):
            raise ToolError(f"{path}: the git repository is for reading only")
        return path

    def _hand_over(self, path: str, value: Put, carry_out: Callable[[], None]) -> None:
        self._view.put(path, value)
        current_call().write(resource(FILES, path), carry_out)

    def _put_copy(self, old: str, new: str) -> None:
        if self._view.kind(old) == "nothing":
            raise ToolError(_missing(old))
        if f"{new}/".startswith(f"{old}/") or old == ".":
            raise ToolError(f"{old} cannot be put into itself")
        if self._view.kind(new) != "nothing":
            raise ToolError(f"{new} is already there; delete it first or choose another name")
        self._make_room(new)
        self._view.put_copy(old, new)

    def _make_room(self, path: str) -> None:
        """Every folder above ``path`` is there or can be made."""
        while path := path.rpartition("/")[0]:
            if self._view.kind(path) not in ("folder", "nothing"):
                raise ToolError(f"{path} is a file, so nothing can be put beneath it")

    def _access(self) -> None:
        if self._latency_s:
            time.sleep(self._latency_s)


def _missing(path: str) -> str:
    # What else is there is not said: it may be another call's doing, and this one has not declared that it reads it.
    return f"no such file or folder: {path}; list_folder and find_files show what is there"


def decoded(content: bytes, path: str) -> str:
    """A file's bytes as text. Raises ToolError for what is no UTF-8 text; ``path`` is how it calls the file."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ToolError(f"{path} is no UTF-8 text (byte {error.start:,} of {len(content):,}): a binary file?") from None
    if "\0" in text:
        raise ToolError(f"{path} is a binary file; file_info and hash_file work on it")
    return text


def _encodable(path: str) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _move(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    old.rename(new)


def _copy(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    if old.is_dir():
        shutil.copytree(old, new, symlinks=True)
    else:
        shutil.copy(old, new)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
