"""The fork server: a clean Python process that loads and warms modules once and forks supervisors on request."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

from optimizer.sandboxes import landlock, processes, supervisor, wire
from optimizer.sandboxes.limits import Limits
from optimizer.sandboxes.reach import system_rules


def main(fd: int) -> None:
    """Serve on the socket ``fd`` until the other side closes it.

    First message in: ``{"preload": {module: warm arguments or null}, "limits": {}, "readable": [], "hidden": []}``;
    first message out: ``{"ready": true}`` or ``{"error": text}``. Then ``{"fork": true}`` with a descriptor asks for a
    supervisor that serves there, and ``{"sweep": pid}`` for the end of one and of what it left behind.
    """
    control = socket.socket(fileno=fd)
    control.set_inheritable(False)
    processes.adopt_orphans()
    try:
        setup, _ = wire.receive(control)
        try:
            _load(setup["preload"])
        except BaseException as error:
            wire.send(control, {"error": f"{type(error).__name__}: {error}"})
            return
        rules = system_rules(setup["readable"], setup["hidden"], setup["devices"]) if landlock.abi() else None
        _Server(control, Limits(**setup["limits"]), rules).serve()
    except (EOFError, OSError):
        pass
    finally:
        processes.kill_descendants()


def _load(preload: dict[str, dict[str, Any] | None]) -> None:
    for name, arguments in preload.items():
        module = importlib.import_module(name)
        if arguments is not None and hasattr(module, "warm"):
            module.warm(arguments)
    if threading.active_count() > 1:
        names = ", ".join(sorted(thread.name for thread in threading.enumerate()))
        raise RuntimeError(f"a preloaded module left threads running ({names}): forks would not have them")
    sys.stdout.flush()  # or every fork would print it again
    gc.collect()
    # What is loaded now lives as long as the server: no collection in a fork should touch, and so copy, its pages.
    gc.disable()
    gc.freeze()


@dataclass(slots=True)
class _Server:
    control: socket.socket
    limits: Limits
    rules: landlock.Rules | None
    supervisors: set[int] = field(default_factory=set)

    def serve(self) -> None:
        wire.send(self.control, {"ready": True})
        while True:
            request, fds = wire.receive(self.control, max_fds=1)
            self._reap()
            if fds:
                self._fork(fds[0])
            elif "sweep" in request:
                if request["sweep"] in self.supervisors:
                    os.kill(request["sweep"], signal.SIGKILL)
                    os.waitpid(request["sweep"], 0)
                    self.supervisors.discard(request["sweep"])
                # Its processes have become this server's children.
                processes.kill_descendants(spare=frozenset(self.supervisors))
                wire.send(self.control, {"swept": True})

    def _fork(self, fd: int) -> None:
        pid = os.fork()
        if pid == 0:
            self.control.close()
            supervisor.serve(socket.socket(fileno=fd), self.limits, self.rules)
        os.close(fd)
        self.supervisors.add(pid)
        wire.send(self.control, {"pid": pid})

    def _reap(self) -> None:
        for pid in sorted(self.supervisors):
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                self.supervisors.discard(pid)


if __name__ == "__main__":
    main(int(sys.argv[1]))
