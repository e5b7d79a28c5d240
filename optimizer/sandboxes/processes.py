"""All processes below this one: found, measured, killed, whatever they did to get away.

Works because the caller is a child subreaper: an orphan, however many sessions and forks away, becomes its child.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_PAGE_KB = 1024


def adopt_orphans() -> bool:
    """Become the parent of every orphaned descendant; False where the system has no such thing."""
    if not sys.platform.startswith("linux"):
        return False
    return int(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) == 0


def die_with_parent() -> None:
    """Be killed when the thread that forked this process ends (Linux; elsewhere nothing happens)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@dataclass(slots=True)
class Descendants:
    """The processes below this one, kept up to date by :meth:`refresh` at the cost of looking at new ones only.

    A process once seen as no descendant never becomes one, and a descendant stays one (orphans become our children).
    """

    ours: set[int] = field(default_factory=set)
    _others: set[int] = field(default_factory=set)

    def refresh(self) -> set[int]:
        """Living descendants now, zombies included."""
        present = _pids()
        self.ours &= present
        self._others &= present
        parents = {}
        for pid in present - self.ours - self._others:
            parent = _parent(pid)
            if parent is not None:
                parents[pid] = parent
        mine, known = os.getpid(), len(self.ours) - 1
        while len(self.ours) != known:
            known = len(self.ours)
            self.ours |= {pid for pid, parent in parents.items() if parent == mine or parent in self.ours}
        self._others |= parents.keys() - self.ours
        return self.ours


def kill_descendants(*, give_up_s: float = 5.0, spare: frozenset[int] = frozenset()) -> int:
    """Kill and reap every descendant (and children in ``spare`` not) until none is left; how many there were.

    Each pass kills all that it sees, and what is forked meanwhile is killed in the next. Only processes that even
    SIGKILL does not end (a hung disk) are given up, when for ``give_up_s`` no new one has appeared beside them.
    """
    killed: set[int] = set()
    give_up = time.monotonic() + give_up_s
    while not _reap(spare) and time.monotonic() < give_up:
        below = _all_below(spare)
        if below - killed:
            give_up = time.monotonic() + give_up_s
        killed |= below
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        time.sleep(0.0005)
    return len(killed)


def memory_bytes(pid: int) -> int:
    """Memory that is a process's own: anonymous and shared-memory pages in use; 0 for one that is gone."""
    total = 0
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith((b"RssAnon:", b"RssShmem:")):
            total += int(line.split()[1]) * _PAGE_KB
    return total


def unnamed_bytes(pid: int) -> int:
    """Bytes in files that a process holds open and that have no name any more: they fill a tmpfs unseen."""
    total = 0
    try:
        names = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208
    except OSError:
        return 0
    for name in names:
        try:
            found = Path(f"/proc/{pid}/fd/{name}").stat()
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
            total += found.st_blocks * 512
    return total


def _reap(spare: frozenset[int]) -> bool:
    """Collect the dead; True when no child but those in ``spare`` is left."""
    if spare:
        # waitpid(-1) would take the exit status of spared ones away from their owner.
        return not _all_below(spare, collect=True)
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return False


def _all_below(spare: frozenset[int], *, collect: bool = False) -> set[int]:
    if not sys.platform.startswith("linux"):
        return set()
    parents = {}
    for pid in _pids() - spare:
        parent = _parent(pid)
        if parent is not None:
            parents[pid] = parent
    mine = os.getpid()
    if collect:
        for pid in [pid for pid, parent in parents.items() if parent == mine]:
            if _collect(pid):
                del parents[pid]
    below: set[int] = set()
    size = -1
    while len(below) != size:
        size = len(below)
        below |= {pid for pid, parent in parents.items() if parent == mine or parent in below}
    return below


def _collect(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _pids() -> set[int]:
    # Plain names: a Path for each would cost more than all the rest.
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208


def _parent(pid: int) -> int | None:
    text = _read(f"/proc/{pid}/stat")
    # The name in parentheses may hold anything; what follows the last one is: state, parent, ...
    fields = text[text.rfind(b")") + 1 :].split()
    return int(fields[1]) if len(fields) > 1 else None


def _read(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, 8192)
    except OSError:
        return b""
    finally:
        os.close(fd)
