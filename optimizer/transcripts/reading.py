"""Opens a file of transcripts, compressed or not, and reads it line by line within a bound."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from optimizer.errors import SettingsError

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A longer line is left out: it is no message that a model was sent."""
MAX_WHOLE_BYTES = 48 * 1024 * 1024
"""A longer file that is one JSON object is left out: it would have to be held in memory."""
Note = Callable[[str, str], None]
"""Told (where, what) for each thing that could not be taken as it is."""


def open_transcripts(path: Path) -> BinaryIO:
    """The file's bytes, unpacked when it is gzip or zlib. Raises :class:`SettingsError` when it cannot be read."""
    try:
        raw = path.open("rb")
        head = raw.read(2)
        raw.seek(0)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}", hint="name a file of transcripts") from None
    if head == b"\x1f\x8b":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if path.suffix == ".zlib":
        with raw:
            return io.BytesIO(zlib.decompressobj().decompress(raw.read(), 64 * 1024 * 1024))
    return raw


class Pieces:
    """A stream read in whatever pieces come: of a compressed file that is cut, all that stands before the cut."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._stream.read1(size)
        return piece


def objects(stream: BinaryIO, name: str, note: Note) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a JSON-lines file with their line numbers; what is none is noted and left out."""
    for number, line in lines(stream, name, note):
        where = f"{name}:{number}"
        text = line.decode("utf-8", "replace")
        if "\ufffd" in text and not _is_utf8(line):
            note(where, "not UTF-8: what could not be read is shown as \ufffd")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            cut = "cut in the middle" if not line.endswith(b"\n") else "no JSON"
            note(where, f"{cut} ({_short(error)}): the line is left out")
            continue
        if isinstance(found, dict):
            yield number, found
        else:
            note(where, f"got {type(found).__name__}, expected a JSON object: the line is left out")


def lines(stream: BinaryIO, name: str, note: Note) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers; too long ones are noted and passed over. A compressed file that
    is cut ends where it is cut."""
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(MAX_LINE_BYTES)
            size = len(line)
            while line and not line.endswith(b"\n") and size >= MAX_LINE_BYTES:
                more = stream.readline(MAX_LINE_BYTES)
                size, line = size + len(more), more
                if not more or more.endswith(b"\n"):
                    break
        except (EOFError, OSError, zlib.error) as error:
            note(f"{name}:{number}", f"cut in the middle ({_short(error)}): what stands before is taken")
            return
        if size > MAX_LINE_BYTES:
            note(
                f"{name}:{number}",
                f"a line of {size / 2**20:.1f} MB, longer than {MAX_LINE_BYTES // 2**20} MB: it is left out",
            )
            if not line:
                return
            continue
        if not line:
            return
        if line.strip():
            yield number, line


def read_whole(stream: BinaryIO, name: str, note: Note) -> bytes | None:
    """A file that is one JSON document, which has to be held in memory; None, and noted, when it is too long."""
    raw = stream.read(MAX_WHOLE_BYTES + 1)
    if len(raw) <= MAX_WHOLE_BYTES:
        return raw
    note(name, f"one JSON object of more than {MAX_WHOLE_BYTES // 2**20} MB: it is left out")
    return None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _short(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= 100 else text[:97] + "..."
