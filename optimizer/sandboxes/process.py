"""The process sandbox: every rollout in processes of its own, forked from a warm server, bounded, confined, cleaned up."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optimizer.sandboxes.base import Exit, Launch
from optimizer.sandboxes.limits import Confinement, Limits


class ProcessSandbox:
    """Runs launches in supervised child processes of a fork server; safe to call from several threads."""

    def __init__(
        self,
        *,
        preload: Mapping[str, Mapping[str, Any] | None] | None = None,
        readable: Sequence[Path] = (),
        limits: Limits | None = None,
    ) -> None:
        """``preload`` maps modules that the fork server imports to the arguments of their ``warm`` function, None for
        those that have none. ``readable`` adds to what every launch may read."""
        raise NotImplementedError

    @property
    def confinement(self) -> Confinement:
        """What this machine's kernel enforces; asks the kernel, starts nothing."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the fork server now rather than at the first run; raises :class:`optimizer.errors.SandboxError`."""
        raise NotImplementedError

    def run(self, launch: Launch, *, cancel: threading.Event | None = None) -> Exit:
        """See :meth:`optimizer.sandboxes.base.Sandbox.run`. Raises :class:`optimizer.errors.SandboxError` when the fork
        server cannot be started or restarted."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop the fork server and everything it started."""
        raise NotImplementedError
