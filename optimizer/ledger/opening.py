"""Making and opening a ledger file: whole, known and checked, or refused and left as it is."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path

from optimizer.errors import CampaignMissing, LedgerError
from optimizer.ledger import schema
from optimizer.ledger.backup import NAMES, flush, unreadable
from optimizer.ledger.codec import dump
from optimizer.ledger.database import FULL, Database, code_of
from optimizer.ledger.rows import Campaign

HEADER = b"SQLite format 3\x00"
LOGS = ("-wal", "-shm", "-journal")


def create(path: Path, campaign: Campaign, now: Callable[[], float]) -> Database:
    """A new ledger with its campaign record. It is built beside its place and renamed, so that a file called
    ``ledger.db`` is never half-made: an empty one was damaged."""
    if path.exists():
        raise LedgerError(
            f"{path}: got a ledger that is there already, expected none",
            hint="go on with it ('ratchet run' resumes), or give the new campaign another name",
        )
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_make(path, error) from error
    try:
        _remove(new)
        database = Database(new, now=now)
        try:
            _fill(database, campaign)
        finally:
            database.close()
        new.rename(path)
        flush(path.parent)
    except OSError as error:
        raise _cannot_make(path, error) from error
    finally:
        _remove(new)
    return Database(path, now=now)


def open_existing(path: Path, read_only: bool, now: Callable[[], float]) -> Database:
    """The ledger at ``path``, checked from end to end and brought up to date (for a reader: a copy of it in memory).

    Raises CampaignMissing when there is none, LedgerError when it is unreadable or from a newer version.
    """
    if not path.exists():
        if any((path.parent / name).exists() for name in NAMES):
            raise unreadable(path, "the file is gone")
        raise CampaignMissing(f"{path.parent}: there is no campaign", hint="start one with 'ratchet run'")
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        hint = "see that you own the file and may read it"
        raise LedgerError(f"{path}: the ledger cannot be read ({error.strerror})", hint=hint) from error
    if len(head) < 100 or not head.startswith(HEADER):
        raise unreadable(path, f"got a file of {path.stat().st_size} bytes that is no SQLite database")
    try:
        database = Database(path, read_only=read_only, now=now)
    except LedgerError as error:
        raise _or_unreadable(path, error) from error
    try:
        _check(database, path)
    except LedgerError as error:
        database.close()
        raise _or_unreadable(path, error) from error
    except BaseException:
        database.close()
        raise
    return database


def _fill(database: Database, campaign: Campaign) -> None:
    at = database.instant()
    with database.explained():
        with database.read() as connection:
            pass
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        schema.migrate(connection, at)
    with database.write(durable=True) as connection:
        names = ("name", "experiment", "seed", "suite", "ref", "baseline", "harness", "python")
        values = [getattr(campaign, name) for name in names]
        connection.execute(
            f"INSERT INTO campaign (one, {', '.join(names)}, settings, created_at, tip) "
            f"VALUES (1, {', '.join('?' * len(names))}, ?, ?, ?)",
            (*values, dump(campaign.settings), at, campaign.baseline),
        )


def _check(database: Database, path: Path) -> None:
    problem = database.check()
    if problem != "ok":
        raise unreadable(path, problem)
    with database.read() as connection:
        newer = schema.unknown(connection)
        older = schema.pending(connection)
    if newer:
        raise LedgerError(
            f"{path}: the ledger was written by a newer Ratchet (it has {', '.join(newer)})",
            hint="use that version, or upgrade this one",
        )
    at = database.instant()
    if older and database.read_only:
        # Whoever only looks changes nothing: 'ratchet run' brings the file itself up to date.
        database.read_from_copy(lambda copy: schema.migrate(copy, at))
    elif older:
        with database.explained():
            schema.migrate(connection, at)
    with database.read() as connection:
        if connection.execute("SELECT count(*) FROM campaign").fetchone()[0] != 1:
            raise unreadable(path, "it holds no campaign record")


def _cannot_make(path: Path, error: OSError) -> LedgerError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    hint = FULL if full else "see that its folder can be made, and that you may write there"
    return LedgerError(f"{path}: the ledger cannot be made ({error.strerror})", hint=hint)


def _or_unreadable(path: Path, error: LedgerError) -> LedgerError:
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error) and code_of(cause) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return unreadable(path, str(cause))
    return error


def _remove(path: Path) -> None:
    for suffix in ("", *LOGS):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
