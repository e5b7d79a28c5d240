"""Copies of the ledger to fall back on, and the text that points to them when it is unreadable."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import datetime
from pathlib import Path

from optimizer.errors import LedgerError
from optimizer.ledger.database import Database

NAMES = ("ledger.backup.db", "ledger.backup.1.db")
"""The last copy and the one before it."""


class Backups:
    """Decides when a copy is due: after ``every`` experiments or ``every_s`` seconds, whichever comes first."""

    def __init__(self, folder: Path, *, every: int = 100, every_s: float = 300.0) -> None:
        self._folder = folder
        self._every = every
        self._every_s = every_s
        self._count = 0
        self._at = time.monotonic() if (folder / NAMES[0]).exists() else float("-inf")

    def due(self) -> bool:
        """Called once after each experiment."""
        self._count += 1
        return self._count >= self._every or time.monotonic() - self._at >= self._every_s

    def make(self, database: Database) -> Path:
        """Copy, and only then let go of the oldest: there is a good copy at every moment."""
        last, before = (self._folder / name for name in NAMES)
        new = last.with_suffix(".new")
        new.unlink(missing_ok=True)
        try:
            database.copy_to(new)
            if last.exists():
                last.replace(before)
            new.replace(last)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        self._count, self._at = 0, time.monotonic()
        return last


def last_good(folder: Path) -> Path | None:
    """The newest copy that is whole."""
    return next((path for path in (folder / name for name in NAMES) if path.is_file() and _whole(path)), None)


def unreadable(path: Path, why: str) -> LedgerError:
    """The error for a ledger that cannot be trusted; it is left as it is."""
    what = f"{path}: the ledger is unreadable ({why}); it was left as it is"
    good = last_good(path.parent)
    if good is None:
        return LedgerError(
            what,
            hint="there is no copy yet; the kept variants are safe on the campaign's branch. "
            f"Move {path.parent} away and start a new campaign from that branch",
        )
    aside = "mkdir -p broken && mv ledger.db* broken/ && " if any(path.parent.glob("ledger.db*")) else ""
    made = datetime.fromtimestamp(good.stat().st_mtime).astimezone().isoformat(sep=" ", timespec="seconds")
    return LedgerError(
        what,
        hint=f"the last good state is {good}, of {made}. To go on from it: "
        f"cd '{path.parent}' && {aside}cp {good.name} ledger.db",
    )


def flush(folder: Path) -> None:
    """Make renames in ``folder`` survive the loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _whole(path: Path) -> bool:
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        finally:
            connection.close()
    except sqlite3.Error:
        return False
