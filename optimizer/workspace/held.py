"""Objects of variants that are not kept (yet), in one file that is only ever appended to.

One file, because a variant is four or five small objects, and to make four or five files an experiment costs a file
system several times what everything else here costs together. A record is ``MAGIC``, the object's id (20 bytes), the
length (4 bytes, big-endian) and as many bytes of zlib, which hold what git hashes. Whatever a kill, a full disk or a
loss of power cuts off is passed over: the reader goes on at the next ``MAGIC``, and believes no object of a wrong hash.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path

MAGIC = b"RObj"
HEAD = len(MAGIC) + 24


class Held:
    """Objects by id. ``place`` gives the file, makes its folder, and is called when it is first needed: where ``path``
    names it, not before it is written to, so that a campaign that is only thought through leaves no trace."""

    def __init__(self, place: Callable[[], Path], path: Path | None = None) -> None:
        self._place = place
        self._path = path
        self._handle = -1
        self._where: dict[str, tuple[int, int]] = {}

    def put(self, name: str, raw: bytes) -> None:
        """Append an object. Not flushed to the disk: a variant can be made again."""
        handle = self._open()
        packed = zlib.compress(raw, 1)
        record = memoryview(MAGIC + bytes.fromhex(name) + len(packed).to_bytes(4, "big") + packed)
        while record:
            record = record[os.write(handle, record) :]
        end = os.lseek(handle, 0, os.SEEK_CUR)
        self._where[name] = (end - len(packed), len(packed))

    def get(self, name: str) -> bytes | None:
        """What git hashes for that object, None when it is not here or not whole."""
        if self._handle < 0 and self._path is not None and not self._path.exists():
            return None
        handle = self._open()
        if name not in self._where:
            return None
        at, size = self._where[name]
        try:
            raw = zlib.decompress(os.pread(handle, size, at))
        except zlib.error:
            return None
        return raw if hashlib.sha1(raw, usedforsecurity=False).hexdigest() == name else None

    def _open(self) -> int:
        if self._handle < 0:
            path = self._place()
            self._where = _scan(path.read_bytes()) if path.exists() else {}
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        return self._handle


def _scan(data: bytes) -> dict[str, tuple[int, int]]:
    """Where each object's zlib bytes are, and how many."""
    found: dict[str, tuple[int, int]] = {}
    at = data.find(MAGIC)
    while at >= 0:
        size = int.from_bytes(data[at + HEAD - 4 : at + HEAD], "big")
        end = at + HEAD + size
        if end == len(data) or data.startswith(MAGIC, end):
            found[data[at + 4 : at + 24].hex()] = (at + HEAD, size)
            at = end if end < len(data) else -1
        else:
            at = data.find(MAGIC, at + 1)
    return found
