"""Whose a connection is, and who has to give way when there are too many: one rollout must not shut others out."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections import Counter
from collections.abc import Mapping

_CREDENTIALS = struct.Struct("3i")
_DEEPEST = 64


def caller(connection: socket.socket) -> int:
    """The process below this one's child (the fork server) that the other side descends from: a rollout's supervisor,
    whatever was forked beneath it. Else the other side's own process id, 0 where nobody can tell."""
    if connection.family != socket.AF_UNIX or not sys.platform.startswith("linux"):
        return 0
    try:
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return 0
    peer: int = _CREDENTIALS.unpack(told)[0]
    line, mine = [peer], os.getpid()
    while line[-1] > 1 and len(line) < _DEEPEST:
        above = _parent(line[-1])
        if above == mine:
            return line[-2] if len(line) > 1 else peer
        line.append(above)
    return peer


def who_gives_way(connections: Mapping[socket.socket, int], newcomer: int) -> socket.socket | None:
    """One of ``connections`` (with their callers) to drop for a ``newcomer``: the oldest of the caller that has most.
    None when that is the newcomer itself, or has no more than two beyond it."""
    counts = Counter(connections.values())
    most = max(counts, key=counts.__getitem__, default=newcomer)
    if counts[most] <= counts[newcomer] + 2:
        return None
    return next(connection for connection, whose in connections.items() if whose == most)


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - once a connection
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
