"""Constraints: what a harness may cost, judged on the mean per rollout with its uncertainty.

What is looked at is the mean over tasks of d = c - b: c is the candidate's mean cost on a task, b the limit there, a
fixed figure (``at_most``) or the baseline's mean on the same task with its permitted rise (``at_most_rise``). The
variance of d is clustered by task, with the same small-sample guard as the gate's. A constraint is *clearly violated*
when the whole 95% interval of the mean of d lies above zero; what is over by less than the noise is let through.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optimizer.acceptance.distributions import t_quantile
from optimizer.acceptance.evidence import clustered, within
from optimizer.records import Spend

METRICS: Mapping[str, Callable[[Spend], float]] = {
    "cost_usd": lambda spend: spend.usd,
    "tokens": lambda spend: float(spend.tokens),
    "billed_tokens": lambda spend: spend.billed_tokens,
    "latency_s": lambda spend: spend.seconds,
    "rounds": lambda spend: float(spend.calls),
}
"""What a rollout may be limited in: dollars, all tokens, tokens as billed, seconds of wall time, model calls."""

ROUNDING = 1e-9
"""Sums of equal figures differ in the last digits: over the limit by this share of it is not over it."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One limit on the mean per rollout of a metric: exactly one of ``at_most``, in the metric's own unit, and
    ``at_most_rise``, as a fraction of the baseline harness's mean on the same tasks (0.1 is a tenth more).
    ``unless_gain`` lifts it for an edit that is believed to gain so much, as a fraction of the score's scale."""

    metric: str
    at_most: float | None = None
    at_most_rise: float | None = None
    unless_gain: float | None = None


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean of ``count`` figures and the sum of squares around it."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def plus(self, value: float) -> Moments:
        """With one figure more (Welford's update)."""
        count, away = self.count + 1, value - self.mean
        mean = self.mean + away / count
        return Moments(count, mean, self.squares + away * (value - mean))


@dataclass(frozen=True, slots=True)
class Costs:
    """What one harness's rollouts cost: by metric, by task. Frozen: :meth:`absorb` returns new costs."""

    known: Mapping[str, Mapping[str, Moments]] = field(default_factory=dict)

    def absorb(
        self, fresh: Mapping[str, Sequence[Spend]], metrics: Sequence[str], first: Callable[[str], int]
    ) -> Costs:
        """With the costs of new rollouts, by task in the order of their repeats. ``first(task)`` is the repeat index of
        the first of them; a repeat that is known already is passed over."""
        known = {name: dict(tasks) for name, tasks in self.known.items()}
        for name in metrics:
            tasks, measure = known.setdefault(name, {}), METRICS[name]
            for task, spends in fresh.items():
                moments = tasks.get(task, Moments())
                for spend in spends[max(0, moments.count - first(task)) :]:
                    moments = moments.plus(measure(spend))
                tasks[task] = moments
        return Costs(known)

    def of(self, metric: str) -> Mapping[str, Moments]:
        """By task, what is known of ``metric``."""
        return self.known.get(metric, {})

    def to_json(self) -> dict[str, Any]:
        """A JSON value that :meth:`from_json` reads back."""
        return {
            name: {task: [moments.count, moments.mean, moments.squares] for task, moments in tasks.items()}
            for name, tasks in self.known.items()
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Costs:
        """The costs that :meth:`to_json` wrote."""
        return cls({name: {task: Moments(*row) for task, row in tasks.items()} for name, tasks in value.items()})


def compared(constraints: Sequence[Constraint]) -> tuple[str, ...]:
    """The metrics of which the baseline's costs must be known."""
    return tuple(dict.fromkeys(limit.metric for limit in constraints if limit.at_most_rise is not None))


def violated(
    candidate: Mapping[str, Sequence[Spend]],
    baseline: Costs,
    constraints: Sequence[Constraint],
    *,
    pseudo_tasks: float,
) -> list[tuple[Constraint, str]]:
    """The constraints that the candidate's costs, by task, clearly violate, each with how in numbers."""
    told = [(limit, _violation(limit, candidate, baseline, pseudo_tasks)) for limit in constraints]
    return [(limit, how) for limit, how in told if how]


def _violation(
    limit: Constraint, candidate: Mapping[str, Sequence[Spend]], baseline: Costs, pseudo_tasks: float
) -> str | None:
    measure, theirs = METRICS[limit.metric], baseline.of(limit.metric)
    ours = {task: [measure(spend) for spend in spends] for task, spends in candidate.items() if spends}
    if limit.at_most_rise is not None:
        ours = {task: values for task, values in ours.items() if task in theirs and theirs[task].count}
    if not ours:
        return None
    means = {task: math.fsum(values) / len(values) for task, values in ours.items()}
    bounds = {task: _bound(limit, theirs, task) for task in ours}
    differences = [means[task] - bounds[task] for task in ours]
    rerun = _rerun(limit, ours, theirs, differences)
    over, se, degrees = clustered(differences, rerun=rerun, pseudo_tasks=pseudo_tasks)
    half = t_quantile(0.975, degrees) * se
    bound = math.fsum(bounds.values()) / len(bounds)
    if not over - half > ROUNDING * (1.0 + abs(bound)):
        return None
    return _told(limit, over=over, half=half, bound=bound, tasks=len(ours))


def _bound(limit: Constraint, theirs: Mapping[str, Moments], task: str) -> float:
    if limit.at_most_rise is None:
        assert limit.at_most is not None, "a constraint has one limit"
        return limit.at_most
    return (1.0 + limit.at_most_rise) * theirs[task].mean


def _rerun(
    limit: Constraint,
    ours: Mapping[str, Sequence[float]],
    theirs: Mapping[str, Moments],
    differences: Sequence[float],
) -> float:
    """The variance that one task's difference has from running again alone. Where nothing was run twice, that between
    the tasks stands for it; a single task then says nothing."""
    squares, degrees = within(ours.values())
    noise = 0.0
    if limit.at_most_rise is not None:
        known = [theirs[task] for task in ours]
        base_degrees = sum(moments.count - 1 for moments in known)
        base_squares = math.fsum(moments.squares for moments in known)
        if not degrees:
            squares, degrees = base_squares, base_degrees
        if base_degrees:
            each = math.fsum(1 / moments.count for moments in known) / len(known)
            noise = (1.0 + limit.at_most_rise) ** 2 * base_squares / base_degrees * each
    if not degrees:
        if len(differences) < 2:
            return math.inf
        mean = math.fsum(differences) / len(differences)
        return math.fsum((value - mean) ** 2 for value in differences) / (len(differences) - 1)
    return noise + squares / degrees * math.fsum(1 / len(values) for values in ours.values()) / len(ours)


def _told(limit: Constraint, *, over: float, half: float, bound: float, tasks: int) -> str:
    where = f"on {tasks} {'task' if tasks == 1 else 'tasks'}"
    if limit.at_most_rise is not None and bound > 0:
        base = bound / (1.0 + limit.at_most_rise)
        low, mean, high = (limit.at_most_rise + value / base for value in (over - half, over, over + half))
        return (
            f"{limit.metric} rises by {mean:.1%} a rollout (95% interval {low:.1%} to {high:.1%}) over the baseline "
            f"{where}, at most {limit.at_most_rise:.1%} allowed"
        )
    low, mean, high = (bound + value for value in (over - half, over, over + half))
    return (
        f"{limit.metric} is {_figure(mean)} a rollout (95% interval {_figure(low)} to {_figure(high)}) {where}, "
        f"at most {_figure(bound)} allowed"
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
