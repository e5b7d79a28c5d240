"""What can be seen, and what it takes: the formulas against each other and against simulation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.calibration import Calibration
from optimizer.acceptance.distributions import normal_cdf
from optimizer.acceptance.evidence import probability_better
from optimizer.acceptance.power import (
    POWER,
    error_for,
    error_of,
    exam_bar,
    rollouts_for,
    search_bar,
    smallest_gain,
    smallest_on_tasks,
    tasks_for,
)
from optimizer.acceptance.presets import CAREFUL, FAST
from optimizer.acceptance.prospects import prospects

SEARCH, EXAM = search_bar(FAST.working), exam_bar(FAST.exam)


@given(st.floats(0.001, 0.2))
def test_the_search_bar_is_where_the_gate_keeps(se: float) -> None:
    prior, sure = FAST.working.prior_sd, FAST.working.keep_at
    believed = (SEARCH(se) * prior**2 + FAST.working.prior_mean * se**2) / (prior**2 + se**2)
    sd = prior * se / math.hypot(prior, se)
    assert normal_cdf(believed / sd) == pytest.approx(sure, abs=1e-6)
    assert probability_better(SEARCH(se), se, prior) > sure, "an edit is expected to harm a little"


def test_a_stricter_gate_sees_less() -> None:
    assert smallest_gain(search_bar(CAREFUL.working), 0.01) > smallest_gain(SEARCH, 0.01)
    assert smallest_gain(EXAM, 0.01) > smallest_gain(SEARCH, 0.01)


def test_the_smallest_gain_is_seen_with_the_power_promised() -> None:
    rng, se = random.Random(1), 0.02
    gain = smallest_gain(SEARCH, se)
    seen = sum(rng.gauss(gain, se) >= SEARCH(se) for _ in range(4000)) / 4000
    assert seen == pytest.approx(POWER, abs=0.02)


@given(st.floats(0.002, 0.3))
def test_the_error_for_a_gain_is_the_inverse(gain: float) -> None:
    for bar in (SEARCH, EXAM, search_bar(CAREFUL.working)):
        se = error_for(gain, bar)
        assert se == 0.0 or smallest_gain(bar, se) == pytest.approx(gain, rel=1e-6)


def test_half_the_gain_takes_four_times_the_rollouts_of_an_exam() -> None:
    assert rollouts_for(0.02, EXAM, 0.17) == pytest.approx(4 * rollouts_for(0.04, EXAM, 0.17), rel=0.01)
    assert rollouts_for(0.02, EXAM, 0.17) > rollouts_for(0.02, SEARCH, 0.17)


def test_rollouts_for_a_gain_give_its_error() -> None:
    rollouts = rollouts_for(0.05, SEARCH, 0.2)
    se = error_of(0.2, rollouts // 2, 1, 1)
    assert smallest_gain(SEARCH, se) == pytest.approx(0.05, rel=0.02)


def test_tasks_of_a_deterministic_suite() -> None:
    tasks = tasks_for(0.10, EXAM)
    assert smallest_on_tasks(EXAM, tasks) == pytest.approx(0.10, rel=0.02)
    assert smallest_on_tasks(EXAM, 4 * tasks) < 0.10 < smallest_on_tasks(EXAM, tasks // 2)


def test_the_error_is_that_of_a_mean_of_differences() -> None:
    assert error_of(0.25, 50, 3, 5) == pytest.approx(math.sqrt(0.25 * (1 / 3 + 1 / 5) / 50))


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_gain_below_the_least_that_is_kept_is_never_seen(deterministic: bool) -> None:
    found = Calibration(20, 20, 10, 0.5, 0.01, 0.3, 0.0, 0.0, 0.0, deterministic, False, None)
    seen = prospects(found, CAREFUL, tasks=60, certify=30, rollouts=None, exam_rollouts=None)
    assert seen is not None
    gains = [needed.gain for needed in seen.needed]
    assert gains and min(gains) > CAREFUL.working.min_gain
