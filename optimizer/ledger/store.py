"""The ledger: what happened, in SQLite, durable and readable by others while it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from optimizer.ledger.rows import Campaign, Exam, ExperimentRow, Heartbeat, Intent, Outcome, Pair, Report, Totals
from optimizer.records import Proposal, Rollout, RolloutKey, Spend
from search_space.space import Assignment


class Rollouts:
    """Rollouts by key: what the evaluation runner calls its store. Safe to call from several threads."""

    def find(self, key: RolloutKey) -> Rollout | None:
        """The finished rollout of that key, if there is one."""
        raise NotImplementedError

    def start(
        self, keys: Sequence[RolloutKey], *, purpose: str, experiment: int | None = None, reserved: Spend = Spend()
    ) -> None:
        """Record that these rollouts begin, durably; ``reserved`` is what each of them had set aside."""
        raise NotImplementedError

    def finish(self, rollout: Rollout) -> None:
        """Record how a started rollout ended; a key that is finished already is left as it is."""
        raise NotImplementedError


class Ledger:
    """One campaign's ledger, ``<folder>/ledger.db``. One process writes (it holds the campaign's lock), any may read."""

    rollouts: Rollouts
    campaign: Campaign

    @classmethod
    def create(cls, folder: Path, campaign: Campaign) -> Self:
        """Make a new ledger. Raises LedgerError when there is one already."""
        raise NotImplementedError

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Self:
        """Open an existing one. Raises CampaignMissing (none there), LedgerError (corrupted: names the backup)."""
        raise NotImplementedError

    def close(self) -> None: ...

    @property
    def tip(self) -> str:
        """The commit at which the campaign left its branch."""
        raise NotImplementedError

    def propose(self, number: int, proposal: Proposal, *, champion: str) -> None:
        """An experiment begins."""

    def evaluate(self, number: int, *, variant: str, diff: str, assignment: Assignment) -> None:
        """Its variant is made and will be measured."""

    def unfinished(self) -> ExperimentRow | None:
        """The experiment that a killed process left behind: go on with it, under its number."""
        raise NotImplementedError

    def next_number(self) -> int:
        """The number of the next experiment, from 1."""
        raise NotImplementedError

    def gate(self) -> Mapping[str, Any] | None:
        """The gate's state after the last experiment or exam."""
        raise NotImplementedError

    def experiments(self, *, after: int = 0, newest_first: bool = False, limit: int | None = None) -> Iterator[ExperimentRow]:
        raise NotImplementedError

    def experiment(self, number: int) -> ExperimentRow | None:
        raise NotImplementedError

    def pairs(self, number: int) -> list[Pair]:
        """The search scores on which an experiment was decided, by task."""
        raise NotImplementedError

    def exams(self) -> list[Exam]:
        raise NotImplementedError

    def report(self, result: Mapping[str, Any]) -> Report:
        """Record, durably, one look at the holdout."""
        raise NotImplementedError

    def reports(self) -> list[Report]:
        raise NotImplementedError

    def spend(self, purpose: str, spend: Spend) -> None:
        """Add to the totals something that was no rollout (a proposer's own calls, say)."""

    def totals(self) -> Totals:
        raise NotImplementedError

    def beat(self) -> None:
        """A sign of life: process id and time."""

    def heartbeat(self) -> Heartbeat | None:
        raise NotImplementedError

    def backup_if_due(self) -> Path | None:
        """Between experiments: copy the ledger to ``ledger.backup.db`` when the last copy is old enough."""
        raise NotImplementedError

    # for settle.py
    def finish(self, outcome: Outcome) -> None: ...
    def intend(self, intent: Intent) -> None: ...
    def confirm(self, intent: Intent) -> None: ...
    def undo(self, intent: Intent) -> None: ...
    def intent(self) -> Intent | None:
        raise NotImplementedError
