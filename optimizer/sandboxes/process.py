"""The process sandbox: each rollout in processes of its own, forked from a warm server, bounded, confined, cleaned up.

What holds a rollout in: its own session and resource limits; a supervisor that adopts every orphan, watches time,
output, folder, memory and processes, and kills what is left; Landlock (files, TCP, signals) and a system-call filter
(all sockets but unix ones) where the kernel has them. What does not: unix sockets that have a path can be connected to
as far as their file permissions allow, which the model door needs; CPU time is shared fairly, not bounded.
"""

from __future__ import annotations

import dataclasses
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from optimizer.errors import SandboxError
from optimizer.sandboxes import landlock, seccomp, wire
from optimizer.sandboxes.base import Exit, Launch
from optimizer.sandboxes.limits import Confinement, Limits
from optimizer.sandboxes.reach import INSIDE, OUTSIDE, package_folders

START_TIMEOUT_S = 120.0
"""Time for loading and warming all modules."""
ANSWER_TIMEOUT_S = 10.0
LATE_S = 0.5
"""How long after its deadline a supervisor may answer before it is killed itself."""
POLL_S = 0.05

_BOOT = """
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from optimizer.sandboxes.fork_server import main
main(int(sys.argv[1]))
"""


class ProcessSandbox:
    """Runs launches in supervised child processes of a fork server; safe to call from several threads."""

    def __init__(
        self,
        *,
        preload: Mapping[str, Mapping[str, Any] | None] | None = None,
        readable: Sequence[Path] = (),
        devices: Sequence[Path] = (),
        limits: Limits | None = None,
    ) -> None:
        """``preload`` maps modules that the fork server imports to the arguments of their ``warm`` function, None for
        those that have none. ``readable`` adds to what every launch may read, ``devices`` are device files that it
        may use. Nothing is started yet."""
        self._setup = {
            "preload": {name: None if args is None else dict(args) for name, args in (preload or {}).items()},
            "limits": dataclasses.asdict(limits or Limits()),
            "readable": [*package_folders(INSIDE), *(str(path) for path in readable)],
            "hidden": package_folders(OUTSIDE),
            "devices": [str(path) for path in devices],
        }
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._closed = False

    @property
    def confinement(self) -> Confinement:
        """What this machine's kernel enforces; asks the kernel, starts nothing."""
        return Confinement(landlock.abi(), seccomp.available())

    def start(self) -> None:
        """Start the fork server now rather than at the first run; raises :class:`optimizer.errors.SandboxError`."""
        self._living_server()

    def run(self, launch: Launch, *, cancel: threading.Event | None = None) -> Exit:
        """See :meth:`optimizer.sandboxes.base.Sandbox.run`. Raises :class:`optimizer.errors.SandboxError` when the fork
        server cannot be started or restarted."""
        if cancel is not None and cancel.is_set():
            return Exit("cancelled", 0.0, "cancelled before it started")
        started = time.monotonic()
        supervisor = self._supervisor()
        try:
            ended = supervisor.run(launch, cancel)
        except BaseException:
            supervisor.discard()
            raise
        if ended is None:
            supervisor.discard()
            if self._closed:
                return Exit("cancelled", time.monotonic() - started, "the sandbox was closed")
            if supervisor.server.closed:
                raise SandboxError("the fork server stopped answering while a rollout was running")
            return _without_supervisor(time.monotonic() - started, launch.timeout_s, cancel)
        supervisor.server.give_back(supervisor)
        return ended

    def close(self) -> None:
        """Stop the fork server and everything it started; harmless when repeated."""
        with self._lock:
            self._closed = True
            server, self._server = self._server, None
        if server is not None:
            server.close()

    def __enter__(self) -> ProcessSandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _supervisor(self) -> _Supervisor:
        for attempt in (1, 2):
            server = self._living_server()
            try:
                return server.take()
            except (EOFError, OSError) as error:
                server.close()
                if attempt == 2:
                    raise SandboxError(
                        f"the fork server ended twice while starting a rollout: {server.last_words() or error}",
                        hint="ratchet doctor shows what this machine lacks",
                    ) from error
        raise AssertionError

    def _living_server(self) -> _Server:
        with self._lock:
            if self._closed:
                raise SandboxError("the sandbox was closed, and cannot run anything any more")
            if self._server is None or not self._server.alive():
                if self._server is not None:
                    self._server.close()
                self._server = _Server(self._setup)
            return self._server


