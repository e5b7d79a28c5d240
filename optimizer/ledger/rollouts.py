"""Rollouts by key: started, finished or interrupted, counted once, and what everything cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from sqlite3 import Connection

from optimizer.ledger.codec import rollout_of, rollout_row_of, spend_of, spend_values
from optimizer.ledger.database import Database
from optimizer.ledger.rows import Pair, RolloutRow
from optimizer.ledger.schema import SPEND_COLUMNS
from optimizer.records import Rollout, RolloutKey, Spend

KEY = "tree = ? AND suite = ? AND task = ? AND seed = ?"
FINISHED = "state IN ('ok', 'crash', 'timeout')"
COLUMNS = ", ".join(SPEND_COLUMNS)
PLACES = ", ".join("?" * len(SPEND_COLUMNS))
NOTHING = Spend()

FIND = f"SELECT * FROM rollouts WHERE {KEY} AND {FINISHED}"
STARTED = f"SELECT attempt, purpose FROM rollouts WHERE {KEY} AND state = 'started'"
START = f"""INSERT INTO rollouts (tree, suite, task, seed, state, purpose, experiment, started_at, {COLUMNS})
    VALUES (?, ?, ?, ?, 'started', ?, ?, ?, {PLACES})"""
FINISH = f"""UPDATE rollouts SET state = ?, score = ?, reason = ?, answer = ?, steps = ?, ended_at = ?,
    {", ".join(f"{name} = ?" for name in SPEND_COLUMNS)} WHERE attempt = ?"""
ABANDON = f"""UPDATE rollouts SET state = 'interrupted', ended_at = ?,
    {", ".join(f"{name} = ?" for name in SPEND_COLUMNS)} WHERE attempt = ?"""
SPENT = f"""INSERT INTO spent (purpose, {COLUMNS}) VALUES (?, {PLACES})
    ON CONFLICT (purpose) DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in SPEND_COLUMNS)}"""
PAIRS = f"""SELECT task, tree, score FROM rollouts
    WHERE tree IN (?, ?) AND {FINISHED} AND attempt <= ? ORDER BY task, seed, attempt"""

COSTS = f"""SELECT tree, task, count(*) AS finished, {", ".join(f"sum({name}) AS {name}" for name in SPEND_COLUMNS)}
    FROM rollouts WHERE purpose = ? AND {FINISHED} GROUP BY tree, task ORDER BY tree, task"""


class Rollouts:
    """What the evaluation runner calls its store. Safe to call from several threads.

    ``experiment`` is the number of the experiment that new rollouts belong to (None between experiments) and
    ``reserved`` what each attempt sets aside when :meth:`start` is not told: the ledger and the campaign set them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.experiment: int | None = None
        self.reserved = NOTHING

    def find(self, key: RolloutKey) -> Rollout | None:
        """The finished rollout of that key, if there is one."""
        with self._database.read() as connection:
            row = connection.execute(FIND, _key(key)).fetchone()
        return None if row is None else rollout_of(row)

    def start(self, keys: Sequence[RolloutKey], purpose: str, *, reserved: Spend | None = None) -> None:
        """Record, durably and before they run, that the rollouts of ``keys`` begin.

        ``reserved`` is what each has set aside: should the process die, the attempt counts with that. An earlier
        attempt at the same key that never ended is marked interrupted. Raises ValueError for a key that is finished.
        """
        aside = self.reserved if reserved is None else reserved
        with self._database.write(durable=True) as connection:
            at = self._database.instant()
            for key in keys:
                if connection.execute(FIND, _key(key)).fetchone():
                    raise ValueError(f"{key} is finished: it is never run again")
                self._interrupt(connection, f"state = 'started' AND {KEY}", _key(key), at)
                values = (*_key(key), purpose, self.experiment, at, *spend_values(aside))
                connection.execute(START, values)

    def finish(self, *rollouts: Rollout) -> None:
        """Record how started rollouts ended, and count them, all or none.

        Raises ValueError when a key was not started, or is finished already: a rollout is counted once.
        """
        with self._database.write() as connection:
            for rollout in rollouts:
                self._finish(connection, rollout)

    def abandon(self, key: RolloutKey, spend: Spend) -> None:
        """Mark the started attempt at ``key`` as interrupted and count what it really cost, but no rollout. Raises
        ValueError when it was not started."""
        with self._database.write() as connection:
            row = connection.execute(STARTED, _key(key)).fetchone()
            if row is None:
                raise ValueError(f"{key} was never started: it cannot be abandoned")
            values = (0, *spend_values(spend)[1:])
            connection.execute(ABANDON, (self._database.instant(), *values, row["attempt"]))
            connection.execute(SPENT, (row["purpose"], *values))

    def interrupt(self, keys: Sequence[RolloutKey] | None = None) -> int:
        """Mark started attempts (all of them, when a dead process left them; else those of ``keys``) as interrupted,
        and count what they had reserved, but no rollout. Returns how many there were."""
        with self._database.write(durable=True) as connection:
            at = self._database.instant()
            if keys is None:
                return self._interrupt(connection, "state = 'started'", (), at)
            return sum(self._interrupt(connection, f"state = 'started' AND {KEY}", _key(key), at) for key in keys)

    def spend(self, purpose: str, spend: Spend) -> None:
        """Count something that was no rollout: a proposer's own calls, say."""
        with self._database.write() as connection:
            connection.execute(SPENT, (purpose, *spend_values(spend)))

    def spent(self) -> dict[str, Spend]:
        """What everything cost, by purpose; an interrupted attempt counts what it had reserved, but no rollout."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM spent ORDER BY purpose").fetchall()
        return {row["purpose"]: spend_of(row) for row in rows}

    def counts(self) -> dict[str, int]:
        """Attempts by state."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT state, count(*) FROM rollouts GROUP BY state ORDER BY state").fetchall()
        return {str(state): int(count) for state, count in rows}

    def of_experiment(self, number: int) -> list[RolloutRow]:
        """Every attempt that an experiment made, in the order they were started."""
        with self._database.read() as connection:
            query = "SELECT * FROM rollouts WHERE experiment = ? ORDER BY attempt"
            rows = connection.execute(query, (number,)).fetchall()
        return [rollout_row_of(row) for row in rows]

    def pairs(self, variant: str, champion: str, *, last_attempt: int | None = None) -> list[Pair]:
        """The scores of two trees by task, in the order of seeds, for the tasks that ``variant`` was run on; only
        attempts up to ``last_attempt`` (what an experiment could know when it was decided)."""
        last = 2**62 if last_attempt is None else last_attempt
        scores: dict[str, tuple[list[float], list[float]]] = {}
        with self._database.read() as connection:
            for task, tree, score in connection.execute(PAIRS, (variant, champion, last)):
                scores.setdefault(task, ([], []))[0 if tree == variant else 1].append(score)
        return [Pair(task, tuple(new), tuple(old)) for task, (new, old) in scores.items() if new]

    def costs(self, purpose: str) -> dict[str, dict[str, Spend]]:
        """What the finished rollouts of ``purpose`` cost together: by tree, by task; ``rollouts`` counts them."""
        found: dict[str, dict[str, Spend]] = {}
        with self._database.read() as connection:
            for row in connection.execute(COSTS, (purpose,)):
                spend = replace(spend_of(row), rollouts=row["finished"])
                found.setdefault(row["tree"], {})[row["task"]] = spend
        return found

    def _finish(self, connection: Connection, rollout: Rollout) -> None:
        row = connection.execute(STARTED, _key(rollout.key)).fetchone()
        if row is None:
            again = connection.execute(FIND, _key(rollout.key)).fetchone() is not None
            raise ValueError(f"{rollout.key} was {'finished before' if again else 'never started'}: it is counted once")
        how = (rollout.status.value, rollout.score, rollout.reason, rollout.answer, rollout.steps)
        at = self._database.instant()
        connection.execute(FINISH, (*how, at, *spend_values(rollout.spend), row["attempt"]))
        spent = (1, *spend_values(rollout.spend)[1:])
        connection.execute(SPENT, (row["purpose"], *spent))

    def _interrupt(self, connection: Connection, where: str, values: tuple[str | int, ...], at: float) -> int:
        rows = connection.execute(f"SELECT * FROM rollouts WHERE {where}", values).fetchall()
        for row in rows:
            query = "UPDATE rollouts SET state = 'interrupted', ended_at = ? WHERE attempt = ?"
            connection.execute(query, (at, row["attempt"]))
            connection.execute(SPENT, (row["purpose"], 0, *spend_values(spend_of(row))[1:]))
        return len(rows)


def _key(key: RolloutKey) -> tuple[str, str, str, int]:
    return key.tree, key.suite, key.task, key.seed
