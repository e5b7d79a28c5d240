"""What experiments, exams and looks at the holdout are made with, and what a campaign remembers between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from optimizer.acceptance.objective import Objective
from optimizer.acceptance.presets import Preset
from optimizer.evaluation.base import Runner
from optimizer.events import Event
from optimizer.ledger.branch import Branch
from optimizer.ledger.store import Ledger
from optimizer.metric import Metric
from optimizer.proposers.base import Past, Proposer
from optimizer.records import Lesson, Proposal, Task, Verdict
from optimizer.workspace.workspace import Workspace
from search_space.space import Assignment, Space


@dataclass(frozen=True, slots=True)
class Parts:
    """What an experiment is made with. ``limits`` names the budget's limits, ``tasks`` are the search tasks,
    ``baseline`` is the harness tree that the campaign began with, ``metric`` what the score is made of, if of one."""

    campaign: str
    seed: int
    limits: str
    gate: Preset
    objective: Objective
    baseline: str
    experiment_timeout_s: float
    program: str
    suite_hash: str
    tasks: Mapping[str, Task]
    space: Space
    workspace: Workspace
    ledger: Ledger
    branch: Branch
    runner: Runner
    proposer: Proposer
    check: Callable[[Mapping[str, bytes]], str | None]
    emit: Callable[[Event], None]
    cancel: threading.Event
    metric: Metric | None = None


@dataclass(slots=True)
class Memory:
    """What the campaign remembers of past experiments: rebuilt from the ledger on resuming, then only added to.

    ``tried`` maps (champion's tree, variant's tree) to the experiment that measured the pair; ``idle`` counts the last
    experiments in a row that cost no rollout. ``origin`` is how the space reads the baseline, None before it was asked.
    """

    past: list[Past] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    tried: dict[tuple[str, str], int] = field(default_factory=dict)
    idle: int = 0
    origin: Assignment | None = None

    def add(
        self,
        number: int,
        proposal: Proposal,
        learned: Lesson,
        *,
        champion: str,
        variant: str | None,
        assignment: Assignment,
        value: float | None,
        rollouts: int,
        refused: bool,
    ) -> None:
        """Add a finished experiment. What the budget cut short does not count as tried."""
        self.lessons.append(learned)
        self.idle = 0 if rollouts else self.idle + 1
        verdict, effect = learned.verdict, learned.effect
        self.past.append(Past(number, assignment, proposal.changes, verdict, effect, value, proposal.source, refused))
        if variant is not None and verdict is not Verdict.over_budget:
            self.tried.setdefault((champion, variant), number)
