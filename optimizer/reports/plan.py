"""What ``ratchet run --dry-run`` shows: what would be opened, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from optimizer.reports.words import count, short


@dataclass(frozen=True, slots=True)
class Opening:
    """One dimension of the space: its value in the starting harness and what it may become, in words."""

    name: str
    value: str
    domain: str


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The plan of a campaign, in plain values. ``tasks`` counts them by split; limits that are not set are None."""

    campaign: str
    repository: str
    ref: str
    resumes: bool
    seed: int
    harness: str
    suite: str
    tasks: Mapping[str, int]
    model: str
    costs_money: bool
    proposers: str
    rollouts: int | None
    tokens: int | None
    usd: float | None
    seconds: float | None
    exam_rollouts: int | None
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
    table.add_row("campaign", f"{facts.campaign} (seed {facts.seed}) {verb} {facts.repository}, branch {facts.ref}")
    table.add_row("harness", facts.harness)
    table.add_row(
        "suite", f"{facts.suite[:19]}…, tasks: " + ", ".join(f"{n} {split}" for split, n in facts.tasks.items())
    )
    table.add_row("model", facts.model + ("" if facts.costs_money else ": costs nothing, needs no key"))
    table.add_row("proposers", facts.proposers)
    table.add_row("budget", _budget(facts))
    exam = (
        "a share of what was spent" if facts.exam_rollouts is None else f"up to {count(facts.exam_rollouts)} rollouts"
    )
    table.add_row(
        "kept for the end", f"{exam} for the last exam, {count(facts.holdout_rollouts)} rollouts for the holdout"
    )
    table.add_row("at most", f"{facts.workers} rollouts at once, {facts.rollout_timeout_s:g} s each")
    opens = Table(box=None, padding=(0, 1), title=f"Opens {len(facts.dimensions)} dimensions", title_justify="left")
    for name in ("dimension", "now", "may become"):
        opens.add_column(name)
    for opening in facts.dimensions:
        opens.add_row(opening.name, short(opening.value, 40), short(opening.domain, 90))
    return Group(table, Text(""), opens, Text(""), Text("Nothing was started.", style="dim"))


def _budget(facts: PlanFacts) -> str:
    limits = [
        f"{count(facts.rollouts)} rollouts" if facts.rollouts else "",
        f"{count(facts.tokens)} tokens" if facts.tokens else "",
        f"${facts.usd:.2f}" if facts.usd else "",
        f"{facts.seconds / 60:.1f} minutes" if facts.seconds else "",
    ]
    return ", ".join(limit for limit in limits if limit)
