"""What ``ratchet run --dry-run`` shows: what would be opened, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from optimizer.reports.words import count, duration, short
from search_space.space import Scalar


@dataclass(frozen=True, slots=True)
class Opening:
    """One dimension of the space: its value in the harness that the campaign begins or goes on with, whether it is
    active there, and what it may become, in words."""

    name: str
    value: Scalar
    active: bool
    domain: str


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The plan of a campaign, in plain values. ``tasks`` counts them by split; limits that are not set are None;
    ``begins_at`` is a commit, empty when the repository is not made yet; ``cost`` says what the model may cost, empty
    when that is nothing."""

    campaign: str
    repository: str
    ref: str
    resumes: bool
    seed: int
    harness: str
    begins_at: str
    suite: str
    tasks: Mapping[str, int]
    model: str
    costs_money: bool
    cost: str
    proposers: str
    objective: str
    rollouts: int | None
    tokens: int | None
    usd: float | None
    seconds: float | None
    exam_rollouts: int | None
    prune_rollouts: int | None
    holdout_rollouts: int
    workers: int
    rollout_timeout_s: float
    dimensions: Sequence[Opening]


def plan_json(facts: PlanFacts) -> dict[str, Any]:
    """The plan as JSON."""
    return asdict(facts)


def render(facts: PlanFacts) -> RenderableType:
    """The plan for a terminal."""
    table = Table.grid(padding=(0, 2))
    verb = "goes on in" if facts.resumes else "would be made in"
    branch = facts.ref.removeprefix("refs/heads/")
    table.add_row("campaign", f"{facts.campaign} (seed {facts.seed}) {verb} {facts.repository}, branch {branch}")
    table.add_row("harness", facts.harness + (f", from commit {facts.begins_at[:12]}" if facts.begins_at else ""))
    table.add_row("tasks", ", ".join(f"{n} {split}" for split, n in facts.tasks.items()))
    if not facts.holdout_rollouts:
        table.add_row("", Text("No holdout will be measured: no gain can be claimed.", style="yellow"))
    table.add_row("model", facts.model + ("" if facts.costs_money else ": costs nothing, needs no key"))
    if facts.cost:
        table.add_row("", facts.cost)
    table.add_row("objective", facts.objective)
    table.add_row("proposers", facts.proposers)
    table.add_row("budget", _budget(facts))
    table.add_row(
        "kept for the end",
        f"{_pruning(facts.prune_rollouts)}, {_exam(facts.exam_rollouts)}, {count(facts.holdout_rollouts)} rollouts for "
        "the holdout",
    )
    table.add_row("at most", f"{facts.workers} rollouts at once, {facts.rollout_timeout_s:g} s each")
    opens = Table(box=None, padding=(0, 1), title=f"Opens {len(facts.dimensions)} dimensions", title_justify="left")
    for name in ("dimension", "now", "may become"):
        opens.add_column(name)
    for opening in facts.dimensions:
        now = short(shown(opening.value), 40) if opening.active else "not active"
        opens.add_row(opening.name, now, short(opening.domain, 90))
    return Group(table, Text(""), opens, Text(""), Text("Nothing was started.", style="dim"))


def shown(value: Scalar) -> str:
    """A dimension's value in words."""
    if value is None:
        return "absent"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pruning(rollouts: int | None) -> str:
    if rollouts is None:
        return "a share of what was spent for pruning"
    return f"up to {count(rollouts)} rollouts for pruning" if rollouts else "nothing for pruning"


def _exam(rollouts: int | None) -> str:
    if rollouts is None:
        return "a share of what was spent for the last exam"
    return f"up to {count(rollouts)} rollouts for the last exam" if rollouts else "too little for a last exam"


def _budget(facts: PlanFacts) -> str:
    limits = [
        f"{count(facts.rollouts)} rollouts" if facts.rollouts else "",
        f"{count(facts.tokens)} tokens" if facts.tokens else "",
        f"${facts.usd:.2f}" if facts.usd else "",
        f"{duration(facts.seconds)} of time" if facts.seconds else "",
    ]
    return ", ".join(limit for limit in limits if limit)
