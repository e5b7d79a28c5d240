"""Inside the forked child: give up what a rollout must not have, call the entry, say how it ended."""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import random
import resource
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from optimizer.sandboxes import landlock, seccomp
from optimizer.sandboxes.limits import MEGABYTE, Limits
from search_space.errors import SearchSpaceError

REASON_CHARS = 400
SPARE_PROCESSES = 512


class EntryFailed(Exception):
    """Raised by an entry that has its own reason to fail: its text is the whole reason, without a traceback."""


def work(
    launch: dict[str, Any], limits: Limits, rules: landlock.Rules | None, verdict: socket.socket, base: tuple[int, int]
) -> NoReturn:
    """Run one launch and end the process. ``verdict`` takes ``{"ok": true}`` or ``{"error": text}``,
    and before it the descriptor of the fork gate.

    ``base`` is the address space in bytes that the process inherits, and the number of processes on this machine.
    """
    code = 0
    try:
        entry = find_entry(launch["entry"])
        _settle_in(Path(launch["folder"]))
        _limit(limits, base)
        _confine(launch, rules, verdict)
        gc.enable()
        entry(launch["payload"])
        said: dict[str, Any] = {"ok": True}
    except BaseException as error:
        code, said = 1, {"error": describe(error)}
        if not isinstance(error, EntryFailed | SearchSpaceError):  # these say all there is to say
            _print_traceback(error)
    _say(verdict, said)
    os._exit(code)


def find_entry(name: str) -> Callable[[Any], Any]:
    """The function that ``package.module:function`` names."""
    module, _, function = name.partition(":")
    found = getattr(importlib.import_module(module), function)
    if not callable(found):
        raise TypeError(f"{name} is no function")
    return found  # type: ignore[no-any-return]


def describe(error: BaseException) -> str:
    """An exception in one bounded line."""
    if isinstance(error, SystemExit):
        return f"SystemExit: the harness ended the process with {error.code!r:.100}"
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "(its message cannot be shown)"
    if not isinstance(error, EntryFailed):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text[:REASON_CHARS]


def _settle_in(folder: Path) -> None:
    if os.getpriority(os.PRIO_PROCESS, 0) < 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0)  # the supervisor's is not for what it supervises
    os.umask(0o077)
    os.chdir(folder)
    os.environ["HOME"] = os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    random.seed(0)  # code that forgets to seed is the same every time
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what is killed should have said its last words
    sys.dont_write_bytecode = True


def _limit(limits: Limits, base: tuple[int, int]) -> None:
    address_space, processes_now = base
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.file_mb * MEGABYTE,
        resource.RLIMIT_NOFILE: limits.open_files,
    }
    if sys.platform.startswith("linux"):
        # Stops what allocates faster than the supervisor looks. Room beyond the memory itself is for what is reserved
        # and never used: each thread has 8 MB of stack and up to 128 MB of arena.
        if limits.address_space:
            wanted[resource.RLIMIT_AS] = address_space + (2 * limits.memory_mb + 1024) * MEGABYTE
        # Counts all of the user's processes and threads, and nothing for root: only a backstop behind the fork gate.
        wanted[resource.RLIMIT_NPROC] = processes_now + SPARE_PROCESSES
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))


def _confine(launch: dict[str, Any], rules: landlock.Rules | None, verdict: socket.socket) -> None:
    if rules is not None:
        readable = [(path, landlock.READ) for path in launch["readable"]]
        rules.enforce([*readable, (launch["folder"], landlock.WRITE)])
    if seccomp.available():
        if rules is None:
            landlock.no_new_privileges()
        gate = seccomp.enforce()
        if gate >= 0:
            socket.send_fds(verdict, [b"\n"], [gate])
            os.close(gate)  # or the rollout could answer for its supervisor


def _print_traceback(error: BaseException) -> None:
    with suppress(BaseException):
        sys.stdout.flush()
        traceback.print_exception(error, limit=-8)


def _say(verdict: socket.socket, said: dict[str, Any]) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            continue
    verdict.sendall(json.dumps(said).encode() + b"\n")
