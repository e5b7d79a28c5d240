"""Git objects: read from the repository through gitdb, held back in a folder of our own, published with a keep.

A campaign makes a thousand variants and keeps thirty. What is not kept never enters the user's object database (it
would make ``git gc`` run on the user's time): it lies in ``.ratchet/variants``, see :mod:`optimizer.workspace.held`.

Objects are written here and not by gitdb because gitdb neither flushes what it writes to the disk nor replaces an
object that a loss of power left empty.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.errors import LedgerError, RepositoryError
from optimizer.workspace.held import Held

if TYPE_CHECKING:
    import git

FULL = "make room on the disk and start again: nothing half-written is left, the campaign goes on from here"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def encode(kind: str, data: bytes) -> tuple[str, bytes]:
    """The id of an object and the bytes that git hashes and stores (before compression)."""
    raw = b"%s %d\0" % (kind.encode(), len(data)) + data
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest(), raw


class Objects:
    """The objects of one repository and those held back. Safe to call from several threads."""

    def __init__(self, repo: git.Repo, held: Held) -> None:
        """``held`` is where objects are that are held back."""
        self._repo = repo
        self._folder = Path(repo.common_dir, "objects")
        self._held = held
        self._database: Any = None
        self._known: set[str] = set()
        self._lock = threading.RLock()

    def read(self, name: str, kind: str) -> bytes:
        """The content of object ``name``. Raises RepositoryError when it is missing, damaged, or of another kind."""
        with self._lock:
            found = self._look_held(name) or self._look(name)
            if found is not None:
                self._known.add(name)
            else:
                self._database = None  # packs come and go when the user's git tidies up
                found = self._look(name) or self._ask_git(name)
        if found is None:
            raise RepositoryError(
                f"the repository {self._repo.common_dir} lacks the {kind} {name}",
                hint="'git fsck' says what is missing; in a partial or damaged clone, fetch it again",
            )
        if found[0] != kind:
            raise RepositoryError(f"got the {found[0]} {name}, expected a {kind}", hint="'git fsck' says what is wrong")
        return found[1]

    def has(self, name: str) -> bool:
        """Whether the repository itself (not what is held back) has the object."""
        with self._lock:
            return bool(self._gitdb().has_object(bytes.fromhex(name)))

    def hold(self, kind: str, data: bytes) -> str:
        """Keep an object outside the repository and return its id. Not flushed to the disk: it can be made again."""
        name, raw = encode(kind, data)
        with self._lock, _explained(self._folder):
            if name not in self._known and self._look_held(name) is None:
                self._held.put(name, raw)
            self._known.add(name)
        return name

    def publish(self, objects: Iterable[tuple[str, bytes]]) -> list[str]:
        """Write objects (kind and content) into the repository, flushed to the disk, and return their ids."""
        encoded = [encode(kind, data) for kind, data in objects]
        with self._lock, _explained(self._folder):
            self.refresh()
            _place(self._folder, [(name, raw) for name, raw in encoded if not self.has(name)])
        return [name for name, _ in encoded]

    def refresh(self) -> None:
        """Look again at which packs and alternates there are."""
        with self._lock:
            self._gitdb().update_cache(force=True)

    def _gitdb(self) -> Any:
        if self._database is None:
            from gitdb.db import GitDB  # type: ignore[import-untyped]

            self._database = GitDB(str(self._folder))
        return self._database

    def _look(self, name: str) -> tuple[str, bytes] | None:
        """In the repository's loose objects, packs and alternates, without a process."""
        from gitdb.exc import ODBError  # type: ignore[import-untyped]

        try:
            stream = self._gitdb().stream(bytes.fromhex(name))
            return stream.type.decode(), stream.read()
        except (ODBError, OSError, ValueError, zlib.error):
            return None

    def _look_held(self, name: str) -> tuple[str, bytes] | None:
        """In what is held back."""
        raw = self._held.get(name)
        if raw is None:
            return None
        head, _, data = raw.partition(b"\0")
        return head.split(b" ")[0].decode(), data

    def _ask_git(self, name: str) -> tuple[str, bytes] | None:
        """Git itself, for what gitdb does not understand: relative alternates, objects that a partial clone fetches."""
        for _ in range(2):
            try:
                _, kind, _, data = self._repo.git.get_object_data(name)
                return os.fsdecode(kind), data
            except (ValueError, OSError):
                self._repo.git.clear_cache()  # its process may have died of the Ctrl-C that we survived
        return None


def _place(folder: Path, objects: list[tuple[str, bytes]]) -> None:
    """Write loose objects, flushed to the disk: first all under temporary names (which ``git gc`` clears away, should
    we die here), then renamed, so that an object that git can see is always whole."""
    written: list[tuple[Path, Path]] = []
    try:
        for name, raw in objects:
            place = folder / name[:2] / name[2:]
            temporary = folder / f"tmp_obj_{os.getpid()}_{name}"
            written.append((temporary, place))
            _write(temporary, zlib.compress(raw, 1))
        for temporary, place in written:
            _rename(temporary, place)
    except BaseException:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)
        raise
    if written:  # one flush carries all the renames: they are in one journal, and git itself flushes none
        with contextlib.suppress(FileNotFoundError):  # packed and tidied away by the user's git already
            _flush(written[-1][1].parent)
        _flush(folder)


def _rename(temporary: Path, place: Path) -> None:
    """The user's ``git gc`` removes folders that it empties, also between our making one and our using it."""
    for _ in range(100):
        _make_folder(place.parent)
        with contextlib.suppress(FileNotFoundError):
            temporary.rename(place)
            return
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(place))


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fchmod(handle, 0o444)
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """With the permissions of its parent, so that a repository shared by a group stays so."""
    if folder.is_dir():
        return
    with contextlib.suppress(FileExistsError, FileNotFoundError):
        folder.mkdir()
        folder.chmod(folder.parent.stat().st_mode & 0o7777)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """A full disk as the error that says so."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise LedgerError(f"{folder}: git objects cannot be written ({error.strerror})", hint=FULL) from error
        raise RepositoryError(
            f"{folder}: git objects cannot be written ({error.strerror})",
            hint="see that you own the folder and may write there",
        ) from error
