"""What ``log``, ``show`` and ``status`` read from a ledger, also while another process writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from optimizer.ledger.codec import experiment_of, intent_of
from optimizer.ledger.database import Database
from optimizer.ledger.rollouts import Rollouts
from optimizer.ledger.rows import Campaign, Exam, ExperimentRow, Heartbeat, Intent, Pair, Pruning, Report, Totals

PAGE = 200

INSTANTS = """SELECT max(at) FROM (
    SELECT created_at AS at FROM campaign UNION ALL SELECT at FROM heartbeat
    UNION ALL SELECT max(started_at) FROM experiments UNION ALL SELECT max(ended_at) FROM experiments
    UNION ALL SELECT max(started_at) FROM rollouts UNION ALL SELECT max(ended_at) FROM rollouts
    UNION ALL SELECT max(at) FROM exams UNION ALL SELECT max(at) FROM prunings
    UNION ALL SELECT max(at) FROM reports UNION ALL SELECT max(at) FROM intents)"""
EXAMS = """SELECT exams.*, gates.gate FROM exams
    JOIN gates ON gates.subject = 'exam' AND gates.number = exams.number ORDER BY exams.number"""
PRUNINGS = """SELECT prunings.*, gates.gate FROM prunings
    JOIN gates ON gates.subject = 'pruning' AND gates.number = prunings.number ORDER BY prunings.number"""


def last_instant(database: Database) -> float:
    """The latest instant stored anywhere."""
    with database.read() as connection:
        return float(connection.execute(INSTANTS).fetchone()[0])


def experiments(
    database: Database, *, after: int = 0, newest_first: bool = False, limit: int | None = None, only: int | None = None
) -> Iterator[ExperimentRow]:
    """Read in pages, so that a long log neither holds the ledger nor fills the memory."""
    direction = "DESC" if newest_first else "ASC"
    low, high, left = after, 2**62 if only is None else only + 1, limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        with database.read() as connection:
            query = f"SELECT * FROM experiments WHERE number > ? AND number < ? ORDER BY number {direction} LIMIT ?"
            rows = connection.execute(query, (low, high, size)).fetchall()
        yield from map(experiment_of, rows)
        if len(rows) < size:
            return
        if newest_first:
            high = rows[-1]["number"]
        else:
            low = rows[-1]["number"]
        left = None if left is None else left - size


def unfinished(database: Database) -> ExperimentRow | None:
    """The experiment that is not done; there is never more than one."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM experiments WHERE state != 'done' ORDER BY number LIMIT 1").fetchone()
    return None if row is None else experiment_of(row)


def gate(database: Database) -> dict[str, Any] | None:
    """The gate's latest state."""
    with database.read() as connection:
        row = connection.execute("SELECT gate FROM gates ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else json.loads(row["gate"])


def gates(database: Database) -> Iterator[dict[str, Any]]:
    """Every state of the gate, in order."""
    with database.read() as connection:
        rows = connection.execute("SELECT gate FROM gates ORDER BY id").fetchall()
    return (json.loads(row["gate"]) for row in rows)


def intent(database: Database) -> Intent | None:
    """The pending intent."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM intents").fetchone()
    return None if row is None else intent_of(row)


def pairs(database: Database, rollouts: Rollouts, number: int) -> list[Pair]:
    """The scores of an experiment's variant and champion, as they were known when it was decided."""
    with database.read() as connection:
        query = "SELECT variant, champion, last_attempt FROM experiments WHERE number = ?"
        row = connection.execute(query, (number,)).fetchone()
    if row is None or row["variant"] is None:
        return []
    return rollouts.pairs(row["variant"], row["champion"], last_attempt=row["last_attempt"])


def exams(database: Database) -> list[Exam]:
    with database.read() as connection:
        rows = connection.execute(EXAMS).fetchall()
    names = ("number", "outcome", "champion", "against", "at")
    return [
        Exam(result=json.loads(row["result"]), gate=json.loads(row["gate"]), **{name: row[name] for name in names})
        for row in rows
    ]


def prunings(database: Database) -> list[Pruning]:
    with database.read() as connection:
        rows = connection.execute(PRUNINGS).fetchall()
    names = ("number", "champion", "final", "at")
    return [
        Pruning(result=json.loads(row["result"]), gate=json.loads(row["gate"]), **{name: row[name] for name in names})
        for row in rows
    ]


def reports(database: Database) -> list[Report]:
    with database.read() as connection:
        rows = connection.execute("SELECT number, at, result FROM reports ORDER BY number").fetchall()
    return [Report(number, at, json.loads(result)) for number, at, result in rows]


def heartbeat(database: Database) -> Heartbeat | None:
    with database.read() as connection:
        row = connection.execute("SELECT pid, at FROM heartbeat").fetchone()
    return None if row is None else Heartbeat(row["pid"], row["at"])


def totals(database: Database, rollouts: Rollouts, campaign: Campaign) -> Totals:
    """One consistent picture: everything is read in one transaction."""
    with database.read() as connection:
        verdicts = connection.execute(
            "SELECT verdict, count(*) FROM experiments WHERE state = 'done' GROUP BY verdict ORDER BY verdict"
        ).fetchall()
        outcomes = dict(connection.execute("SELECT outcome, count(*) FROM exams GROUP BY outcome").fetchall())
        current = connection.execute("SELECT min(number) FROM experiments WHERE state != 'done'").fetchone()[0]
        states = rollouts.counts()
        return Totals(
            campaign=campaign,
            tip=connection.execute("SELECT tip FROM campaign").fetchone()[0],
            verdicts={str(verdict): int(count) for verdict, count in verdicts},
            spend=rollouts.spent(),
            running=states.get("started", 0),
            interrupted=states.get("interrupted", 0),
            current=current,
            exams=sum(outcomes.values()),
            certified=outcomes.get("passed", 0),
            reports=connection.execute("SELECT count(*) FROM reports").fetchone()[0],
            heartbeat=heartbeat(database),
        )
