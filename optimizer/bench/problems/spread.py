"""Chances on single tasks around an exact mean: tasks differ in difficulty, and in what an edit does for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.bench.problems.chances import Chances

Leanings = NDArray[np.float64]
"""How much easier (above 0) or harder (below 0) than the mean each task of the population is."""


def difficulties(rng: np.random.Generator, population: int, width: float) -> Leanings:
    """Leanings spread evenly over [-``width``, ``width``]; a width of 0 makes all tasks alike."""
    return rng.uniform(-width, width, population)


def around(mean: float, leanings: Leanings) -> Chances:
    """Chances with exactly this mean (in [0, 1]) over the population.

    With leanings z of mean 0 in [-1, 1], p = mean + z mean (1 - mean) lies between mean^2 and 1 - (1 - mean)^2, so that
    nothing is ever cut off and the mean stays what it is.
    """
    centred = leanings - leanings.mean()
    centred = centred / max(1.0, float(np.abs(centred).max()))
    return np.asarray(mean + centred * mean * (1.0 - mean))
