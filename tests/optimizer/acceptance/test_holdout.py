"""The holdout's summary."""

from __future__ import annotations

import math

import pytest

from optimizer.acceptance.holdout import interval, summarize


def test_by_hand() -> None:
    baseline = {"a": (0.0, 0.0), "b": (0.0, 1.0), "c": (1.0, 1.0), "gone": ()}
    champion = {"a": (1.0,), "b": (1.0, 1.0), "c": (1.0, 0.5)}
    found = summarize(baseline, champion)
    assert found is not None
    assert found.baseline.mean == pytest.approx(0.5)
    assert found.champion.mean == pytest.approx((1 + 1 + 0.75) / 3)
    assert found.difference.mean == pytest.approx((1 + 0.5 - 0.25) / 3)
    spread = [1 - 5 / 12, 0.5 - 5 / 12, -0.25 - 5 / 12]
    half = 4.30265 * math.sqrt(sum(x * x for x in spread) / 2 / 3)
    assert found.difference.high - found.difference.mean == pytest.approx(half, abs=1e-4)
    assert (found.tasks, found.better, found.worse, found.rollouts) == (3, 2, 1, 11)
    assert 0.0 <= found.baseline.low <= found.champion.high <= 1.0
    assert found.reason.startswith("holdout: better on 2 of 3 tasks, worse on 1; +41.7 points, 95% interval")


def test_nothing_and_one_task() -> None:
    assert summarize({"a": (1.0,)}, {"b": (1.0,)}) is None
    one = summarize({"a": (0.0,)}, {"a": (1.0,)})
    assert one is not None
    assert (one.difference.low, one.difference.high) == (-math.inf, math.inf)
    assert (one.baseline.low, one.baseline.high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="expected at least one"):
        interval([])
