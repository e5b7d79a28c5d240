"""From scores to an estimate: the difference, how sure of it we are, and what is left of it after shrinking.

All effects are fractions of the score's scale of 0 to 1 (0.05 is five points).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from optimizer.acceptance.distributions import normal_cdf, t_quantile

TIE = 0.05
"""Two means on a task that are no further apart than this count as equal when tasks are counted."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of one harness on one task: a mean score that counts for ``weight`` rollouts, whole or not."""

    weight: float
    mean: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """How much better a candidate is than the champion, by the tasks on which both were seen.

    ``raw`` is the mean over tasks of the difference of means, ``se`` its standard error with ``degrees`` of freedom,
    ``low`` to ``high`` its 95% interval; ``shrunken`` the mean, ``sd`` the standard deviation and ``posterior`` the
    P(effect > 0) of the posterior. ``uneven`` is the variance from task to task of what the candidate changes, ``odd``
    the prior variance that it has beside that of most edits.
    """

    raw: float
    se: float
    degrees: float
    shrunken: float
    posterior: float
    tasks: int
    better: int
    worse: int
    sd: float = 0.0
    uneven: float = 0.0
    odd: float = 0.0

    @property
    def low(self) -> float:
        """The lower end of the 95% interval of ``raw``."""
        return self.raw - t_quantile(0.975, self.degrees) * self.se

    @property
    def high(self) -> float:
        """Its upper end."""
        return self.raw + t_quantile(0.975, self.degrees) * self.se


def cells(scores: Mapping[str, Sequence[float]]) -> dict[str, Cell]:
    """One cell for each task that has at least one score."""
    return {
        task: Cell(float(len(values)), math.fsum(values) / len(values)) for task, values in scores.items() if values
    }


def estimate(
    candidate: Mapping[str, Cell],
    champion: Mapping[str, Cell],
    *,
    noise: float,
    prior_sd: float,
    pseudo_tasks: float,
) -> Estimate | None:
    """The estimate from the tasks that both have, None when there is no such task.

    ``noise`` is the variance of one rollout run again (score squared). Swapping candidate and champion turns the
    sign of every figure. Tasks are the unit of sampling: they weigh alike however often they were run, and the variance
    is clustered by task (Cameron & Miller 2015, "A practitioner's guide to cluster-robust inference", section II).
    """
    shared = [task for task in candidate if task in champion]
    if not shared:
        return None
    differences = [difference(candidate[task].mean, champion[task].mean) for task in shared]
    rerun = noise * math.fsum(1 / candidate[task].weight + 1 / champion[task].weight for task in shared) / len(shared)
    raw, se, degrees = clustered(differences, rerun=rerun, pseudo_tasks=pseudo_tasks)
    return Estimate(
        raw=raw,
        se=se,
        degrees=degrees,
        shrunken=shrink(raw, se, prior_sd),
        posterior=probability_better(raw, se, prior_sd),
        tasks=len(shared),
        better=sum(difference > TIE for difference in differences),
        worse=sum(difference < -TIE for difference in differences),
        sd=prior_sd if math.isinf(se) else prior_sd * se / math.hypot(prior_sd, se),
    )


def difference(one: float, other: float) -> float:
    """Means of equal scores, summed in different orders, differ in the last digits: where there is no noise at all,
    that must not look like an effect."""
    return one - other if abs(one - other) > 1e-9 else 0.0


def clustered(differences: Sequence[float], *, rerun: float, pseudo_tasks: float) -> tuple[float, float, float]:
    """Mean, standard error and degrees of freedom of one difference per task.

    The small-sample guard adds ``pseudo_tasks`` tasks whose only variance is ``rerun``, the variance that one task's
    difference has from re-running alone: few tasks that agree by luck must not look certain. (A scaled inverse
    chi-squared prior on the variance: Gelman et al., "Bayesian Data Analysis", 3rd ed., section 2.6 and 3.3.)
    """
    count = len(differences)
    mean = math.fsum(differences) / count
    spread = math.fsum((difference - mean) ** 2 for difference in differences)
    degrees = count - 1 + pseudo_tasks
    if degrees <= 0:
        return mean, math.inf, 1.0
    return mean, math.sqrt((spread + pseudo_tasks * rerun) / degrees / count), degrees


def shrink(raw: float, se: float, prior_sd: float) -> float:
    """Posterior mean of an effect with prior N(0, prior_sd^2) seen as ``raw`` with error ``se``.

    D t^2 / (t^2 + se^2): the normal model with known variance (Gelman et al., "Bayesian Data Analysis", section 2.5).
    It lies between 0 and ``raw``.
    """
    if not math.isfinite(se):
        return 0.0
    return raw * (prior_sd**2 / (prior_sd**2 + se**2))


def probability_better(raw: float, se: float, prior_sd: float) -> float:
    """P(effect > 0) under the same posterior; 0.5 when there is neither a difference nor any noise."""
    if raw == 0.0 or not math.isfinite(se):
        return 0.5
    if se == 0.0:
        return 1.0 if raw > 0 else 0.0
    return normal_cdf(raw / se * (prior_sd / math.hypot(prior_sd, se)))


def probability_above(found: Estimate, least: float) -> float:
    """P(effect >= ``least``) under the posterior of ``found``, a normal one."""
    if found.sd == 0.0:
        return 1.0 if found.shrunken >= least else 0.0
    return normal_cdf((found.shrunken - least) / found.sd)


def within(groups: Iterable[Sequence[float]]) -> tuple[float, int]:
    """Sum of squares around each group's own mean, and its degrees of freedom: what re-running alone changes."""
    squares, degrees = 0.0, 0
    for values in groups:
        if len(values) > 1:
            mean = math.fsum(values) / len(values)
            squares += math.fsum((value - mean) ** 2 for value in values)
            degrees += len(values) - 1
    return squares, degrees
