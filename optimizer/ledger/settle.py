"""Settling in two phases: intent in the ledger, compare-and-swap in git, confirmation in the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.ledger.branch import Branch
from optimizer.ledger.rows import Exam, ExperimentRow, Outcome
from optimizer.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovering did. ``interrupted`` counts the rollouts that were under way; ``unfinished`` is the experiment
    to go on with."""

    finished: str | None
    undone: str | None
    interrupted: int
    unfinished: ExperimentRow | None


def discard(ledger: Ledger, outcome: Outcome) -> None:
    """Record an experiment that is not kept: one durable transaction, git is not touched."""


def keep(ledger: Ledger, branch: Branch, outcome: Outcome, commit: str) -> None:
    """Record an experiment that is kept and move the branch from ``ledger.tip`` to ``commit``, whose objects are
    durable already (``Workspace.commit`` sees to it). Raises BranchMoved; nothing is lost then."""


def settle_exam(ledger: Ledger, branch: Branch, exam: Exam) -> None:
    """Record an exam. Passed: ``certified/<number>`` is set to the champion. Failed: the branch falls back to
    ``exam.against`` and ``abandoned/<number>`` keeps the way not taken. Unclear: no ref moves."""


def recover(ledger: Ledger, branch: Branch) -> Recovery:
    """Bring ledger and branch to agree after a kill at any point. Idempotent. Raises BranchMoved."""
    raise NotImplementedError
