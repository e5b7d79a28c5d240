"""A metric in its own unit: both directions, both ways, never beyond the scale."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from optimizer.metric import Metric

LOSS = Metric("loss", worst=5.0, best=2.0)
RATE = Metric("rate", worst=0.0, best=2000.0)


def test_ends_and_middle() -> None:
    assert (LOSS.score(5.0), LOSS.score(2.0), LOSS.score(3.5)) == (0.0, 1.0, 0.5)
    assert (LOSS.score(9.0), LOSS.score(-1.0)) == (0.0, 1.0)
    assert (LOSS.maximized, RATE.maximized) == (False, True)


def test_words() -> None:
    assert (LOSS.told(0.5), LOSS.told_change(0.1), LOSS.told(None)) == ("3.500", "-0.300", "-")
    assert (RATE.told(0.5), RATE.told_change(0.1)) == ("1,000", "+200")
    assert LOSS.told_span(0.1, 0.2) == "4.400 to 4.700"
    assert LOSS.told_span(0.1, 0.2, change=True) == "-0.600 to -0.300"
    assert RATE.told_span(0.1, 0.2) == "200 to 400"
    assert RATE.told_span(None, 0.2) == "-"


def test_from_a_campaign_s_settings() -> None:
    assert Metric.of({"suite": {"metric": "loss", "worst": 5.0, "best": 2.0}}) == LOSS
    assert Metric.of({"suite": {"kind": "agent"}}) is None


ENDS = st.floats(-1e6, 1e6)


@given(worst=ENDS, best=ENDS, score=st.floats(0.0, 1.0))
def test_a_value_has_its_score(worst: float, best: float, score: float) -> None:
    if abs(best - worst) > 1e-3:
        metric = Metric("m", worst, best)
        assert math.isclose(metric.score(metric.value(score)), score, abs_tol=1e-6)
