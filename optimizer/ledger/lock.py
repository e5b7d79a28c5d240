"""One process at a time runs a campaign."""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

from optimizer.errors import CampaignBusy


class CampaignLock:
    """``flock`` on ``<folder>/lock``, with the process id inside; the kernel lets go of it when the process dies.

    A lock is shared with forked children, and one that outlives the process would go on holding it: children therefore
    close their copy as soon as they are forked.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self._handle = -1
        _forget_in_children(self)

    def __enter__(self) -> Self:
        """Raises CampaignBusy naming the process that holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _taken(handle):
            pid = _read(handle)
            os.close(handle)
            raise _busy(self.path.parent, pid)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle >= 0:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = -1

    def drop(self) -> None:
        """Close this process's copy without unlocking the others'."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def running_pid(folder: Path) -> int | None:
    """The process that runs the campaign now, if one does."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _read(handle)
    finally:
        os.close(handle)
    return None


def refuse_second(folder: Path) -> None:
    """Raises CampaignBusy when a process runs the campaign: an early look, before anything costly; the lock decides."""
    pid = running_pid(folder)
    if pid is not None:
        raise _busy(folder, pid)


def _busy(folder: Path, pid: int | None) -> CampaignBusy:
    return CampaignBusy(
        f"{folder}: the campaign is run by process {pid or 'unknown'} already",
        hint="follow it with 'ratchet status', end it with 'ratchet stop', or give this run another name",
    )


def _taken(handle: int) -> bool:
    """Try for a moment: somebody who only asks (:func:`running_pid`) holds the lock for an instant."""
    for pause_s in (0.01, 0.03, 0.1, 0.0):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(pause_s)
        else:
            return True
    return False


def _read(handle: int) -> int | None:
    text = os.pread(handle, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _forget_in_children(lock: CampaignLock) -> None:
    weak = weakref.ref(lock)

    def forget() -> None:
        held = weak()
        if held is not None:
            held.drop()

    os.register_at_fork(after_in_child=forget)
