"""A process that holds keys, hidden from others of the same user."""

from __future__ import annotations

import sys

_PR_SET_DUMPABLE = 4


def hide_memory() -> None:
    """Keep other processes of this user (a command, a rollout on a kernel without Landlock) from reading this one's
    environment and memory in /proc, and keys out of core dumps. Linux only; of no use against root. What this process
    executes is not hidden."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
