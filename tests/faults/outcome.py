"""What a campaign came to, as a value that is the same for two campaigns exactly when they are the same campaign:
clock times and the ids of commits (which hold a time) are left out, the harness trees that the commits stand for not.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import git

from optimizer.home import Home

Attempt = tuple[str, str, int]
"""Tree, task and seed of a rollout."""

CLOCK = frozenset({"seconds", "rollout_seconds", "started_at", "ended_at", "at", "last_attempt"})
FINISHED = "state IN ('ok', 'crash', 'timeout')"


def read_outcome(home: Home) -> dict[str, Any]:
    """Experiments, decisions, gate states, exams, holdout figures, rollouts, and the trees of every ref."""
    repo = git.Repo(home.repository)
    try:
        with rows_of(home) as connection:
            found: dict[str, Any] = {
                "experiments": _table(connection, "SELECT * FROM experiments ORDER BY number"),
                "gates": _table(connection, "SELECT * FROM gates ORDER BY id"),
                "exams": _table(connection, "SELECT * FROM exams ORDER BY number"),
                "reports": _table(connection, "SELECT * FROM reports ORDER BY number"),
                "rollouts": _table(
                    connection,
                    "SELECT tree, suite, task, seed, state, purpose, score, reason, answer, steps, calls, input_tokens,"
                    f" output_tokens FROM rollouts WHERE {FINISHED} ORDER BY tree, task, seed",
                ),
                "counted": _table(connection, "SELECT purpose, rollouts FROM spent ORDER BY purpose"),
                "left": _table(connection, "SELECT * FROM intents")
                + _table(connection, "SELECT * FROM rollouts WHERE state = 'started'"),
            }
        ways = {name: list(repo.iter_commits(name)) for name in repo.git.for_each_ref(format="%(refname)").split()}
        trees = {commit.hexsha: commit.tree["harness"].hexsha for way in ways.values() for commit in way}
        found["refs"] = {name: [commit.hexsha for commit in way] for name, way in ways.items()}
        return {part: _renamed(value, trees) for part, value in found.items()}
    finally:
        repo.close()


def finished(home: Home) -> dict[Attempt, float]:
    """The score of each finished rollout, also of a campaign that was killed; empty before there is a ledger."""
    if not home.ledger.exists():
        return {}
    with rows_of(home) as connection:
        query = f"SELECT tree, task, seed, score FROM rollouts WHERE {FINISHED}"
        return {(tree, task, seed): score for tree, task, seed, score in connection.execute(query)}


@contextmanager
def rows_of(home: Home) -> Iterator[sqlite3.Connection]:
    """The ledger's rows, read beside whoever writes them."""
    connection = sqlite3.connect(f"{home.ledger.as_uri()}?mode=ro", uri=True, timeout=10.0)
    with closing(connection):
        connection.row_factory = sqlite3.Row
        yield connection


def _table(connection: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    return [{name: _plain(row[name]) for name in row.keys() if name not in CLOCK} for row in connection.execute(query)]  # noqa: SIM118


def _plain(value: Any) -> Any:
    """JSON columns as values, without clock times in them."""
    if isinstance(value, str) and value.startswith("{"):
        return _timeless(json.loads(value))
    return value


def _timeless(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _timeless(item) for name, item in value.items() if name not in CLOCK}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def _renamed(value: Any, trees: Mapping[str, str]) -> Any:
    """The harness tree in place of each commit's id."""
    if isinstance(value, Mapping):
        return {name: _renamed(item, trees) for name, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, trees) for item in value]
    return trees.get(value, value) if isinstance(value, str) else value
