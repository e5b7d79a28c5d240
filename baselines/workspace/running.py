"""Runs one program: no shell, a hard time limit, a bounded output, nothing left behind, no secret passed on."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from search_space.tools import ToolError

OUTPUT_BYTES: Final = 24_000
"""Kept of what a program prints, half of it from the beginning and half from the end."""
PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONHASHSEED")


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: its exit status (below 0 for a signal), None when its time was up; and what it printed."""

    status: int | None
    output: str


def run_program(
    command: Sequence[str], folder: Path, *, timeout_s: float, environment: Mapping[str, str] | None = None
) -> Finished:
    """Run ``command`` in ``folder``, standard error with standard output, and kill all it started when it has ended or
    its time is up. Of our environment it gets :data:`PASSED_ON` only. Raises ToolError when it cannot be started."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env={"HOME": str(folder), **passed, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ToolError(f"{command[0]} cannot be run: {reason}") from None
    kept = _Kept()
    deadline = time.monotonic() + timeout_s
    try:
        ended = _follow(process, kept, deadline)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()
    return Finished(process.returncode if ended else None, kept.text())


def _follow(process: subprocess.Popen[bytes], kept: _Kept, deadline: float) -> bool:
    """Read what ``process`` prints until it ends; False when its time is up before."""
    assert process.stdout is not None
    # A child in the background may hold the pipe open, so the end of the process counts and not that of the pipe.
    ending = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else -1
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if ending >= 0:
                selector.register(ending, selectors.EVENT_READ)
            open_pipe = True
            while (left := deadline - time.monotonic()) > 0:
                ready = {key.fd for key, _ in selector.select(left if ending >= 0 else min(left, 0.05))}
                if open_pipe and process.stdout.fileno() in ready:
                    chunk = os.read(process.stdout.fileno(), 65536)
                    kept.add(chunk)
                    if chunk:
                        continue
                    selector.unregister(process.stdout)
                    open_pipe = False
                if process.poll() is not None:
                    _drain(process.stdout.fileno(), kept)
                    return True
    finally:
        if ending >= 0:
            os.close(ending)
    return False


def _drain(pipe: int, kept: _Kept) -> None:
    """What is in the pipe at the end; at most a pipe's worth, because a child in the background may print on."""
    os.set_blocking(pipe, False)
    with suppress(BlockingIOError):
        for _ in range(16):
            chunk = os.read(pipe, 65536)
            if not chunk:
                return
            kept.add(chunk)


class _Kept:
    """The beginning and the end of an output of any length."""

    def __init__(self) -> None:
        self._head, self._tail, self._total = b"", b"", 0

    def add(self, chunk: bytes) -> None:
        self._total += len(chunk)
        room = OUTPUT_BYTES // 2 - len(self._head)
        self._head += chunk[:room]
        self._tail = (self._tail + chunk[room:])[-OUTPUT_BYTES // 2 :]

    def text(self) -> str:
        gone = self._total - len(self._head) - len(self._tail)
        middle = f"\n[cut: {gone:,} bytes]\n".encode() if gone else b""
        return (self._head + middle + self._tail).decode(errors="replace")
