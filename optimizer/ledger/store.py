"""The ledger: what happened, in SQLite, durable, and readable by others while it is written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from sqlite3 import Connection
from types import TracebackType
from typing import Any, Self

from optimizer.ledger import opening, reading
from optimizer.ledger.backup import Backups
from optimizer.ledger.codec import campaign_of, dump, outcome_of, outcome_record, proposal_text, spend_values
from optimizer.ledger.database import Database
from optimizer.ledger.rollouts import Rollouts
from optimizer.ledger.rows import (
    Campaign,
    Exam,
    ExperimentRow,
    Heartbeat,
    Intent,
    Outcome,
    Pair,
    Pruning,
    Report,
    State,
    Totals,
)
from optimizer.ledger.schema import SPEND_COLUMNS
from optimizer.records import Proposal
from search_space.space import Assignment

FILE = "ledger.db"

FINISH = f"""UPDATE experiments SET state = 'done', verdict = ?, decision = ?, lesson = ?, value = ?, commit_id = ?,
    {", ".join(f"{'rollout_seconds' if name == 'seconds' else name} = ?" for name in SPEND_COLUMNS)}, ended_at = ?,
    seconds = ?, last_attempt = (SELECT max(attempt) FROM rollouts) WHERE number = ?"""


class Ledger:
    """One campaign's ledger, ``<folder>/ledger.db``. One process writes (it holds the campaign's lock), any may read.

    ``rollouts`` is the store that the evaluation runner asks for. Methods are safe to call from several threads. Every
    method may raise LedgerError: disk full, corrupted, held by another program.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self.folder = folder
        self.rollouts = Rollouts(database)
        self._database = database
        self._backups = Backups(folder)
        with database.read() as connection:
            self.campaign = campaign_of(connection.execute("SELECT * FROM campaign").fetchone())
        database.not_before(reading.last_instant(database))
        current = self.unfinished()
        self.rollouts.experiment = None if current is None else current.number

    @classmethod
    def create(cls, folder: Path, campaign: Campaign, *, now: Callable[[], float] = time.time) -> Self:
        """Make a new ledger; its branch is expected at ``campaign.baseline``. Raises LedgerError when there is one."""
        return cls(folder, opening.create(folder / FILE, campaign, now))

    @classmethod
    def open(
        cls, folder: Path, *, read_only: bool = False, durable: bool = True, now: Callable[[], float] = time.time
    ) -> Self:
        """Open an existing one; ``read_only`` works while another process writes. One that is not ``durable`` survives
        the death of the process, but not the loss of power, and makes no copies: for campaigns that are thrown away.

        Raises CampaignMissing when there is none, LedgerError when it is unreadable: the error names the last good
        copy, and nothing is overwritten.
        """
        database = opening.open_existing(folder / FILE, read_only, now)
        if not durable:
            database.relax()
        return cls(folder, database)

    def close(self) -> None:
        """Nothing is lost without it."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The way of an experiment: propose, evaluate, then one of the functions of settle.py.

    def propose(self, number: int, proposal: Proposal, *, champion: str) -> None:
        """An experiment begins, against the harness tree ``champion``."""
        with self._database.write() as connection:
            query = "INSERT INTO experiments (number, state, proposal, champion, started_at) VALUES (?, ?, ?, ?, ?)"
            values = (number, State.proposed, proposal_text(proposal), champion, self._database.instant())
            connection.execute(query, values)
        self.rollouts.experiment = number

    def evaluate(self, number: int, *, variant: str, diff: str, assignment: Assignment) -> None:
        """Its variant is made and will be measured. Saying it again, after a crash, changes nothing."""
        with self._database.write() as connection:
            what = "state = 'evaluating', variant = ?, diff = ?, assignment = ?"
            query = f"UPDATE experiments SET {what} WHERE number = ? AND state IN ('proposed', 'evaluating')"
            connection.execute(query, (variant, diff, dump(assignment), number))

    def finish(self, outcome: Outcome, *, commit: str | None = None) -> None:
        """Its end, durably, in one transaction. Use :mod:`optimizer.ledger.settle`, which moves the branch as well."""
        with self._database.write(durable=True) as connection:
            self._finish(connection, outcome, commit)
        self.rollouts.experiment = None

    def _finish(self, connection: Connection, outcome: Outcome, commit: str | None) -> None:
        record = outcome_record(outcome)
        lesson = None if outcome.lesson is None else dump(record["lesson"])
        told = (outcome.decision.verdict.value, dump(record["decision"]), lesson, outcome.value, commit)
        spend = spend_values(outcome.spend)
        connection.execute(FINISH, (*told, *spend, self._database.instant(), outcome.seconds, outcome.number))
        self._keep_gate(connection, "experiment", outcome.number, outcome.gate)

    # Two-phase settling.

    def intend(self, intent: Intent) -> None:
        """Write down, durably, what is about to be done to git."""
        with self._database.write(durable=True) as connection:
            moves = [{"ref": move.ref, "old": move.old, "new": move.new} for move in intent.moves]
            values = (intent.subject, intent.number, dump(moves), dump(intent.record), self._database.instant())
            query = "INSERT INTO intents (one, subject, number, moves, record, at) VALUES (1, ?, ?, ?, ?, ?)"
            connection.execute(query, values)
            if intent.subject == "experiment":
                connection.execute("UPDATE experiments SET state = 'settling' WHERE number = ?", (intent.number,))

    def confirm(self, intent: Intent) -> None:
        """It is done: record the outcome, the branch's new place, and forget the intent. Not flushed to the disk: if it
        is lost with the power, the intent is still there and is confirmed again."""
        with self._database.write() as connection:
            for move in intent.moves:
                if move.ref == self.campaign.ref:
                    connection.execute("UPDATE campaign SET tip = ?", (move.new,))
            match intent.subject:
                case "experiment":
                    self._finish(connection, outcome_of(intent.record), intent.moves[0].new)
                case "exam":
                    self._examined(connection, Exam(**intent.record))
                case _:
                    self._pruned(connection, Pruning(**intent.record))
            connection.execute("DELETE FROM intents")
        self.rollouts.experiment = None

    def undo(self, intent: Intent) -> None:
        """It cannot be done: the experiment is undecided again."""
        with self._database.write(durable=True) as connection:
            if intent.subject == "experiment":
                connection.execute("UPDATE experiments SET state = 'evaluating' WHERE number = ?", (intent.number,))
            connection.execute("DELETE FROM intents")

    def intent(self) -> Intent | None:
        """What was begun and not confirmed, if anything."""
        return reading.intent(self._database)

    # Exams, reports, signs of life.

    def examine(self, exam: Exam) -> None:
        """Record an exam that moves no ref, durably."""
        with self._database.write(durable=True) as connection:
            self._examined(connection, exam)

    def remember(self, gate: Mapping[str, Any]) -> None:
        """Record, durably, a state of the gate that no experiment or exam brought about."""
        with self._database.write(durable=True) as connection:
            self._keep_gate(connection, "campaign", 0, gate)

    def report(self, result: Mapping[str, Any], gate: Mapping[str, Any] | None = None) -> Report:
        """Record, durably, one look at the holdout, with the gate's state after it; its number counts the looks."""
        with self._database.write(durable=True) as connection:
            at = self._database.instant()
            cursor = connection.execute("INSERT INTO reports (at, result) VALUES (?, ?)", (at, dump(result)))
            number = int(cursor.lastrowid or 0)
            if gate is not None:
                self._keep_gate(connection, "report", number, gate)
            return Report(number, at, result)

    def beat(self) -> None:
        """A sign of life: process id and time."""
        with self._database.write() as connection:
            values = (os.getpid(), self._database.instant())
            connection.execute("INSERT OR REPLACE INTO heartbeat (one, pid, at) VALUES (1, ?, ?)", values)

    def backup_if_due(self) -> Path | None:
        """To be called after each experiment: copies the ledger to ``ledger.backup.db`` every 100 experiments or five
        minutes, and keeps the copy before that. Returns the copy when one was made."""
        if self._database.relaxed or not self._backups.due():
            return None
        return self._backups.make(self._database)

    def _examined(self, connection: Connection, exam: Exam) -> None:
        values = (exam.number, exam.outcome, exam.champion, exam.against, dump(exam.result), self._database.instant())
        connection.execute("INSERT INTO exams VALUES (?, ?, ?, ?, ?, ?)", values)
        self._keep_gate(connection, "exam", exam.number, exam.gate)

    def _pruned(self, connection: Connection, pruning: Pruning) -> None:
        values = (pruning.number, pruning.champion, pruning.final, dump(pruning.result), self._database.instant())
        connection.execute("INSERT INTO prunings VALUES (?, ?, ?, ?, ?)", values)
        self._keep_gate(connection, "pruning", pruning.number, pruning.gate)

    def _keep_gate(self, connection: Connection, subject: str, number: int, gate: Mapping[str, Any]) -> None:
        connection.execute("INSERT INTO gates (subject, number, gate) VALUES (?, ?, ?)", (subject, number, dump(gate)))

    # What is in it.

    @property
    def tip(self) -> str:
        """The commit at which the campaign left its branch."""
        with self._database.read() as connection:
            return str(connection.execute("SELECT tip FROM campaign").fetchone()[0])

    def gate(self) -> dict[str, Any] | None:
        """The gate's state after the last experiment or exam."""
        return reading.gate(self._database)

    def gates(self) -> Iterator[dict[str, Any]]:
        """Every state of the gate that was recorded, in order."""
        return reading.gates(self._database)

    def next_number(self) -> int:
        """The number of the next experiment, counting from 1."""
        with self._database.read() as connection:
            return int(connection.execute("SELECT coalesce(max(number), 0) + 1 FROM experiments").fetchone()[0])

    def unfinished(self) -> ExperimentRow | None:
        """The experiment that a killed process left behind: go on with it, with its proposal, under its number."""
        return reading.unfinished(self._database)

    def experiment(self, number: int) -> ExperimentRow | None:
        """One experiment."""
        return next(reading.experiments(self._database, after=number - 1, limit=1, only=number), None)

    def experiments(
        self, *, after: int = 0, newest_first: bool = False, limit: int | None = None
    ) -> Iterator[ExperimentRow]:
        """Experiments with a number above ``after``, in order."""
        return reading.experiments(self._database, after=after, newest_first=newest_first, limit=limit)

    def pairs(self, number: int) -> list[Pair]:
        """The scores on which an experiment was decided, by task."""
        return reading.pairs(self._database, self.rollouts, number)

    def exams(self) -> list[Exam]:
        """Every exam, in order."""
        return reading.exams(self._database)

    def prunings(self) -> list[Pruning]:
        """Every pruning, in order."""
        return reading.prunings(self._database)

    def reports(self) -> list[Report]:
        """Every look at the holdout, in order."""
        return reading.reports(self._database)

    def heartbeat(self) -> Heartbeat | None:
        """The last sign of life."""
        return reading.heartbeat(self._database)

    def totals(self) -> Totals:
        """Where the campaign stands."""
        return reading.totals(self._database, self.rollouts, self.campaign)
