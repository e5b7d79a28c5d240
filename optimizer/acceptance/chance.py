"""How often an edit without effect would be kept on evidence like this: a bound that holds however often one looked.

The evidence is a difference of means with its standard error, after however many looks the gate took. Between "a gain"
and "no gain" stands a likelihood ratio, averaged over the gains that an edit may have (Robbins 1970, "Statistical
methods related to the law of the iterated logarithm", with a normal on its positive half). Without an effect, or with a
harmful one, its expectation at any time of stopping is at most 1, so that it is x or more at the end with probability
1/x at most (Ville 1939; Howard et al. 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", section
2). It looks at one edit: of a hundred edits without effect, one is expected to have its 1 in 100.
"""

from __future__ import annotations

import math

from optimizer.acceptance.distributions import normal_cdf, normal_quantile, t_cdf
from optimizer.acceptance.evidence import cells, estimate
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import WorkingSettings
from optimizer.records import Evaluation

GAINS_SD = 0.10
"""The gains averaged over are those of a normal with this standard deviation, on its positive half: what a few hundred
rollouts can tell from nothing. Another choice gives another bound, never a wrong one, as long as it is made before."""


def by_chance(pool: Pool, evaluation: Evaluation, settings: WorkingSettings) -> float:
    """:func:`bound` for an experiment's evidence; ``pool`` is the champion's before it.

    The champion is taken by the rollouts of its own tree alone. The pool that the gate compares with carries over a
    belief about every keep; where one was better than believed, the bar is too low and an edit without effect looks
    good. A champion's own rollouts, among them those that it was chosen by, err to the other side.
    """
    found = estimate(
        cells(evaluation.candidate),
        pool.with_own(evaluation.champion),
        noise=0.0 if settings.deterministic else pool.noise,
        prior_sd=settings.prior_sd,
        pseudo_tasks=settings.pseudo_tasks,
    )
    return 1.0 if found is None else bound(found.raw, found.se, found.degrees, tasks=found.tasks)


def bound(effect: float, se: float, degrees: float, *, tasks: int) -> float:
    """An upper bound, in (0, 1], on the probability that an edit without effect is ever decided on by such evidence.

    ``effect`` is the plain difference, as a fraction of the scale, ``se`` its standard error with ``degrees`` of
    freedom, ``tasks`` the number of tasks that it is the mean of. That the error is estimated is paid for by
    the t distribution. It is never below 2^-tasks: even if an edit does nothing, tasks may all fall to one side.
    """
    least = 0.5 ** min(tasks, 1000)
    if effect <= 0.0 or not math.isfinite(se):
        return 1.0
    if se <= 0.0:
        return least
    # What is as unlikely under a normal distribution as this is under Student's t.
    tail = 1.0 - t_cdf(effect / se, degrees)
    z = -normal_quantile(max(tail, 1e-15))
    return min(1.0, max(least, math.exp(-_log_ratio(z, (se / GAINS_SD) ** 2))))


def _log_ratio(z: float, noise: float) -> float:
    """log of the mean over gains g of N(D; g, v) / N(D; 0, v), for z = D / sqrt(v) and ``noise`` = v / GAINS_SD^2.

    With the half-normal on g: 2 sqrt(n / (1 + n)) exp(z^2 / (2 (1 + n))) Phi(z / sqrt(1 + n)), where n is ``noise``.
    """
    informed = 1.0 / (1.0 + noise)
    share = normal_cdf(z * math.sqrt(informed))
    return math.log(2.0) + 0.5 * math.log(noise * informed) + 0.5 * z * z * informed + math.log(share)
