"""The Pareto front: of all that was measured, what nothing else beats in score and cost at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from optimizer.acceptance.distributions import normal_quantile
from optimizer.records import Decision

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a harness stands: a score (more is better) and a cost (less is)."""

    score: float
    cost: float


def front(places: Mapping[K, Place]) -> list[K]:
    """Those that no other one dominates (is at least as good in both, better in one), the cheapest first. Of several in
    the very same place, the first given stands for all."""
    order = {key: turn for turn, key in enumerate(places)}
    found: list[K] = []
    best = -math.inf
    for key in sorted(places, key=lambda key: (places[key].cost, -places[key].score, order[key])):
        if places[key].score > best:
            found.append(key)
            best = places[key].score
    return found


def believed(decision: Decision) -> tuple[float, float, float] | None:
    """The effect of an edit as the gate believes it, with its 95% interval; None when it was not measured.

    The posterior is normal, with mean ``decision.effect`` and standard deviation ``decision.sd``.
    """
    if decision.effect is None or decision.sd is None:
        return None
    away = normal_quantile(0.975) * decision.sd
    return decision.effect, decision.effect - away, decision.effect + away


def beside(ours: Mapping[str, float], baseline: Mapping[str, float]) -> float | None:
    """What a rollout costs on average, comparable between harnesses that saw different tasks; None without any task.

    Both hold mean costs by task. The ratio on the tasks that both have, times the baseline's mean over all its tasks
    (the ratio estimator: Cochran 1977, "Sampling techniques", 3rd ed., chapter 6); the plain mean where they share
    none, or where the baseline costs nothing.
    """
    if not ours:
        return None
    shared = [task for task in ours if task in baseline]
    theirs = math.fsum(baseline[task] for task in shared)
    if theirs <= 0:
        return math.fsum(ours.values()) / len(ours)
    return math.fsum(ours[task] for task in shared) / theirs * math.fsum(baseline.values()) / len(baseline)
