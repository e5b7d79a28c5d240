"""A trajectory: what happened in a rollout, one JSON object a line, written as it happens."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from search_space.errors import InvalidFile, MissingFile


class TrajectoryWriter:
    """Appends records to ``path``; every line is flushed, so that a killed rollout leaves all but its last moment.

    Safe to use from several threads. A cut last line, left by a process that was killed while writing, is dropped when
    the file is opened again.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            content = path.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                with path.open("r+b") as file:
                    file.truncate(whole)
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one record (JSON values only; raises :class:`TypeError` or :class:`ValueError` otherwise)."""
        line = json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._file.close()

    def __enter__(self) -> TrajectoryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_trajectory(path: Path) -> list[dict[str, Any]]:
    """Every whole record of a trajectory; a cut last line is left out.

    Raises :class:`MissingFile` when there is no file and :class:`InvalidFile` when another line is no JSON object.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise MissingFile(f"{path}: got {error.strerror or error}, expected a trajectory (JSON lines)") from None
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise InvalidFile(path.name, f"line {number}", f"no JSON ({error})", "one JSON object a line") from None
        if not isinstance(record, dict):
            raise InvalidFile(path.name, f"line {number}", type(record).__name__, "one JSON object a line")
        records.append(record)
    return records
