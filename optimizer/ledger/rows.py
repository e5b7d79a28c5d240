"""What the ledger holds, as frozen values: campaign, experiments, rollouts, exams, reports, intents, totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from optimizer.records import Decision, Lesson, Proposal, Rollout, Spend
from search_space.space import Assignment


class State(StrEnum):
    """How far an experiment has come."""

    proposed = "proposed"
    evaluating = "evaluating"
    settling = "settling"
    done = "done"


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a campaign was started with; it never changes.

    ``experiment`` is the sha256 of ``experiment.toml``, ``suite`` the suite's hash, ``ref`` the full name of the
    campaign's branch, ``baseline`` the commit it starts from, ``harness`` the harness folder relative to the
    repository's root ("." for the root itself). ``created_at`` is in seconds since the epoch, set by the ledger.
    """

    name: str
    experiment: str
    settings: Mapping[str, Any]
    seed: int
    suite: str
    ref: str
    baseline: str
    harness: str
    python: str
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """One experiment as the ledger knows it. ``champion`` and ``variant`` are harness trees, ``value`` the estimated
    search score of the variant, ``seconds`` its wall time by the monotonic clock."""

    number: int
    state: State
    proposal: Proposal
    champion: str
    started_at: float
    variant: str | None = None
    diff: str = ""
    assignment: Assignment = field(default_factory=dict)
    decision: Decision | None = None
    lesson: Lesson | None = None
    value: float | None = None
    commit: str | None = None
    spend: Spend = field(default_factory=Spend)
    ended_at: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an experiment leaves behind when it ends. ``gate`` is the gate's state after it, as JSON."""

    number: int
    decision: Decision
    gate: Mapping[str, Any]
    lesson: Lesson | None = None
    value: float | None = None
    spend: Spend = field(default_factory=Spend)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Exam:
    """One meeting of the working champion and the last certified one on fresh tasks. ``outcome`` is ``passed``,
    ``failed`` or ``unclear``; ``champion`` and ``against`` are commits; ``result`` is the evidence and ``gate`` the
    gate's state after it, both as JSON. ``at`` is set by the ledger."""

    number: int
    outcome: str
    champion: str
    against: str
    result: Mapping[str, Any]
    gate: Mapping[str, Any]
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Pruning:
    """What became of a champion's changes at the end of a search. ``champion`` is the commit of what stays, on the
    campaign's branch, and ``final`` the tip of the finalized branch, which holds the same harness; ``result`` is the
    evidence and ``gate`` the gate's state after it, both as JSON. ``at`` is set by the ledger."""

    number: int
    champion: str
    final: str
    result: Mapping[str, Any]
    gate: Mapping[str, Any]
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """One counted look at the holdout. ``number`` counts from 1 and, like ``at``, is set by the ledger."""

    number: int
    at: float
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RefMove:
    """One step of a ref: from the commit it must stand at (None: it must not exist) to another."""

    ref: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class Intent:
    """What a settlement is about to do to git, written down before it is done. ``subject`` is ``experiment``,
    ``exam`` or ``pruning``; the first move is the one whose new commit the record will name."""

    subject: str
    number: int
    moves: tuple[RefMove, ...]
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RolloutRow:
    """One attempt at a rollout. ``state`` is ``started``, ``interrupted``, or how it ended (``ok``, ``crash``,
    ``timeout``); ``rollout.spend`` of an interrupted attempt is what it had reserved."""

    attempt: int
    state: str
    purpose: str
    experiment: int | None
    rollout: Rollout
    started_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """The scores of variant and champion on one task, in the order they came in."""

    task: str
    candidate: tuple[float, ...]
    champion: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of the running process."""

    pid: int
    at: float


@dataclass(frozen=True, slots=True)
class Totals:
    """Where a campaign stands. ``verdicts`` counts finished experiments, ``spend`` adds up by purpose (an interrupted
    attempt counts what it had reserved, but no rollout), ``running`` is the number of rollouts under way."""

    campaign: Campaign
    tip: str
    verdicts: Mapping[str, int]
    spend: Mapping[str, Spend]
    running: int
    interrupted: int
    current: int | None
    exams: int
    certified: int
    reports: int
    heartbeat: Heartbeat | None

    @property
    def experiments(self) -> int:
        """Finished experiments."""
        return sum(self.verdicts.values())

    @property
    def replays(self) -> bool:
        """Whether answers come from a recording: the figures are the recording's, and nothing is paid."""
        model = self.campaign.settings.get("model") or {}
        return str(model.get("agent", "")).startswith("recorded:")

    @property
    def total(self) -> Spend:
        """Everything spent."""
        return sum(self.spend.values(), Spend())
