"""A file on its way: written beside its place, checked while it grows, put in place when it is whole."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

from optimizer.errors import FetchError
from optimizer.fetching.sets import PublicFile

CHUNK = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def digest_of(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_there(target: Path, wanted: PublicFile) -> bool:
    """Whether the file is in its place already. Raises :class:`FetchError` when something else is: nothing that exists
    is written over."""
    if not target.exists():
        return False
    if target.is_file() and target.stat().st_size == wanted.bytes and digest_of(target) == wanted.sha256:
        return True
    raise FetchError(
        f"{target}: something else is there already, which is left as it is",
        hint="move it away, or name another folder with --to",
    )


@dataclass
class Part:
    """The part of a file that is there so far; ``size`` bytes of it, all of them in the checksum."""

    target: Path
    wanted: PublicFile
    file: FileIO
    size: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def resume(self) -> None:
        """Take over what an earlier try left."""
        self.file.seek(0)
        while piece := self.file.read(CHUNK):
            self._digest.update(piece)
            self.size += len(piece)

    def restart(self) -> None:
        """Begin from nothing."""
        self.file.seek(0)
        self.file.truncate()
        self.size, self._digest = 0, hashlib.sha256()

    def write(self, piece: bytes) -> None:
        """Append. Raises :class:`FetchError` when there is no room; what is there stays."""
        left = memoryview(piece)
        while left:
            try:
                count = self.file.write(left)
            except OSError as error:
                if error.errno not in FULL:
                    raise
                raise self._no_room() from None
            self._digest.update(left[:count])
            self.size += count
            left = left[count:]

    def check_room(self) -> None:
        """Raises :class:`FetchError` when the rest does not fit, before any of it is fetched."""
        if shutil.disk_usage(self.target.parent).free < self.wanted.bytes - self.size:
            raise self._no_room()

    @property
    def right(self) -> bool:
        """Whether it is whole, and what it must be."""
        return self.size == self.wanted.bytes and self._digest.hexdigest() == self.wanted.sha256

    def wrong(self, source: str, remark: str = "") -> FetchError:
        """What to say of a whole file that is another one."""
        return FetchError(
            f"{source}: got {self.size:,} bytes with sha256 {self._digest.hexdigest()[:16]}…, expected "
            f"{self.wanted.bytes:,} bytes with {self.wanted.sha256[:16]}…{remark}",
            hint="it was changed there, or on its way; nothing of it is kept",
        )

    def _no_room(self) -> FetchError:
        return FetchError(
            f"the disk is full: {self.target.parent} has no room for the {self.wanted.bytes - self.size:,} bytes left "
            f"of {self.target.name}",
            hint="make room, or name another folder with --to; the same command goes on where it stopped",
        )


@contextmanager
def part_of(target: Path, wanted: PublicFile) -> Iterator[Part]:
    """The part beside ``target``, ``.NAME.part``, for this process alone. At the end it is put in place when it is
    right, and stays for the next try when not; an empty one goes. Raises :class:`FetchError` when another process
    works on it, or the folder cannot be written."""
    beside = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = beside.open("a+b", buffering=0)
    except OSError as error:
        raise FetchError(f"{target.parent}: {error.strerror}", hint="name another folder with --to") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FetchError(f"{target}: another process is fetching it", hint="wait for that one") from None
        part = Part(target, wanted, file)
        part.resume()
        try:
            yield part
        finally:
            if part.right:
                os.fsync(file.fileno())
                beside.replace(target)
            elif not part.size:
                beside.unlink(missing_ok=True)
