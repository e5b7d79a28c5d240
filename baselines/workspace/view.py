"""What the running call sees of a folder: the disk, and over it what the call itself has put there so far.

Nothing here writes to the disk, and nothing checks a path: both are :class:`baselines.workspace.folder.Workspace`'s.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from search_space.calls import current_call
from search_space.tools import ToolError

GIT: Final = ".git"
MAX_FILES: Final = 20_000
"""That one walk looks at."""

Kind = Literal["file", "folder", "special", "nothing"]
Put = bytes | Path | Literal["folder"] | None
"""What a call has put at a path: a content, what stands elsewhere on the disk, a folder, or nothing."""


class View:
    """The folder ``root`` as the running call sees it. Paths are normal, ``.`` for the folder itself."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, value: Put) -> None:
        """From now on the call sees ``value`` at ``path``; None hides what is there and beneath."""
        self._over().put(path, value)

    def put_copy(self, old: str, new: str) -> None:
        """The call sees at ``new`` what it sees at ``old``."""
        over = self._over()
        if self.kind(old) == "folder":
            over.put(new, "folder")
        for path in [old] if self.kind(old) == "file" else self.files(old):
            over.put(new + path.removeprefix(old), over.values.get(path) or self.root / path)

    def kind(self, path: str) -> Kind:
        """What is at ``path``; ``special`` for a link, a socket and the like."""
        over = self._over()
        value = over.values.get(path, ...)
        if value is not None and value is not ...:
            return "folder" if value == "folder" else "file"
        if path in over.folders:
            return "folder"
        if value is None or any(over.values.get(above, ...) is None for above in _above(path)):
            return "nothing"
        try:
            mode = (self.root / path).lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return "nothing"
        except OSError as error:
            raise ToolError(f"{path[:80]}: {error.strerror}") from None
        return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "special"

    def content(self, path: str) -> bytes:
        """The bytes of a file."""
        value = self._over().values.get(path)
        return value if isinstance(value, bytes) else self._place(path, value).read_bytes()

    def size(self, path: str) -> int:
        """How many bytes a file has."""
        value = self._over().values.get(path)
        return len(value) if isinstance(value, bytes) else self._place(path, value).stat().st_size

    def names(self, folder: str) -> list[str]:
        """What is in a folder, sorted; folders end with ``/``, special files are left out."""
        inner = "" if folder == "." else folder + "/"
        over, real = self._over(), self.root / folder
        names = set(os.listdir(real)) if real.is_dir() else set()  # noqa: PTH208 - names only
        put = (path.removeprefix(inner) for path in over.values if path.startswith(inner))
        names |= {name.partition("/")[0] for name in put}
        kinds = {name: self.kind(inner + name) for name in sorted(names)}
        return [name + "/" * (kind == "folder") for name, kind in kinds.items() if kind in ("file", "folder")]

    def files(self, folder: str) -> list[str]:
        """Every file beneath a folder, sorted; special files and what is in ``.git`` are left out. Raises ToolError
        when there are more than :data:`MAX_FILES`."""
        inner = "" if folder == "." else folder + "/"
        put = {path for path, value in self._over().values.items() if isinstance(value, bytes | Path)}
        real = {path for path in self._real_files(folder) if self.kind(path) == "file"}
        return sorted(real | {path for path in put if path.startswith(inner)})

    def _real_files(self, folder: str) -> Iterator[str]:
        count = 0
        for above, folders, names in os.walk(self.root / folder):
            folders[:] = [name for name in folders if name != GIT]
            count += len(names)
            if count > MAX_FILES:
                raise ToolError(f"{folder} holds more than {MAX_FILES:,} files; name a folder in it")
            prefix = os.path.relpath(above, self.root)
            yield from (names if prefix == "." else (f"{prefix}/{name}" for name in names))

    def _place(self, path: str, value: Put) -> Path:
        return value if isinstance(value, Path) else self.root / path

    def _over(self) -> _Over:
        over: _Over = current_call().held.setdefault(self, _Over())
        return over


@dataclass(slots=True)
class _Over:
    """What one call has put where, and the folders that are there because something was put into them."""

    values: dict[str, Put] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def put(self, path: str, value: Put) -> None:
        self.values[path] = value
        if value is not None:
            self.folders.update(_above(path))
            return
        for each in [each for each in self.values if each.startswith(path + "/")]:
            del self.values[each]
        self.folders = {above for each, put in self.values.items() if put is not None for above in _above(each)}


def _above(path: str) -> Iterator[str]:
    """The folders that ``path`` is in, from the inside out."""
    while path := path.rpartition("/")[0]:
        yield path
