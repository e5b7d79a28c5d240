"""Intervals against known cases and known coverage."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.bench.intervals import NOTHING, Figure, mean_of, ratio_of, share_of


def test_the_mean_of_a_known_sample() -> None:
    """Student's own first sample (Student 1908, the additional hours of sleep): mean 0.75, t with 9 degrees 2.262."""
    figure = mean_of([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    assert figure.mean == pytest.approx(0.75)
    assert (figure.low, figure.high) == (pytest.approx(-0.5298, abs=1e-4), pytest.approx(2.0298, abs=1e-4))


def test_a_count_is_not_negative() -> None:
    figure = mean_of([0, 0, 0, 9], least=0.0)
    assert figure.mean == 2.25 and figure.low == 0.0 and figure.high is not None and figure.high > 9


def test_a_share_of_a_known_sample() -> None:
    """Newcombe (1998), table I, the score method: 15 of 148, and 0 of 20."""
    figure, none = share_of([True] * 15 + [False] * 133), share_of([False] * 20)
    assert (figure.low, figure.high) == (pytest.approx(0.0624, abs=1e-4), pytest.approx(0.1605, abs=1e-4))
    assert (none.mean, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(0.1611, abs=1e-4)


def test_a_ratio_is_one_of_sums() -> None:
    figure = ratio_of([1, 0, 3], [2, 0, 4])
    assert figure.mean == pytest.approx(4 / 6)
    assert figure.low is not None and figure.high is not None and 0.5 <= figure.low < figure.high <= 0.75
    assert ratio_of([1, 1, 1], [2, 2, 2]) == Figure(0.5, 0.5, 0.5)


def test_what_nothing_tells_is_none() -> None:
    assert mean_of([]) == share_of([]) == ratio_of([0, 0], [0, 0]) == NOTHING
    assert mean_of([0.3]) == Figure(0.3, None, None)


def test_the_bootstrap_covers_what_it_says() -> None:
    """Of 200 experiments of 30 campaigns each about 95% cover the true ratio; with 30 a percentile interval is a little
    narrow."""
    rng, covered = np.random.default_rng(11), 0
    for _ in range(200):
        keeps = rng.poisson(8, 30)
        figure = ratio_of(rng.binomial(keeps, 0.3).tolist(), keeps.tolist())
        assert figure.low is not None and figure.high is not None
        covered += figure.low <= 0.3 <= figure.high
    assert 0.88 <= covered / 200 <= 0.99
