"""What switching one thing on did."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.distributions import t_quantile
from optimizer.acceptance.switches import LEAST_SE, combined
from optimizer.records import Decision, Verdict

TASKS = 20


def measured(effect: float, se: float, rollouts: int = 30) -> Decision:
    half = t_quantile(0.975, TASKS - 1 + 10.0) * se
    low, high = effect - half, effect + half
    return Decision(
        Verdict.discard, "", effect=0.0, raw_effect=effect, low=low, high=high, rollouts=rollouts, tasks=TASKS
    )


def test_nothing_measured() -> None:
    crashed = Decision(Verdict.crash, "crashed")
    boundless = Decision(Verdict.discard, "", raw_effect=0.1, low=-math.inf, high=math.inf, tasks=1)
    assert combined([], pseudo_tasks=10.0) is None
    assert combined([(True, crashed), (False, boundless)], pseudo_tasks=10.0) is None


def test_one_experiment_keeps_its_effect() -> None:
    found = combined([(True, measured(0.05, 0.02))], pseudo_tasks=10.0)
    assert found is not None and (found.mean, found.experiments, found.rollouts) == (0.05, 1, 30)
    assert found.high == pytest.approx(0.05 + 1.96 * 0.02, abs=1e-5)


def test_switching_off_counts_with_the_other_sign_and_the_surer_one_counts_more() -> None:
    found = combined([(True, measured(0.06, 0.01)), (False, measured(0.06, 0.02))], pseudo_tasks=10.0)
    assert found is not None
    assert found.mean == pytest.approx((0.06 * 4 - 0.06 * 1) / 5)
    assert found.rollouts == 60
    exact = combined([(True, measured(0.02, 0.0)), (True, measured(0.9, 0.1))], pseudo_tasks=10.0)
    assert exact is not None and exact.mean == pytest.approx(0.02, abs=1e-4) and exact.high > 0.02 + LEAST_SE


@given(st.lists(st.tuples(st.booleans(), st.floats(-0.5, 0.5), st.floats(0.001, 0.3)), min_size=1, max_size=8))
def test_more_evidence_never_widens_the_interval(trials: list[tuple[bool, float, float]]) -> None:
    widths = []
    for count in range(1, len(trials) + 1):
        found = combined([(on, measured(effect, se)) for on, effect, se in trials[:count]], pseudo_tasks=10.0)
        assert found is not None and found.low <= found.mean <= found.high
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)
    turned = combined([(not on, measured(effect, se)) for on, effect, se in trials], pseudo_tasks=10.0)
    assert turned is not None and turned.mean == pytest.approx(-found.mean)
