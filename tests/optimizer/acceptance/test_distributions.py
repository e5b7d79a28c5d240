"""The distributions, against published tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.distributions import normal_cdf, normal_quantile, t_cdf, t_quantile


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(1, 12.7062), (2, 4.30265), (5, 2.57058), (10, 2.22814), (30, 2.04227), (120, 1.97993), (1e6, 1.95997)],
)
def test_t_quantile_agrees_with_the_tables(degrees: float, expected: float) -> None:
    assert t_quantile(0.975, degrees) == pytest.approx(expected, abs=6e-5)
    assert t_quantile(0.025, degrees) == pytest.approx(-expected, abs=6e-5)


def test_normal() -> None:
    assert normal_cdf(1.959964) == pytest.approx(0.975, abs=1e-6)
    assert normal_cdf(-8.0) == pytest.approx(6.22e-16, rel=1e-2)
    assert normal_quantile(0.975) == pytest.approx(1.959964, abs=1e-6)


@given(st.floats(0.001, 0.999), st.floats(0.5, 500))
def test_quantile_undoes_the_distribution_function(probability: float, degrees: float) -> None:
    assert t_cdf(t_quantile(probability, degrees), degrees) == pytest.approx(probability, abs=1e-7)