class _Server:
    """The fork server's process, and its idle supervisors."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Supervisor] = []
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self.closed = False
        ours, theirs = socket.socketpair()
        with theirs:
            self._control = ours
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOT, str(theirs.fileno()), json.dumps(_search_path())],
                env=_clean_environment(),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                start_new_session=True,  # Ctrl-C in the terminal is for the campaign, which then ends things in order
            )
        try:
            self._control.settimeout(START_TIMEOUT_S)
            answer = self._ask(dict(setup))
            self._control.settimeout(ANSWER_TIMEOUT_S)
        except (EOFError, OSError) as error:
            self.close()
            raise SandboxError(f"the fork server did not start: {self.last_words() or error or 'it ended'}") from error
        if "error" in answer:
            self.close()
            raise SandboxError(
                f"the fork server could not load what rollouts need: {answer['error']}",
                hint=f"loaded were: {', '.join(setup['preload']) or 'nothing'}",
            )

    def alive(self) -> bool:
        return self._process.poll() is None

    def take(self) -> _Supervisor:
        """An idle supervisor, or a new one; raises :class:`EOFError` or :class:`OSError` when the server is gone."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    answer = self._ask({"fork": True}, (theirs.fileno(),))
                except BaseException:
                    ours.close()
                    raise
            return _Supervisor(self, int(answer["pid"]), ours)

    def give_back(self, supervisor: _Supervisor) -> None:
        with self._lock:
            self._idle.append(supervisor)

    def sweep(self, pid: int) -> None:
        """Kill the supervisor ``pid`` and what it leaves behind."""
        with self._lock:
            try:
                self._ask({"sweep": pid})
            except (EOFError, OSError):
                self._process.kill()  # no answer in time: what it would answer next belongs to no question

    def close(self) -> None:
        with self._lock:
            self.closed = True
            for supervisor in self._idle:
                supervisor.channel.close()
            self._idle.clear()
            # The server ends everything below it when this socket closes.
            self._control.close()
        try:
            self._process.wait(timeout=3.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The end of what the server printed."""
        self._errors.seek(0)
        return self._errors.read()[-1000:].decode("utf-8", "replace").strip()

    def _ask(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> dict[str, Any]:
        wire.send(self._control, message, fds)
        return wire.receive(self._control)[0]


class _Supervisor:
    """One supervisor process and the socket to it; used by one thread at a time."""

    def __init__(self, server: _Server, pid: int, channel: socket.socket) -> None:
        self.server, self.pid, self.channel = server, pid, channel

    def run(self, launch: Launch, cancel: threading.Event | None) -> Exit | None:
        """Run one launch; None when the supervisor itself was killed or does not answer."""
        deadline = time.monotonic() + launch.timeout_s + LATE_S
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        try:
            wire.send(self.channel, {"launch": _to_json(launch)})
            wait_s = launch.timeout_s + LATE_S if cancel is None else POLL_S
            while not poll.poll(wait_s * 1000):
                if cancel is not None and cancel.is_set():
                    wire.send(self.channel, {"cancel": True})
                    deadline, cancel = min(deadline, time.monotonic() + LATE_S), None
                    wait_s = LATE_S
                elif time.monotonic() >= deadline:
                    return None
            answer, _ = wire.receive(self.channel)
        except (EOFError, OSError):
            return None
        return Exit(answer["status"], answer["seconds"], answer["reason"], answer["output"])

    def discard(self) -> None:
        """Kill the supervisor and whatever it watched."""
        self.channel.close()
        self.server.sweep(self.pid)


def _without_supervisor(seconds: float, timeout_s: float, cancel: threading.Event | None) -> Exit:
    if cancel is not None and cancel.is_set():
        return Exit("cancelled", seconds, "cancelled; its supervisor did not answer and was killed")
    if seconds >= timeout_s:
        return Exit("timeout", seconds, f"still running after {timeout_s:g} s; its supervisor was killed too")
    return Exit("crash", seconds, "its supervisor was killed, by the harness or for want of memory")


def _to_json(launch: Launch) -> dict[str, Any]:
    return {
        "entry": launch.entry,
        "payload": dict(launch.payload),
        "folder": str(launch.folder),
        "readable": [str(path) for path in launch.readable],
        "timeout_s": launch.timeout_s,
    }


def _clean_environment() -> dict[str, str]:
    """What a rollout sees of the environment: no keys, no user's settings."""
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
    return {"PATH": path, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}


def _search_path() -> list[str]:
    return [str(Path(entry).absolute()) for entry in sys.path]
