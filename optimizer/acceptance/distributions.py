"""The normal and Student's t distribution, as far as the gate needs them."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()


def normal_cdf(z: float) -> float:
    """P(Z <= z) for a standard normal Z."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


@lru_cache(maxsize=64)
def normal_quantile(probability: float) -> float:
    """The z with P(Z <= z) = ``probability``, for a probability strictly between 0 and 1."""
    return _NORMAL.inv_cdf(probability)


@lru_cache(maxsize=1024)
def t_quantile(probability: float, degrees: float) -> float:
    """The t with P(T <= t) = ``probability`` for Student's t with ``degrees`` > 0 degrees of freedom (any real number).

    Solved on the distribution function by bisection from the normal quantile, to about 1e-9.
    """
    if probability < 0.5:
        return -t_quantile(1.0 - probability, degrees)
    low, high = 0.0, max(1.0, normal_quantile(probability))
    while t_cdf(high, degrees) < probability:
        low, high = high, 2.0 * high
    for _ in range(100):
        middle = 0.5 * (low + high)
        if t_cdf(middle, degrees) < probability:
            low = middle
        else:
            high = middle
        if high - low < 1e-9 * (1.0 + high):
            break
    return 0.5 * (low + high)


def t_cdf(t: float, degrees: float) -> float:
    """P(T <= t) for Student's t, by the regularised incomplete beta function (Abramowitz & Stegun 1964, 26.7.1)."""
    tail = 0.5 * _incomplete_beta(0.5 * degrees, 0.5, degrees / (degrees + t * t))
    return 1.0 - tail if t > 0 else tail


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by its continued fraction (Abramowitz & Stegun 1964, 26.5.8)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - front * _fraction(b, a, 1.0 - x) / b
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of 26.5.8, evaluated by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 300):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + term * d
            c = 1.0 + term / c
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1.0) < 1e-13:
            break
    return value
