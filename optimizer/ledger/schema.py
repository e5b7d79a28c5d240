"""The ledger's tables, as named migrations that each run once, in one transaction."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x52544348
"""Marks the file as a ledger: ``RTCH`` in SQLite's header."""

_SPEND_AT_FIRST = {
    "rollouts": "INTEGER",
    "calls": "INTEGER",
    "input_tokens": "INTEGER",
    "output_tokens": "INTEGER",
    "cache_read_tokens": "INTEGER",
    "cache_write_tokens": "INTEGER",
    "usd": "REAL",
    "seconds": "REAL",
}
_SPEND_SINCE_0005 = {"cache_write_1h_tokens": "INTEGER", "cache_missed_tokens": "INTEGER", "usd_uncached": "REAL"}

_SPEND_SINCE_0006 = {"unpriced_calls": "INTEGER"}
_SPEND_SINCE_0007 = dict.fromkeys(("usd_input", "usd_cache_write", "usd_cache_read", "usd_cache_missed"), "REAL")

SPEND_COLUMNS = (*_SPEND_AT_FIRST, *_SPEND_SINCE_0005, *_SPEND_SINCE_0006, *_SPEND_SINCE_0007)
"""The fields of :class:`optimizer.records.Spend`, in order."""

_SPEND = ", ".join(f"{name} {kind} NOT NULL DEFAULT 0" for name, kind in _SPEND_AT_FIRST.items())

MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "0001_campaign",
        (
            """CREATE TABLE campaign (
                one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, experiment TEXT NOT NULL,
                settings TEXT NOT NULL, seed INTEGER NOT NULL, suite TEXT NOT NULL, ref TEXT NOT NULL,
                baseline TEXT NOT NULL, harness TEXT NOT NULL, python TEXT NOT NULL, created_at REAL NOT NULL,
                tip TEXT NOT NULL)""",
            """CREATE TABLE heartbeat (
                one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER NOT NULL, at REAL NOT NULL)""",
        ),
    ),
    (
        "0002_experiments",
        (
            f"""CREATE TABLE experiments (
                number INTEGER PRIMARY KEY, state TEXT NOT NULL, proposal TEXT NOT NULL, champion TEXT NOT NULL,
                started_at REAL NOT NULL, variant TEXT, diff TEXT NOT NULL DEFAULT '',
                assignment TEXT NOT NULL DEFAULT '{{}}', verdict TEXT, decision TEXT, lesson TEXT, value REAL,
                commit_id TEXT, {_SPEND.replace("seconds", "rollout_seconds")}, ended_at REAL,
                seconds REAL NOT NULL DEFAULT 0, last_attempt INTEGER)""",
            "CREATE INDEX experiments_by_state ON experiments (state, verdict)",
            """CREATE TABLE gates (
                id INTEGER PRIMARY KEY, subject TEXT NOT NULL, number INTEGER NOT NULL, gate TEXT NOT NULL)""",
            """CREATE TABLE intents (
                one INTEGER PRIMARY KEY CHECK (one = 1), subject TEXT NOT NULL, number INTEGER NOT NULL,
                moves TEXT NOT NULL, record TEXT NOT NULL, at REAL NOT NULL)""",
        ),
    ),
    (
        "0003_rollouts",
        (
            f"""CREATE TABLE rollouts (
                attempt INTEGER PRIMARY KEY, tree TEXT NOT NULL, suite TEXT NOT NULL, task TEXT NOT NULL,
                seed INTEGER NOT NULL, state TEXT NOT NULL, purpose TEXT NOT NULL, experiment INTEGER,
                score REAL, reason TEXT NOT NULL DEFAULT '', answer TEXT, steps INTEGER NOT NULL DEFAULT 0, {_SPEND},
                started_at REAL NOT NULL, ended_at REAL)""",
            """CREATE UNIQUE INDEX rollouts_finished ON rollouts (tree, suite, task, seed)
                WHERE state IN ('ok', 'crash', 'timeout')""",
            """CREATE UNIQUE INDEX rollouts_started ON rollouts (tree, suite, task, seed) WHERE state = 'started'""",
            f"CREATE TABLE spent (purpose TEXT PRIMARY KEY, {_SPEND}) WITHOUT ROWID",
        ),
    ),
    (
        "0004_exams_and_reports",
        (
            """CREATE TABLE exams (
                number INTEGER PRIMARY KEY, outcome TEXT NOT NULL, champion TEXT NOT NULL, against TEXT NOT NULL,
                result TEXT NOT NULL, at REAL NOT NULL)""",
            "CREATE TABLE reports (number INTEGER PRIMARY KEY, at REAL NOT NULL, result TEXT NOT NULL)",
        ),
    ),
    (
        "0005_prompt_cache",
        tuple(
            f"ALTER TABLE {table} ADD COLUMN {name} {kind} NOT NULL DEFAULT 0"
            for table in ("experiments", "rollouts", "spent")
            for name, kind in _SPEND_SINCE_0005.items()
        ),
    ),
    (
        "0006_unknown_prices",
        tuple(
            f"ALTER TABLE {table} ADD COLUMN {name} {kind} NOT NULL DEFAULT 0"
            for table in ("experiments", "rollouts", "spent")
            for name, kind in _SPEND_SINCE_0006.items()
        ),
    ),
    (
        "0007_dollars_by_kind",
        tuple(
            f"ALTER TABLE {table} ADD COLUMN {name} {kind} NOT NULL DEFAULT 0"
            for table in ("experiments", "rollouts", "spent")
            for name, kind in _SPEND_SINCE_0007.items()
        ),
    ),
    (
        "0008_prunings",
        (
            """CREATE TABLE prunings (
                number INTEGER PRIMARY KEY, champion TEXT NOT NULL, final TEXT NOT NULL, result TEXT NOT NULL,
                at REAL NOT NULL)""",
        ),
    ),
)


def applied(connection: sqlite3.Connection) -> list[str]:
    """The names of the migrations that the file has seen, in order; empty for a new file."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone():
        return []
    return [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY rowid")]


def pending(connection: sqlite3.Connection) -> list[str]:
    """The names of the migrations still to run."""
    seen = set(applied(connection))
    return [name for name, _ in MIGRATIONS if name not in seen]


def unknown(connection: sqlite3.Connection) -> list[str]:
    """The names of migrations that a newer version has run on the file."""
    known = {name for name, _ in MIGRATIONS}
    return [name for name in applied(connection) if name not in known]


def migrate(connection: sqlite3.Connection, now: float) -> list[str]:
    """Run what is pending, each migration in its own transaction, and return the names. The connection must be in
    autocommit mode (``isolation_level=None``)."""
    done = pending(connection)
    statements = dict(MIGRATIONS)
    for name in done:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL UNIQUE, applied_at REAL NOT NULL)"
            )
            for statement in statements[name]:
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (name, now))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return done
