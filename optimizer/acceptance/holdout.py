"""The holdout: what is reported to a person, never used for a decision."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.acceptance.distributions import t_quantile
from optimizer.acceptance.evidence import TIE
from optimizer.acceptance.words import points


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95% interval, clustered by task; a single task says nothing of others: minus to plus infinity."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HoldoutSummary:
    """Baseline against champion on tasks that no search and no exam ever used. Scores are in [0, 1]."""

    baseline: Interval
    champion: Interval
    difference: Interval
    tasks: int
    better: int
    worse: int
    rollouts: int
    reason: str


def summarize(
    baseline: Mapping[str, Sequence[float]], champion: Mapping[str, Sequence[float]]
) -> HoldoutSummary | None:
    """The summary over the tasks that both have at least one score on; None when there is none.

    Intervals are Student's t over task means (the tasks are the sample, their repeats are not independent of each
    other; Miller 2024, "Adding error bars to evals", sections 2 and 4 on clustered and paired differences).
    """
    tasks = [task for task in baseline if baseline[task] and champion.get(task)]
    if not tasks:
        return None
    before = [_mean(baseline[task]) for task in tasks]
    after = [_mean(champion[task]) for task in tasks]
    differences = [b - a for a, b in zip(before, after, strict=True)]
    difference = interval(differences)
    better, worse = sum(d > TIE for d in differences), sum(d < -TIE for d in differences)
    rollouts = sum(len(baseline[task]) + len(champion[task]) for task in tasks)
    reason = (
        f"holdout: better on {better} of {len(tasks)} tasks, worse on {worse}; {points(difference.mean)} points, "
        f"95% interval {points(difference.low)} to {points(difference.high)}; {rollouts} rollouts"
    )
    return HoldoutSummary(
        interval(before, low=0.0, high=1.0),
        interval(after, low=0.0, high=1.0),
        difference,
        len(tasks),
        better,
        worse,
        rollouts,
        reason,
    )


def interval(means: Sequence[float], *, low: float = -math.inf, high: float = math.inf) -> Interval:
    """Mean of task means with the 95% t interval, cut to ``low`` .. ``high``; raises ``ValueError`` on no task."""
    if not means:
        raise ValueError("got no task, expected at least one")
    mean = _mean(means)
    if len(means) == 1:
        return Interval(mean, low, high)
    spread = math.fsum((value - mean) ** 2 for value in means) / (len(means) - 1)
    half = t_quantile(0.975, len(means) - 1) * math.sqrt(spread / len(means))
    return Interval(mean, max(low, mean - half), min(high, mean + half))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
