"""Figures over campaigns, each with the 95% interval that fits it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.acceptance.distributions import normal_quantile, t_quantile

LEVEL = 0.95
RESAMPLES = 4_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and its interval; None for what the campaigns do not tell (no keeps: no share of them; one campaign:
    no interval of a mean)."""

    mean: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, float | None]:
        """Rounded to a millionth."""
        values = {"mean": self.mean, "low": self.low, "high": self.high}
        return {name: None if value is None else round(value, 6) for name, value in values.items()}


NOTHING = Figure(None, None, None)


def mean_of(values: Sequence[float], *, least: float = -math.inf) -> Figure:
    """The mean with Student's t interval (Student 1908), cut off at ``least``: no count is negative."""
    if not values:
        return NOTHING
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Figure(mean, None, None)
    half = t_quantile(0.5 + LEVEL / 2, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return Figure(mean, max(least, mean - half), mean + half)


def share_of(hits: Sequence[bool]) -> Figure:
    """The share of campaigns with Wilson's score interval (Wilson 1927), which does not close up at 0 of 20."""
    count = len(hits)
    if not count:
        return NOTHING
    share, z = sum(hits) / count, normal_quantile(0.5 + LEVEL / 2)
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return Figure(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


def ratio_of(over: Sequence[float], under: Sequence[float]) -> Figure:
    """The sum of ``over`` by the sum of ``under``, both one number a campaign; percentile interval of a bootstrap over
    campaigns (Efron and Tibshirani 1993, chapter 13), always with the same resamples."""
    if not math.fsum(under):
        return NOTHING
    mean = math.fsum(over) / math.fsum(under)
    if len(over) < 2:
        return Figure(mean, None, None)
    picks = np.random.default_rng(0).integers(0, len(over), (RESAMPLES, len(over)))
    tops, bottoms = np.asarray(over)[picks].sum(axis=1), np.asarray(under)[picks].sum(axis=1)
    ratios = tops[bottoms != 0] / bottoms[bottoms != 0]
    low, high = np.quantile(ratios, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return Figure(mean, float(low), float(high))
