"""A plan in plain values, for ``--dry-run``."""

from __future__ import annotations

from optimizer.assemble.founding import refuse_early
from optimizer.assemble.kinds import KINDS
from optimizer.assemble.machine import NO_MODEL
from optimizer.assemble.mcp import check_servers
from optimizer.assemble.models import cost_words, upstream_of
from optimizer.assemble.planned import Planned
from optimizer.assemble.sizes import end_of, workers_of
from optimizer.metric import Metric
from optimizer.records import Split
from optimizer.reports.plan import Opening, PlanFacts, shown
from optimizer.settings import ConstraintSettings, ObjectiveSettings
from search_space.space import Choice, Space


def facts_of(planned: Planned) -> PlanFacts:
    """What would be opened, and what it may cost. Raises RatchetError where the campaign could not be gone on with."""
    refuse_early(planned)
    model, costs_money, cost = NO_MODEL, False, ""
    if KINDS[planned.settings.suite.kind].asks_model(planned.settings.suite):
        upstream = upstream_of(planned)
        upstream.check()
        check_servers(planned)
        model, costs_money, cost = upstream.name, upstream.costs_money, cost_words(planned, upstream)
    settings, limits = planned.settings, planned.limits
    end = end_of(planned)
    proposers = settings.proposers
    named = [
        f"{name} ({weight:g})"
        for name in ("thompson", "tpe", "random", "sweep")
        if (weight := getattr(proposers, name))
    ]
    if proposers.human:
        named.insert(0, f"a person's, from {proposers.human}/")
    return PlanFacts(
        campaign=settings.name,
        repository=str(planned.home.repository),
        ref=planned.home.ref,
        resumes=planned.resumes,
        seed=planned.seed,
        harness=planned.harness if planned.files is None else settings.harness,
        begins_at=planned.start[0],
        suite=planned.suite.hash,
        tasks={split.value: len(planned.suite.tasks(split)) for split in Split},
        model=model,
        costs_money=costs_money,
        cost=cost,
        proposers=", ".join(named),
        objective=_objective(settings.objective, planned.metric),
        rollouts=limits.rollouts,
        tokens=limits.tokens,
        usd=limits.usd,
        seconds=planned.seconds,
        exam_rollouts=end.exam,
        prune_rollouts=end.prune,
        holdout_rollouts=end.holdout,
        workers=workers_of(settings),
        rollout_timeout_s=settings.sandbox.rollout_timeout_s,
        dimensions=_openings(planned),
    )


def _objective(objective: ObjectiveSettings, metric: Metric | None) -> str:
    """What is made better, within which limits, and what makes a harness simple."""
    told = ["the mean score"]
    if metric is not None:
        way = "more" if metric.maximized else "less"
        told = [f"{metric.name}, {way} is better: the score is 0 at {metric.worst:g} and 1 at {metric.best:g}"]
    for limit in objective.constraints:
        if limit.at_most is not None:
            told.append(f"{limit.metric} at most {limit.at_most:g} a rollout{_unless(limit)}")
        if limit.at_most_rise is not None:
            told.append(f"{limit.metric} at most {limit.at_most_rise:.0%} above the baseline{_unless(limit)}")
    if objective.tie_breaks:
        told.append(f"where that is open, the simpler harness by {', '.join(objective.tie_breaks)}")
    return "; ".join(told)


def _unless(limit: ConstraintSettings) -> str:
    return "" if limit.unless_gain is None else f" unless it gains {100 * limit.unless_gain:g} points"


def _openings(planned: Planned) -> list[Opening]:
    now = planned.space.read(planned.start[1])
    return [Opening(name, now.get(name), name in now, _domain(planned.space, name)) for name in planned.space.names]


def _domain(space: Space, name: str) -> str:
    domain = space.domain(name)
    if isinstance(domain, Choice):
        return " | ".join(map(shown, domain.values))
    return f"{domain.low} to {domain.high}"
