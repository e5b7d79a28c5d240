"""Files of a set that are on this machine already: found by what they are, copied to their place."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from optimizer.errors import FetchError
from optimizer.fetching.part import CHUNK, is_there, part_of
from optimizer.fetching.sets import PublicFile, PublicSet

MOST = 10_000
"""A folder with more files than this is not searched."""


def take(source: Path, known: PublicSet, folder: Path) -> tuple[list[Path], list[PublicFile]]:
    """Copy the set's files that are ``source``, or somewhere below it, to ``folder``: those that are there now, and
    those that were not found. A file is known by its size and checksum, whatever it is called; one that was compressed
    with gzip counts as what it holds.

    Raises :class:`FetchError` when there is no ``source`` or none of the files is in it.
    """
    here = list(_files(source))
    there: list[Path] = []
    missing: list[PublicFile] = []
    for wanted in known.files:
        target = folder / wanted.path
        if is_there(target, wanted) or any(_copied(path, target, wanted) for path in here):
            there.append(target)
        else:
            missing.append(wanted)
    if not there:
        first = known.files[0]
        raise FetchError(
            f"--from: got {source}, in which no file is one of the set, such as {first.path} with {first.bytes:,} "
            f"bytes and sha256 {first.sha256[:16]}…",
            hint=f"the set is at {known.home}",
        )
    return there, missing


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    if not source.is_dir():
        raise FetchError(f"--from: got {source}, expected a file or a folder that is there")
    for count, path in enumerate(sorted(path for path in source.rglob("*") if path.is_file())):
        if count >= MOST:
            raise FetchError(f"--from: got {source} with more than {MOST:,} files, expected a smaller folder")
        yield path


def _copied(path: Path, target: Path, wanted: PublicFile) -> bool:
    """Whether ``path`` is the file that is wanted; then it is in its place."""
    packed = path.suffix == ".gz" and not wanted.path.endswith(".gz")
    if not _matches(path, wanted, packed=packed):
        return False
    with part_of(target, wanted) as part:
        part.restart()
        part.check_room()
        for piece in _pieces(path, packed=packed):
            part.write(piece)
    return target.exists()


def _matches(path: Path, wanted: PublicFile, *, packed: bool) -> bool:
    if not packed and path.stat().st_size != wanted.bytes:
        return False
    size, digest = 0, hashlib.sha256()
    try:
        for piece in _pieces(path, packed=packed):
            size += len(piece)
            if size > wanted.bytes:
                return False
            digest.update(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False
    return size == wanted.bytes and digest.hexdigest() == wanted.sha256


def _pieces(path: Path, *, packed: bool) -> Iterator[bytes]:
    with ExitStack() as stack:
        read = stack.enter_context(gzip.open(path)).read if packed else stack.enter_context(path.open("rb")).read
        yield from iter(lambda: read(CHUNK), b"")
