"""The campaign's temporary folder: on tmpfs where there is one, gone when the campaign is, even when it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

PREFIX = "ratchet-"
SHM = Path("/dev/shm")
ENOUGH_BYTES = 512 * 1024 * 1024
"""Free space that a tmpfs must have to be used."""
EXPORTS_KEPT = 8


class Scratch:
    """A private folder (mode 700), named ``ratchet-<pid>-...`` after its owner and locked by it.

    A lock rather than the process id alone tells the living from the dead: process ids mean nothing across containers
    that share one tmpfs.
    """

    def __init__(self, base: Path | None = None) -> None:
        base = base or choose_base()
        remove_leftovers(base)
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
        self._owner = os.getpid()
        self._lock_fd = _lock(self.path)
        self._lock = threading.Lock()
        self._count = 0
        self._exports: dict[str, Path] = {}

    def export(self, tree: str, files: Mapping[str, bytes]) -> Path:
        """The folder with ``files``, written once per ``tree``; the few latest are kept.

        Raises :class:`ValueError` for a path that is absolute or leaves the folder.
        """
        with self._lock:
            found = self._exports.pop(tree, None)
            if found is None:
                found = self._new("tree")
                write_files(found, files)
            self._exports[tree] = found
            while len(self._exports) > EXPORTS_KEPT:
                remove_tree(self._exports.pop(next(iter(self._exports))))
            return found

    def folder(self) -> Path:
        """A new empty folder; whoever asked removes it with :func:`remove_tree`."""
        with self._lock:
            return self._new("rollout")

    @property
    def socket(self) -> Path:
        """Where the model door may listen; short enough for a unix socket's address."""
        return self.path / "door"

    def close(self) -> None:
        """Remove everything; harmless when repeated, and in a forked child."""
        if self._lock_fd < 0 or os.getpid() != self._owner:
            return
        remove_tree(self.path)
        os.close(self._lock_fd)
        self._lock_fd = -1

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new(self, kind: str) -> Path:
        self._count += 1
        folder = self.path / f"{kind}-{self._count}"
        folder.mkdir(mode=0o700)
        return folder


def choose_base() -> Path:
    """``/dev/shm`` when it is there, writable and roomy; else the system's temporary folder."""
    try:
        space = os.statvfs(SHM)
        if os.access(SHM, os.W_OK | os.X_OK) and space.f_bavail * space.f_frsize >= ENOUGH_BYTES:
            return SHM
    except OSError:
        pass
    return Path(tempfile.gettempdir()).resolve()


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a tree of files (posix relative path to content) below ``folder``."""
    for name in sorted(files):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"got path {name!r}, expected one relative to the harness folder and inside it")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[name])


def remove_leftovers(base: Path) -> None:
    """Remove the folders of campaigns that were killed: those of this user that no living process holds."""
    for folder in sorted(base.glob(f"{PREFIX}[0-9]*-*")):
        try:
            found = folder.lstat()
            pid = int(folder.name.removeprefix(PREFIX).split("-")[0])
            if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or _alive(pid):
                continue
            held = _lock(folder)
        except (OSError, ValueError):
            continue
        remove_tree(folder)
        os.close(held)


def remove_tree(folder: Path) -> None:
    """Remove a folder that untrusted code wrote, unreadable folders and endless nesting included; follows no link."""

    def unlock(function: Callable[..., Any], path: str, _: object) -> None:
        parent = Path(path).parent
        parent.chmod(0o700)
        if function in (os.scandir, os.open, os.lstat):
            Path(path).chmod(0o700)
            shutil.rmtree(path)
        else:
            function(path)

    try:
        shutil.rmtree(folder, onerror=unlock)
    except (OSError, RecursionError):
        # rm walks by descriptors and does not recurse by path: it copes with what rmtree cannot.
        subprocess.run(["chmod", "-R", "u+rwx", str(folder)], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", "--", str(folder)], check=False, capture_output=True)


def _lock(folder: Path) -> int:
    """Hold ``folder`` until the descriptor is closed; raises :class:`BlockingIOError` when another process holds it."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
