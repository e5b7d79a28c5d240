"""A plan in plain values, for ``--dry-run``."""

from __future__ import annotations

from optimizer.assemble.plan import Planned, end_of, workers_of
from optimizer.models.embedded import EmbeddedModel
from optimizer.records import Split
from optimizer.reports.plan import Opening, PlanFacts
from optimizer.workspace.workspace import Workspace
from search_space.space import Choice, Space


def facts_of(planned: Planned) -> PlanFacts:
    """What would be opened, and what it may cost."""
    settings, limits = planned.settings, planned.limits
    end = end_of(planned)
    proposers = settings.proposers
    named = [
        f"{name} ({weight:g})" for name, weight in (("tpe", proposers.tpe), ("random", proposers.random)) if weight
    ]
    if proposers.human:
        named.insert(0, f"a person's, from {proposers.human}/")
    return PlanFacts(
        campaign=settings.name,
        repository=str(planned.home.repository),
        ref=planned.home.ref,
        resumes=planned.resumes,
        seed=planned.seed,
        harness=settings.harness,
        suite=planned.suite.hash,
        tasks={split.value: len(planned.suite.tasks(split)) for split in Split},
        model=EmbeddedModel().name,
        costs_money=False,
        proposers=", ".join(named),
        rollouts=limits.rollouts,
        tokens=limits.tokens,
        usd=limits.usd,
        seconds=planned.seconds,
        exam_rollouts=end.exam,
        holdout_rollouts=end.holdout,
        workers=workers_of(settings),
        rollout_timeout_s=settings.sandbox.rollout_timeout_s,
        dimensions=_openings(planned),
    )


def _openings(planned: Planned) -> list[Opening]:
    files = planned.files
    if files is None:
        workspace = Workspace.open(planned.home.repository, planned.harness, ref=planned.home.ref)
        files = workspace.files(workspace.tree(workspace.base))
    now = planned.space.read(files)
    return [
        Opening(name, "not active" if name not in now else str(now[name]), _domain(planned.space, name))
        for name in planned.space.names
    ]


def _domain(space: Space, name: str) -> str:
    domain = space.domain(name)
    if isinstance(domain, Choice):
        return " | ".join("absent" if value is None else str(value) for value in domain.values)
    return f"{domain.low} to {domain.high}"
