"""A file of recorded exchanges: requests, answers and what they cost, in SQLite.

An exchange is found by the rollout's session, the request's content hash, and the how-many-th time the session asked
it; or by the hash and the session's seed, whatever the session. A request is kept as the pieces that it is made of
(system prompt, tools, each message), each stored once and compressed: a conversation that grows by two messages a call
takes the room of two messages a call. Written as it happens, in WAL mode: a killed process loses nothing that was
answered.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import zlib
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

from optimizer.errors import SettingsError
from optimizer.records import Spend
from search_space.messages import Request, Response

APPLICATION_ID = 0x52545852
"""Marks the file as one of ours: ``RTXR`` in SQLite's header."""
FORMAT = "1"
SESSIONS_KNOWN = 4096
BUSY_S = 30.0
SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pieces (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE TABLE exchanges (
    id INTEGER PRIMARY KEY, session TEXT NOT NULL, request BLOB NOT NULL, nth INTEGER NOT NULL, seed TEXT NOT NULL,
    body BLOB NOT NULL, response BLOB NOT NULL, spend TEXT NOT NULL, worst TEXT NOT NULL,
    UNIQUE (session, request, nth));
CREATE INDEX exchanges_by_request ON exchanges (request, seed);
"""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer, what it cost, and what was set aside for it."""

    response: Response
    spend: Spend
    worst: Spend


class Exchanges:
    """The file at ``path``. Safe to use from any number of threads, and to write from several processes."""

    def __init__(self, path: Path, *, write: bool) -> None:
        """Open it, and make it when ``write`` says so. Raises :class:`SettingsError` when that cannot be."""
        self.path = path
        self._lock = threading.Lock()
        self._connection = _open(path, write=write)

    def close(self) -> None:
        """Leave one plain file, where nobody else has it open."""
        with self._lock, suppress(sqlite3.Error):
            if not self._connection.execute("PRAGMA query_only").fetchone()[0]:
                self._connection.execute("PRAGMA journal_mode = DELETE")
            self._connection.close()

    def describe(self, name: str, value: str) -> None:
        """Note something about the whole recording, such as the model's name."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def description(self, name: str) -> str:
        """What :meth:`describe` noted; empty when nothing was."""
        row = self._one("SELECT value FROM about WHERE name = ?", name)
        return str(row[0]) if row else ""

    def forget(self, session: str) -> None:
        """Remove the exchanges of ``session``: it begins anew."""
        with self._writing() as connection:
            connection.execute("DELETE FROM exchanges WHERE session = ?", (session,))

    def add(self, session: str, seed: int, nth: int, request: Request, exchange: Exchange) -> None:
        """Record that the ``nth`` time ``session`` asked ``request`` it got this."""
        with self._writing() as connection:
            body = _packed(_skeleton(request, lambda piece: _piece_id(connection, piece)))
            figures = _figures(exchange.spend), _figures(exchange.worst)
            connection.execute(
                "INSERT OR REPLACE INTO exchanges (session, request, nth, seed, body, response, spend, worst) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (session, digest(request), nth, str(seed), body, _packed(exchange.response), *figures),
            )

    def find(self, session: str, seed: int, nth: int, request: Request) -> Exchange | None:
        """What ``session`` got, else any session with this seed: the ``nth`` of those, or the last that there is."""
        columns, hashed = "SELECT response, spend, worst FROM exchanges WHERE", digest(request)
        row = self._one(f"{columns} session = ? AND request = ? AND nth = ?", session, hashed, nth)
        if row is None:
            query = f"{columns} request = ? AND seed = ? AND nth <= ? ORDER BY nth DESC, session LIMIT 1"
            row = self._one(query, hashed, str(seed), nth)
        if row is None:
            return None
        return Exchange(cast(Response, _unpacked(row[0])), Spend(**json.loads(row[1])), Spend(**json.loads(row[2])))

    def worst(self, request: Request) -> Spend | None:
        """What was set aside for ``request``; it depends on nothing else."""
        row = self._one("SELECT worst FROM exchanges WHERE request = ? LIMIT 1", digest(request))
        return Spend(**json.loads(row[0])) if row else None

    def call(self, session: str, place: int) -> Request | None:
        """The request of the ``place``-th call (from 0) that is recorded of ``session``, or of its last; None: none."""
        count = self._one("SELECT count(*) FROM exchanges WHERE session = ?", session)
        if not count or not count[0]:
            return None
        query = "SELECT body FROM exchanges WHERE session = ? ORDER BY id LIMIT 1 OFFSET ?"
        row = self._one(query, session, min(place, count[0] - 1))
        return None if row is None else cast(Request, self._whole(_unpacked(row[0])))

    def sessions(self) -> int:
        """How many sessions are recorded."""
        row = self._one("SELECT count(DISTINCT session) FROM exchanges")
        return int(row[0]) if row else 0

    def _whole(self, skeleton: Mapping[str, Any]) -> dict[str, Any]:
        def piece(number: int) -> Any:
            row = self._one("SELECT data FROM pieces WHERE id = ?", number)
            return None if row is None else _unpacked(row[0])

        whole = {key: piece(value) if key in ("system", "tools") else value for key, value in skeleton.items()}
        return {**whole, "messages": [piece(number) for number in skeleton["messages"]]}

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        with self._lock:
            return cast("tuple[Any, ...] | None", self._connection.execute(query, values).fetchone())

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise


class Asked:
    """How often each session asked each request: the same sequence gives the same numbers. A session that was opened
    again (``name#2``, as the door calls it) begins anew under its own name; the latest sessions are remembered."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Counter[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, session: str, request: Request) -> tuple[str, int, int]:
        """The session's own name, how many-th time it asks ``request`` (from 1), and its calls before this one."""
        with self._lock:
            known = self._sessions.setdefault(session, Counter())
            self._sessions.move_to_end(session)
            if len(self._sessions) > SESSIONS_KNOWN:
                self._sessions.popitem(last=False)
            before = known.total()
            key = digest(request)
            known[key] += 1
            return re.sub(r"#\d+$", "", session), known[key], before


def digest(request: Request) -> bytes:
    """The content hash of a request: of its JSON with sorted keys."""
    return _hash(json.dumps(request, sort_keys=True, separators=(",", ":")).encode("ascii"))


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def _figures(spend: Spend) -> str:
    return json.dumps({name: value for name, value in asdict(spend).items() if value}, separators=(",", ":"))


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"))


def _unpacked(data: bytes) -> Any:
    return json.loads(zlib.decompress(data))


def _skeleton(request: Request, keep: Any) -> dict[str, Any]:
    """``request`` with its large parts replaced by what ``keep`` makes of them."""
    whole: dict[str, Any] = {
        key: keep(value) if key in ("system", "tools") else value for key, value in request.items()
    }
    return {**whole, "messages": [keep(message) for message in request["messages"]]}


def _piece_id(connection: sqlite3.Connection, piece: Any) -> int:
    plain = json.dumps(piece, separators=(",", ":")).encode("ascii")
    hashed = _hash(plain)
    row = connection.execute("SELECT id FROM pieces WHERE hash = ?", (hashed,)).fetchone()
    if row is None:
        cursor = connection.execute("INSERT INTO pieces (hash, data) VALUES (?, ?)", (hashed, zlib.compress(plain)))
        return int(cursor.lastrowid or 0)
    return int(row[0])


def _open(path: Path, *, write: bool) -> sqlite3.Connection:
    expected = "expected a recording that 'record' under [model] made"
    if not write and not path.is_file():
        got = "a folder" if path.is_dir() else "no such file"
        raise SettingsError(f"{path}: got {got}, {expected}", hint="record a campaign first, or mend the path")
    connection: sqlite3.Connection | None = None
    try:
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path, write=write)
        marked = connection.execute("PRAGMA application_id").fetchone()[0]
        if marked == 0 and write and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            _create(connection)
        elif marked != APPLICATION_ID:
            raise SettingsError(f"{path}: got another kind of file, {expected}", hint="name another file")
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        found = connection.execute("SELECT value FROM about WHERE name = 'format'").fetchone()
        if found is None or found[0] != FORMAT:
            raise SettingsError(f"{path}: got format {found and found[0]}, expected {FORMAT}", hint="record it anew")
    except (sqlite3.Error, OSError) as error:
        if connection is not None:
            connection.close()
        what = f"cannot be written: {error}" if write else f"cannot be read ({error}), {expected}"
        raise SettingsError(f"{path}: the recording {what}", hint="name another file under [model]") from None
    return connection


def _connect(path: Path, *, write: bool) -> sqlite3.Connection:
    if write:
        return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    # A recording that a killed process left has a log to be read in; where nothing may be written, there is none.
    for how in ("mode=rw", "mode=ro", "immutable=1"):
        try:
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?{how}",
                uri=True,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA query_only = 1")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.OperationalError as error:
            last = error
    raise last


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        for statement in SCHEMA.strip().split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO about VALUES ('format', ?)", (FORMAT,))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")
