"""One SQLite file in WAL mode: transactions, durability, the clock, and errors that a user understands."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from optimizer.errors import LedgerError

BUSY_TIMEOUT_S = 10.0
CORRUPTED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
FULL = "make room on the disk and start again: nothing half-written is left, the campaign goes on from here"


class Database:
    """A connection for one process, shared by its threads behind a lock.

    ``now`` is the wall clock in seconds since the epoch; tests hand in another. What :meth:`instant` returns never
    decreases, even when the clock goes backwards. Every SQLite error leaves here as a LedgerError.
    """

    def __init__(self, path: Path, *, read_only: bool = False, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self.read_only = read_only
        self._now = now
        self._last = 0.0
        self._lock = threading.RLock()
        self._durable = True
        self._relaxed = False
        with self.explained():
            mode = "ro" if read_only else "rwc"
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        if self.read_only:
            self._connection.execute("PRAGMA query_only = ON")
            return
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")

    def relax(self) -> None:
        """From here on nothing waits for the disk, whatever a transaction asks for: a loss of power may take the file.
        The death of the process still costs nothing that was committed."""
        with self._lock, self.explained():
            self._connection.execute("PRAGMA synchronous = OFF")
            self._relaxed = True

    @property
    def relaxed(self) -> bool:
        """Whether :meth:`relax` was called."""
        return self._relaxed

    def close(self) -> None:
        """Close the connection; the last one to close folds the log back into the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or, when anything raises, nothing.

        Every committed transaction survives the death of the process. With ``durable`` it, and all before it, survive
        the loss of power too: the log is flushed to the disk, which is most of what a transaction costs.
        """
        with self._lock, self.explained():
            if durable is not self._durable and not self._relaxed:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._durable = durable
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one or more queries that see the same state."""
        with self._lock, self.explained():
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")

    def instant(self) -> float:
        """Now, in seconds since the epoch, but never before an instant given out or stored earlier."""
        with self._lock:
            self._last = max(self._last, self._now())
            return self._last

    def not_before(self, instant: float) -> None:
        """Let no later :meth:`instant` lie before this one."""
        with self._lock:
            self._last = max(self._last, instant)

    def check(self) -> str:
        """``ok``, or what SQLite finds wrong with the file."""
        with self._lock:
            try:
                return str(self._connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            except sqlite3.DatabaseError as error:
                if code_of(error) in CORRUPTED:
                    return str(error)
                raise self._explain(error) from error

    def copy_to(self, path: Path) -> None:
        """A consistent copy in one file without a log, flushed to the disk; readers and writers may go on."""
        with self._lock, self.explained():
            copy = sqlite3.connect(path, isolation_level=None)
            try:
                self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()

    def read_from_copy(self, change: Callable[[sqlite3.Connection], object]) -> None:
        """From here on, read a copy in memory that ``change`` was made to; the file stays as it is, and what others
        write to it is not seen any more."""
        with self._lock, self.explained():
            copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            try:
                self._connection.backup(copy)
                change(copy)
            except BaseException:
                copy.close()
                raise
            self._connection.close()
            self._connection = copy
            self._prepare()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """SQLite's errors as LedgerErrors."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _explain(self, error: sqlite3.Error) -> LedgerError:
        code = code_of(error)
        if code in CORRUPTED:
            return LedgerError(
                f"{self.path}: the ledger is corrupted ({error})",
                hint="stop every process that uses it and start 'ratchet run' again: it checks the file and names the "
                "last good copy",
            )
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return LedgerError(f"{self.path}: the ledger cannot be written ({error})", hint=FULL)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return LedgerError(
                f"{self.path}: another program has held the ledger for {BUSY_TIMEOUT_S:.0f} s ({error})",
                hint="close the program that has it open ('fuser' names it) and start again",
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return LedgerError(
                f"{self.path}: the ledger cannot be opened for {'reading' if self.read_only else 'writing'} ({error})",
                hint="see that you own the file and its folder, and may write there",
            )
        return LedgerError(f"{self.path}: the ledger refused a statement ({error})", hint="this is a fault: report it")


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary result code, 0 when the error did not come from SQLite itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
