"""One supervisor serves one rollout at a time: it forks the worker and watches it to the end.

A supervisor is itself a fork of the warm fork server and is used again and again, so that a rollout costs one fork.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from optimizer.sandboxes import landlock, processes, wire
from optimizer.sandboxes.limits import Limits
from optimizer.sandboxes.watch import Watch
from optimizer.sandboxes.worker import work


def serve(channel: socket.socket, limits: Limits, rules: landlock.Rules | None) -> NoReturn:
    """Run launches that arrive on ``channel`` until it is closed; then end the process."""
    code = 0
    try:
        processes.adopt_orphans()
        os.setsid()
        if os.geteuid() == 0:
            # Where there is no fork gate, root has no limit of processes either: whoever kills must not be starved.
            os.setpriority(os.PRIO_PROCESS, 0, -10)
        address_space, memory = _own_size()
        while True:
            try:
                launch, _ = wire.receive(channel)
            except (EOFError, OSError):
                break
            if "launch" in launch:
                base = (address_space, _tasks_now())
                watch = _start(launch["launch"], limits, rules, channel, memory, base)
                wire.send(channel, watch.to_the_end())
    except BaseException as error:
        code = 1
        print(f"supervisor: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        processes.kill_descendants()
        os._exit(code)


def _start(
    launch: dict[str, Any],
    limits: Limits,
    rules: landlock.Rules | None,
    channel: socket.socket,
    memory: int,
    base: tuple[int, int],
) -> Watch:
    started = time.monotonic()
    output_read, output_write = os.pipe()
    verdict, verdict_of_worker = socket.socketpair()
    worker = os.fork()
    if worker == 0:
        processes.die_with_parent()
        os.setsid()
        os.close(output_read)
        verdict.close()
        channel.close()
        os.dup2(output_write, 1)
        os.dup2(output_write, 2)
        os.close(output_write)
        work(launch, limits, rules, verdict_of_worker, base)
    os.close(output_write)
    verdict_of_worker.close()
    os.set_blocking(output_read, False)
    verdict.setblocking(False)
    return Watch(
        worker=worker,
        started=started,
        timeout_s=float(launch["timeout_s"]),
        folder=launch["folder"],
        limits=limits,
        base_memory=memory,
        channel=channel,
        output=output_read,
        verdict=verdict,
    )


def _own_size() -> tuple[int, int]:
    """Address space of this process, and the memory that is its own, in bytes; zeros where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0, 0
    return pages * os.sysconf("SC_PAGE_SIZE"), processes.memory_bytes(os.getpid())


def _tasks_now() -> int:
    """Processes and threads on this machine, an upper bound of this user's; 0 where the system does not tell."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
    except (OSError, ValueError, IndexError):
        return 0
