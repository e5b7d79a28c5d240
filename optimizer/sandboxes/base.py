"""The sandbox protocol: run one entry under a hard deadline, confined, and say how it ended; and how to read what it
leaves behind."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Launch:
    """One run. ``entry`` (``package.module:function``) is called with ``payload``; ``folder`` is the working directory
    and the only place it may write; ``readable`` are paths it may read beside Python and the shipped packages."""

    entry: str
    payload: Mapping[str, Any]
    folder: Path
    readable: tuple[Path, ...] = ()
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How a run ended. ``reason`` is one sentence; ``output`` the last part of stdout and stderr, bounded."""

    status: Literal["ok", "crash", "timeout", "cancelled"]
    seconds: float
    reason: str = ""
    output: str = ""


class Sandbox(Protocol):
    """Runs launches; safe to call from several threads."""

    def run(self, launch: Launch, *, cancel: threading.Event | None = None) -> Exit:
        """Run to the end, to the deadline (overrun under 1 s, no process left behind), or until ``cancel`` is set."""
        ...

    def close(self) -> None:
        """Stop every process that the sandbox started."""
        ...


def read_bounded(path: Path, limit: int) -> bytes:
    """The first ``limit`` bytes of a regular file. Raises :class:`OSError` for links, pipes and whatever else is no
    file: a link would read for its writer what the writer may not, and a pipe would never end."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(0, "it is no regular file")
        return file.read(limit)
