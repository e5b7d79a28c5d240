"""Power: the smallest gain that can be seen, and the rollouts that a given gain takes.

Everything here is the normal approximation of Miller 2024, "Adding error bars to evals", section 5 (sample size and
minimum detectable effect), with one simplification: of how unevenly an edit moves the tasks nothing is known before it
is made, so it is left out, except where it cannot be (a deterministic suite). Figures are therefore the least that it
takes: an edit that moves a few tasks much is harder to tell from luck than one that moves all alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from optimizer.acceptance.distributions import normal_quantile
from optimizer.acceptance.presets import ExamSettings, WorkingSettings

POWER = 0.8
"""The probability with which a gain of that size is seen."""

Bar = Callable[[float], float]
"""From a standard error to the difference that must be seen with it."""


def search_bar(settings: WorkingSettings) -> Bar:
    """The plain difference at which the gate keeps for sure: P(effect > 0) = ``keep_at`` under the prior N(m, t^2) of
    an edit of which nothing is known, which is z se sqrt(1 + se^2 / t^2) - m se^2 / t^2 (Gelman et al., "Bayesian Data
    Analysis", section 2.5); and ``min_gain`` after shrinking."""
    z = normal_quantile(settings.keep_at)

    def bar(se: float) -> float:
        ratio = (se / settings.prior_sd) ** 2
        widened = 1.0 + ratio
        return max(z * se * math.sqrt(widened), settings.min_gain * widened) - settings.prior_mean * ratio

    return bar


def exam_bar(settings: ExamSettings) -> Bar:
    """The difference at which an exam passes: its ratio of likelihoods, averaged over K gains, is at least that of the
    best of them over K, e^(d^2 / (2 se^2)) / K, and has to reach 1 / alpha (Ville 1939; Robbins 1970)."""
    needed = math.sqrt(2.0 * (math.log(1.0 / settings.alpha_each) + math.log(len(settings.hope_shares))))
    return lambda se: needed * se


def smallest_gain(bar: Bar, se: float) -> float:
    """The true gain that is seen above ``bar`` with probability ``POWER`` when the standard error is ``se``."""
    return bar(se) + normal_quantile(POWER) * se


def error_for(gain: float, bar: Bar) -> float:
    """The standard error at which ``gain`` is just seen: the inverse of :func:`smallest_gain`, which rises with it."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if smallest_gain(bar, middle) <= gain else (low, middle)
    return low


def smallest_on_tasks(bar: Bar, tasks: int) -> float:
    """The same on a deterministic suite of ``tasks`` tasks that are passed or failed, each run once: an edit that gains
    g must turn at least a share g of the tasks, so the error is at least sqrt(g (1 - g) / tasks)."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        seen = smallest_gain(bar, math.sqrt(middle * (1.0 - middle) / tasks)) <= middle
        low, high = (low, middle) if seen else (middle, high)
    return high


def rollouts_for(gain: float, bar: Bar, noise: float) -> int:
    """Rollouts of both sides together, half of them each: 4 noise / se^2. ``noise`` is the variance of one rollout."""
    return max(2, math.ceil(4.0 * noise / error_for(gain, bar) ** 2))


def tasks_for(gain: float, bar: Bar) -> int:
    """Tasks of a deterministic suite that it takes to see ``gain``, each run once a side."""
    return max(2, math.ceil(gain * (1.0 - gain) / error_for(gain, bar) ** 2))


def error_of(noise: float, tasks: int, candidate: float, champion: float) -> float:
    """Standard error of a mean difference over ``tasks`` tasks with so many rollouts a task on each side."""
    return math.sqrt(noise * (1.0 / candidate + 1.0 / champion) / tasks)
