"""A running rollout watched: what it prints and says, what it uses, how it ended; then all its processes are killed."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from optimizer.sandboxes import processes, seccomp, wire
from optimizer.sandboxes.limits import MEGABYTE, Limits

LOOK_EVERY_S = 0.1
"""How often folder, memory and processes are looked at."""
OUTPUT_TAIL = 4096
VERDICT_BYTES = 8192
MAX_DEPTH = 64
TOO_MANY = "it started more than {} processes"


@dataclass(slots=True)
class Watch:
    """A running rollout. ``started`` is a ``time.monotonic()`` instant, ``base_memory`` what a fork has from the start,
    ``output`` and ``verdict`` what the worker prints into and what it says how it ended through, ``channel`` where a
    cancellation would come from."""

    worker: int
    started: float
    timeout_s: float
    folder: str
    limits: Limits
    base_memory: int
    channel: socket.socket
    output: int
    verdict: socket.socket
    gate: int = -1
    admitted: int = 1
    tail: bytes = b""
    printed: int = 0
    said: bytes = b""
    wait_status: int | None = None
    reason: str = ""
    status: str = ""
    alive: processes.Descendants = field(default_factory=processes.Descendants)

    def to_the_end(self) -> dict[str, Any]:
        """Watch until the worker ends or must be ended; then leave no process of it behind."""
        handle = os.pidfd_open(self.worker) if hasattr(os, "pidfd_open") else -1
        poll = select.poll()
        for fd in (self.output, self.verdict.fileno(), self.channel.fileno(), handle):
            if fd >= 0:
                poll.register(fd, select.POLLIN)
        deadline, next_look = self.started + self.timeout_s, self.started + LOOK_EVERY_S
        while not self.status and not self._ended():
            now = time.monotonic()
            if now >= deadline:
                self._stop("timeout", f"still running after {self.timeout_s:g} s")
            elif now >= next_look:
                self._look()
                next_look = time.monotonic() + LOOK_EVERY_S
            else:
                # Without a process handle the end of the worker is noticed by asking again and again.
                wait_s = min(next_look, deadline) - now if handle >= 0 else 0.005
                for fd, events in poll.poll(wait_s * 1000 + 0.5):
                    self._hear(fd, events, poll)
        if handle >= 0:
            os.close(handle)
        return self._finish()

    def _hear(self, fd: int, events: int, poll: select.poll) -> None:
        if fd == self.channel.fileno():
            self._stop("cancelled", "cancelled")
            try:
                wire.receive(self.channel)
            except (EOFError, OSError):
                poll.unregister(fd)
        elif fd == self.gate:
            if events & select.POLLIN:
                self._admit()
            else:
                poll.unregister(fd)
        elif fd == self.output and self._drain_output() == 0:
            poll.unregister(fd)
        elif fd == self.verdict.fileno():
            had_gate = self.gate >= 0
            if self._drain_verdict() == 0:
                poll.unregister(fd)
            if self.gate >= 0 and not had_gate:
                poll.register(self.gate, select.POLLIN)

    def _admit(self) -> None:
        """Let one more process be started, or end the rollout that has too many. Then nothing is admitted any more, so
        that no process can be started while they are killed."""
        if self.admitted >= self.limits.processes:
            self.admitted = len(self.alive.refresh())
        if self.admitted >= self.limits.processes:
            self._stop("crash", TOO_MANY.format(self.limits.processes))
        else:
            self.admitted += 1
            seccomp.admit(self.gate, True)

    def _finish(self) -> dict[str, Any]:
        if self.status and self.wait_status is None:
            _kill_group(self.worker)
        left = processes.kill_descendants()
        while self._drain_output() or self._drain_verdict():
            pass
        os.close(self.output)
        self.verdict.close()
        if self.gate >= 0:
            os.close(self.gate)
        if not self.status:
            self._judge(left)
        return {
            "status": self.status,
            "reason": self.reason,
            "seconds": time.monotonic() - self.started,
            "output": self.tail[-OUTPUT_TAIL:].decode("utf-8", "replace"),
        }

    def _stop(self, status: str, reason: str) -> None:
        if not self.status:
            self.status, self.reason = status, reason

    def _ended(self) -> bool:
        """Whether the worker ended; orphans that ended are collected by the way."""
        while self.wait_status is None:
            pid, wait_status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == self.worker:
                self.wait_status = wait_status
        return self.wait_status is not None

    def _drain_output(self) -> int:
        """Read once what was printed; 0 when there is nothing (more)."""
        try:
            data = os.read(self.output, 65536)
        except BlockingIOError:
            return 0
        self.printed += len(data)
        self.tail = (self.tail + data)[-OUTPUT_TAIL:]
        if self.printed > self.limits.output_mb * MEGABYTE:
            self._stop("crash", f"it printed more than {self.limits.output_mb} MB")
        return len(data)

    def _drain_verdict(self) -> int:
        """Read once what the worker said, and take the fork gate that came along; 0 when there is nothing (more)."""
        try:
            data, fds, _, _ = socket.recv_fds(self.verdict, 4096, 1)
        except OSError:
            return 0
        self.said = (self.said + data)[:VERDICT_BYTES]
        for fd in fds:
            if self.gate < 0:
                self.gate = fd
            else:
                os.close(fd)
        return len(data)

    def _look(self) -> None:
        limits, unnamed = self.limits, 0
        if sys.platform.startswith("linux"):
            alive = self.alive.refresh()
            if len(alive) > limits.processes:
                self._stop("crash", TOO_MANY.format(limits.processes))
                return
            used = sum(max(0, processes.memory_bytes(pid) - self.base_memory) for pid in alive)
            if used > limits.memory_mb * MEGABYTE:
                self._stop("crash", f"it used more than {limits.memory_mb} MB of memory")
                return
            unnamed = sum(processes.unnamed_bytes(pid) for pid in alive)
        self._weigh_folder(unnamed)

    def _weigh_folder(self, unnamed: int = 0) -> None:
        limits, files, stored = self.limits, -1, unnamed
        for size in chain((0,), _entries(self.folder)):
            files, stored = files + 1, stored + size
            if files > limits.files:
                self._stop("crash", f"it wrote more than {limits.files} files")
                return
            if stored > limits.folder_mb * MEGABYTE:
                self._stop("crash", f"it wrote more than {limits.folder_mb} MB of files")
                return

    def _judge(self, left: int) -> None:
        """Status and reason of a rollout that ended by itself."""
        assert self.wait_status is not None
        code = os.waitstatus_to_exitcode(self.wait_status)
        try:
            said = json.loads(self.said.strip().split(b"\n")[0] or b"null")
        except ValueError:
            said = None
        if isinstance(said, dict) and said.get("ok") is True and code == 0:
            self.reason = f"it left {left} running processes behind, which were ended" if left else ""
            self._weigh_folder()
            self.status = self.status or "ok"
        elif isinstance(said, dict) and isinstance(said.get("error"), str):
            self._stop("crash", said["error"])
        elif code < 0:
            self._stop("crash", f"it was killed by {_signal_name(-code)}")
        else:
            self._stop("crash", f"it ended with exit code {code} before its entry returned")


def _kill_group(worker: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(worker, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _entries(folder: str) -> Iterator[int]:
    """Disk use in bytes of every entry below ``folder``; nesting beyond all measure counts as endless size."""
    waiting = [(folder, 0)]
    while waiting:
        path, depth = waiting.pop()
        if depth > MAX_DEPTH:
            yield 1 << 60
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    yield entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
        except OSError:
            continue
