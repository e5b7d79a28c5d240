"""The one road to a workspace's files: keeps every path inside, reports what a call reads, holds back what it writes.

Paths are relative to the workspace, with ``/`` between their parts. Whatever leads out of it is refused, and so is
every symbolic link: no tool follows one. The repository ``.git`` may be read, not written.

Within a call (:func:`search_space.calls.running`) nothing is written until the call is committed. The call itself sees
what it has written so far; no other call does. Outside a call every write happens at once.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

from search_space.calls import current_call
from search_space.tools import ToolError, resource

FILES: Final = "files"
GIT: Final = ".git"
MAX_BYTES: Final = 8_000_000
"""Of one file that is read or written."""
MAX_FILES: Final = 20_000
"""That one walk looks at."""

Kind = Literal["file", "folder", "nothing"]

Held = bytes | Path | Literal["folder"] | None
"""What a call has put at a path: a content, what stands elsewhere on the disk, a folder, or nothing."""


class Workspace:
    """The files below ``root``, which is there. ``latency_s`` is slept at each access, as a slow disk would."""

    def __init__(self, root: Path, *, latency_s: float = 0.0, processes: bool = False) -> None:
        """``processes`` says whether tools may start processes here."""
        self.root = Path(os.path.realpath(root))
        self.processes = processes
        self._latency_s = latency_s

    def clean(self, given: str) -> str:
        """The path in normal form, ``.`` for the workspace itself. Raises ToolError for one that leads outside."""
        if "\0" in given or not _encodable(given):
            raise ToolError(f"{given[:80]!r} cannot be a path: it holds a character that no file name can hold")
        if given.startswith(("/", "~")):
            raise ToolError(f"{given}: paths are relative to the workspace, such as src/main.py; this one is absolute")
        if ".." in given.split("/"):
            raise ToolError(f"{given}: paths stay inside the workspace; write it without '..'")
        path = os.path.normpath(given or ".")
        self._refuse_links(path)
        return path

    def kind(self, given: str) -> Kind:
        """What is there. Raises ToolError for a link or a special file."""
        path = self._reading(given)
        return self._kind(path)

    def read(self, given: str) -> bytes:
        """A file's content. Raises ToolError when there is none, or it is larger than :data:`MAX_BYTES`."""
        path = self._reading(given)
        kind = self._kind(path)
        if kind != "file":
            raise ToolError(f"{path} is a folder; list_folder shows it" if kind == "folder" else self._missing(path))
        size = self._size(path)
        if size > MAX_BYTES:
            raise ToolError(f"{path} is too large to read: {size:,} bytes, at most {MAX_BYTES:,}")
        held = self._held().get(path)
        return held if isinstance(held, bytes) else (held if isinstance(held, Path) else self._real(path)).read_bytes()

    def text(self, given: str) -> str:
        """A file's text, its line ends as they are. Raises ToolError when it is not UTF-8 text."""
        return decoded(self.read(given), self.clean(given))

    def size(self, given: str) -> int:
        """The bytes of a file."""
        path = self._reading(given)
        if self._kind(path) != "file":
            raise ToolError(self._missing(path))
        return self._size(path)

    def names(self, given: str) -> list[str]:
        """What is in a folder, sorted; folders end with ``/``. Raises ToolError when there is none."""
        folder = self._folder(given)
        inner = "" if folder == "." else folder + "/"
        found: dict[str, bool] = {}
        real = self._real(folder)
        if real.is_dir():
            for name in os.listdir(real):  # noqa: PTH208 - names only
                if (kind := self._kind(inner + name, links="skip")) != "nothing":
                    found[name] = kind == "folder"
        for path, value in self._held().items():
            if value is not None and path.startswith(inner) and path != folder:
                name, slash, _ = path.removeprefix(inner).partition("/")
                found[name] = found.get(name, False) or bool(slash) or value == "folder"
        return [name + "/" * found[name] for name in sorted(found)]

    def walk(self, given: str) -> list[str]:
        """Every file beneath a folder, sorted; the file itself for a file. Links, special files and ``.git`` are left
        out. Raises ToolError when there is nothing, or more than :data:`MAX_FILES` files."""
        path = self._reading(given)
        kind = self._kind(path)
        if kind == "nothing":
            raise ToolError(self._missing(path))
        if kind == "file":
            return [path]
        files = {each for each in self._real_files(path) if self._kind(each, links="skip") == "file"}
        inner = "" if path == "." else path + "/"
        files |= {
            each for each, value in self._held().items() if isinstance(value, bytes | Path) and each.startswith(inner)
        }
        return sorted(files)

    def write(self, given: str, content: bytes) -> None:
        """Write a file, making the folders it needs."""
        path = self._writing(given)
        if len(content) > MAX_BYTES:
            raise ToolError(f"{path}: too large to write: {len(content):,} bytes, at most {MAX_BYTES:,}")
        if self._kind(path) == "folder":
            raise ToolError(f"{path} is a folder; give the path of a file")
        self._make_room(path)
        self._hand_over(path, content, lambda: _put(self._real(path), content))

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
        self._hand_over(path, "folder", lambda: self._real(path).mkdir(parents=True, exist_ok=True))

    def remove(self, given: str) -> None:
        """Remove a file, or a folder with all in it. Raises ToolError when there is nothing."""
        path = self._writing(given)
        if self._kind(path) == "nothing":
            raise ToolError(self._missing(path))
        held = self._held()
        for each in [each for each in held if each.startswith(path + "/")]:
            del held[each]
        self._hand_over(path, None, lambda: _remove(self._real(path)))

    def move(self, source: str, target: str) -> None:
        """Move a file or a folder to where nothing is. Raises ToolError when it cannot be."""
        old, new = self._writing(source), self._writing(target)
        if f"{new}/".startswith(f"{old}/"):
            raise ToolError(f"{old} cannot be moved into itself")
        if self._kind(new) != "nothing":
            raise ToolError(f"{new} is already there; delete it first or choose another name")
        self._make_room(new)
        self._hold_as(old, new)
        self._held()[old] = None
        current_call().write(resource(FILES, old), lambda: None)
        current_call().write(resource(FILES, new), lambda: _move(self._real(old), self._real(new)))

    def copy(self, source: str, target: str) -> None:
        """Copy a file or a folder to where nothing is. Raises ToolError when it cannot be."""
        old, new = self._reading(source), self._writing(target)
        if f"{new}/".startswith(f"{old}/") or old == ".":
            raise ToolError(f"{old} cannot be copied into itself")
        if self._kind(new) != "nothing":
            raise ToolError(f"{new} is already there; delete it first or choose another name")
        self._make_room(new)
        self._hold_as(old, new)
        current_call().write(resource(FILES, new), lambda: _copy(self._real(old), self._real(new)))

    def reads_all(self) -> None:
        """Tell the running call that it reads every file, as a process may."""
        self._access()
        current_call().read(FILES)

    def writes_all(self) -> None:
        """Tell the running call that it may have written any file, as a process does at once."""
        self.reads_all()
        current_call().write(FILES, lambda: None)

    def _folder(self, given: str) -> str:
        path = self._reading(given)
        kind = self._kind(path)
        if kind != "folder":
            raise ToolError(f"{path} is a file, not a folder" if kind == "file" else self._missing(path))
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

    def _hand_over(self, path: str, value: Held, carry_out: Callable[[], None]) -> None:
        self._held()[path] = value
        current_call().write(resource(FILES, path), carry_out)

    def _hold_as(self, old: str, new: str) -> None:
        """The running call sees at ``new`` what is at ``old``."""
        held = self._held()
        if self._kind(old) == "folder":
            held[new] = "folder"
        for each in self.walk(old):
            held[new + each.removeprefix(old)] = held.get(each) or self._real(each)

    def _make_room(self, path: str) -> None:
        """Every folder above ``path`` is there or can be made."""
        above = path.rpartition("/")[0]
        while above:
            if self._kind(above) == "file":
                raise ToolError(f"{above} is a file, so nothing can be put beneath it")
            above = above.rpartition("/")[0]

    def _access(self) -> None:
        if self._latency_s:
            time.sleep(self._latency_s)

    def _held(self) -> dict[str, Held]:
        held: dict[str, Held] = current_call().held.setdefault(self, {})
        return held

    def _real(self, path: str) -> Path:
        return self.root / path

    def _size(self, path: str) -> int:
        held = self._held().get(path)
        return (
            len(held)
            if isinstance(held, bytes)
            else (held if isinstance(held, Path) else self._real(path)).stat().st_size
        )

    def _kind(self, path: str, links: Literal["refuse", "skip"] = "refuse") -> Kind:
        """What the running call sees at ``path``."""
        held = self._held()
        above = path
        while held and above:
            if above in held:
                value = held[above]
                if above == path and value is not None:
                    return "folder" if value == "folder" else "file"
                if value is None:
                    return "folder" if any(each.startswith(path + "/") for each in held) else "nothing"
            above = above.rpartition("/")[0]
        if any(each.startswith(path + "/") and value is not None for each, value in held.items()):
            return "folder"
        try:
            mode = self._real(path).lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return "nothing"
        except OSError as error:
            raise ToolError(f"{path[:80]}: {error.strerror}") from None
        if stat.S_ISREG(mode):
            return "file"
        if stat.S_ISDIR(mode):
            return "folder"
        if links == "skip":
            return "nothing"
        raise ToolError(f"{path} is a special file; tools work on plain files and folders only")

    def _refuse_links(self, path: str) -> None:
        above = self.root
        for part in Path(path).parts:
            above = above / part
            if len(part) < 256 and above.is_symlink():
                raise ToolError(f"{path}: {part} is a symbolic link, and links are not followed")

    def _real_files(self, folder: str) -> Iterator[str]:
        count = 0
        for above, folders, names in os.walk(self._real(folder)):
            folders[:] = sorted(name for name in folders if name != GIT)
            for name in names:
                count += 1
                if count > MAX_FILES:
                    raise ToolError(f"{folder} holds more than {MAX_FILES:,} files; name a folder in it")
                yield os.path.relpath(os.path.join(above, name), self.root)  # noqa: PTH118 - many of them

    def _missing(self, path: str) -> str:
        above = path
        while above and above != ".":
            above = above.rpartition("/")[0] or "."
            if self._real(above).is_dir():
                break
        return f"no such file or folder: {path}; list_folder {above or '.'} shows what is there"


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
