"""What switching one thing on did, over all experiments that changed nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.acceptance.distributions import normal_quantile, t_quantile
from optimizer.records import Decision

LEAST_SE = 1e-4
"""A standard error is at least a hundredth of a point: evidence without any noise must not weigh infinitely."""


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect of switching on, with its 95% interval, from so many experiments and their candidates' rollouts."""

    mean: float
    low: float
    high: float
    experiments: int
    rollouts: int


def combined(trials: Sequence[tuple[bool, Decision]], *, pseudo_tasks: float) -> Effect | None:
    """The plain paired effects, weighed by inverse variance (the fixed-effect model: Borenstein et al. 2009,
    "Introduction to meta-analysis", chapter 11). A trial is (switched on, what was measured); switching off counts with
    the other sign. None when nothing was measured.

    The interval is too narrow in two ways: experiments on one champion share its rollouts, and each ended when the gate
    had seen enough. It describes the search; it is no claim.
    """
    weights, values, rollouts = [], [], 0
    for on, decision in trials:
        if decision.raw_effect is None or decision.low is None or decision.high is None:
            continue
        half = 0.5 * (decision.high - decision.low)
        if not math.isfinite(half):
            continue
        se = max(LEAST_SE, half / t_quantile(0.975, max(1.0, decision.tasks - 1 + pseudo_tasks)))
        weights.append(1.0 / se**2)
        values.append(decision.raw_effect if on else -decision.raw_effect)
        rollouts += decision.rollouts
    if not weights:
        return None
    total = math.fsum(weights)
    mean = math.fsum(weight * value for weight, value in zip(weights, values, strict=True)) / total
    away = normal_quantile(0.975) / math.sqrt(total)
    return Effect(mean, mean - away, mean + away, len(weights), rollouts)
