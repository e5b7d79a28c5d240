"""Rollouts by key: started, finished or interrupted, counted once, and what everything cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    {", ".join(f"{name} = ?" for name in SPEND_COLUMNS)} WHERE attempt = ? AND state = 'started'"""
ABANDON = f"""UPDATE rollouts SET state = 'interrupted', ended_at = ?,
    {", ".join(f"{name} = ?" for name in SPEND_COLUMNS)} WHERE attempt = ? AND state = 'started'"""
SPENT = f"""INSERT INTO spent (purpose, {COLUMNS}) VALUES (?, {PLACES})
    ON CONFLICT (purpose) DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in SPEND_COLUMNS)}"""
PAIRS = f"""SELECT task, tree, score FROM rollouts
    WHERE tree IN (?, ?) AND {FINISHED} AND attempt <= ? ORDER BY task, seed, attempt"""

COSTS = f"""SELECT tree, task, count(*) AS finished, {", ".join(f"sum({name}) AS {name}" for name in SPEND_COLUMNS)}
    FROM rollouts WHERE purpose IN ({{}}) AND {FINISHED} GROUP BY tree, task ORDER BY tree, task"""


class Rollouts:
    """What the evaluation runner calls its store. Safe to call from several threads.

    ``experiment`` is the number of the experiment that new rollouts belong to (None between experiments) and
    ``reserved`` what each attempt sets aside when :meth:`start` is not told: the ledger and the campaign set them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.experiment: int | None = None
        self.reserved = NOTHING
        self._begun: dict[RolloutKey, tuple[int, str]] = {}

    def find(self, keys: Iterable[RolloutKey]) -> dict[RolloutKey, Rollout]:
        """The finished rollouts among ``keys``, in their order."""
        with self._database.read() as connection:
            rows = [(key, connection.execute(FIND, _key(key)).fetchone()) for key in keys]
        return {key: rollout_of(row) for key, row in rows if row is not None}

    def start(self, keys: Sequence[RolloutKey], purpose: str, *, reserved: Spend | None = None) -> None:
        """Record, durably and before they run, that the rollouts of ``keys`` begin.

        ``reserved`` is what each has set aside: should the process die, the attempt counts with that. An earlier
        attempt at the same key that never ended is marked interrupted. Raises ValueError for a key that is finished.
        """
        aside = spend_values(self.reserved if reserved is None else reserved)
        begun: dict[RolloutKey, tuple[int, str]] = {}
        with self._database.write(durable=True) as connection:
            at = self._database.instant()
            left_over = connection.execute("SELECT 1 FROM rollouts WHERE state = 'started' LIMIT 1").fetchone()
            for key in keys:
                if connection.execute(FIND, _key(key)).fetchone():
                    raise ValueError(f"{key} is finished: it is never run again")
                if left_over or key in begun:
                    self._interrupt(connection, f"state = 'started' AND {KEY}", _key(key), at)
                cursor = connection.execute(START, (*_key(key), purpose, self.experiment, at, *aside))
                begun[key] = (int(cursor.lastrowid or 0), purpose)
        self._begun.update(begun)

    def finish(self, *rollouts: Rollout) -> None:
        """Record how started rollouts ended, and count them, all or none.

        Raises ValueError when a key was not started, or is finished already: a rollout is counted once.
        """
        spent: dict[str, Spend] = {}
        with self._database.write() as connection:
            at = self._database.instant()
            for rollout in rollouts:
                purpose = self._finish(connection, rollout, at)
                spent[purpose] = spent.get(purpose, NOTHING) + _counted(rollout.spend)
            for purpose, spend in spent.items():
                connection.execute(SPENT, (purpose, *spend_values(spend)))
        for rollout in rollouts:
            self._begun.pop(rollout.key, None)

    def abandon(self, key: RolloutKey, spend: Spend) -> None:
        """Mark the started attempt at ``key`` as interrupted and count what it really cost, but no rollout. Raises
        ValueError when it was not started."""
        with self._database.write() as connection:
            attempt, purpose = self._started(connection, key)
            values = (0, *spend_values(spend)[1:])
            if not connection.execute(ABANDON, (self._database.instant(), *values, attempt)).rowcount:
                raise ValueError(f"{key} was never started: it cannot be abandoned")
            connection.execute(SPENT, (purpose, *values))
        self._begun.pop(key, None)

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

    def known_tasks(self, tree: str, purpose: str, after: int) -> set[str]:
        """The tasks of the finished rollouts of ``tree``, without those of ``purpose`` whose attempt is above
        ``after``."""
        query = f"SELECT DISTINCT task FROM rollouts WHERE tree = ? AND {FINISHED} AND (purpose != ? OR attempt <= ?)"
        with self._database.read() as connection:
            return {str(task) for (task,) in connection.execute(query, (tree, purpose, after))}

    def last_attempt(self) -> int:
        """The number of the last attempt; 0 before the first."""
        with self._database.read() as connection:
            return int(connection.execute("SELECT coalesce(max(attempt), 0) FROM rollouts").fetchone()[0])

    def costs(self, *purposes: str) -> dict[str, dict[str, Spend]]:
        """What the finished rollouts of ``purposes`` cost together: by tree, by task; ``rollouts`` counts them."""
        found: dict[str, dict[str, Spend]] = {}
        with self._database.read() as connection:
            for row in connection.execute(COSTS.format(", ".join("?" * len(purposes))), purposes):
                spend = replace(spend_of(row), rollouts=row["finished"])
                found.setdefault(row["tree"], {})[row["task"]] = spend
        return found

    def _finish(self, connection: Connection, rollout: Rollout, at: float) -> str:
        """What the rollout was for."""
        attempt, purpose = self._started(connection, rollout.key)
        how = (rollout.status.value, rollout.score, rollout.reason, rollout.answer, rollout.steps)
        done = connection.execute(FINISH, (*how, at, *spend_values(rollout.spend), attempt)).rowcount
        if not done:
            again = connection.execute(FIND, _key(rollout.key)).fetchone() is not None
            raise ValueError(f"{rollout.key} was {'finished before' if again else 'never started'}: it is counted once")
        return purpose

    def _started(self, connection: Connection, key: RolloutKey) -> tuple[int, str]:
        """The attempt under way at a key and what it is for; (0, "") for none. What this process began is known."""
        if key in self._begun:
            return self._begun[key]
        row = connection.execute(STARTED, _key(key)).fetchone()
        return (0, "") if row is None else (row["attempt"], row["purpose"])

    def _interrupt(self, connection: Connection, where: str, values: tuple[str | int, ...], at: float) -> int:
        rows = connection.execute(f"SELECT * FROM rollouts WHERE {where}", values).fetchall()
        for row in rows:
            query = "UPDATE rollouts SET state = 'interrupted', ended_at = ? WHERE attempt = ?"
            connection.execute(query, (at, row["attempt"]))
            connection.execute(SPENT, (row["purpose"], 0, *spend_values(spend_of(row))[1:]))
        return len(rows)


def _counted(spend: Spend) -> Spend:
    return spend if spend.rollouts == 1 else replace(spend, rollouts=1)


def _key(key: RolloutKey) -> tuple[str, str, str, int]:
    return key.tree, key.suite, key.task, key.seed
