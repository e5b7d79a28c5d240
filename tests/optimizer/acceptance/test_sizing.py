"""Sizes from what was measured: less noise needs less, and what a person set stays."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.calibration import Calibration, Halves
from optimizer.acceptance.presets import CAREFUL, FAST
from optimizer.acceptance.sizing import REFERENCE_NOISE, Sizes, sized

BEFORE = Sizes(FAST, 2)
NOISY = Calibration(
    rollouts=150, tasks=50, repeats=100, mean=0.5, noise=REFERENCE_NOISE, spread=0.28, always=0.2, never=0.2,
    fooled=0.0, deterministic=False, equal=False, halves=Halves(0.0, -0.1, 0.1, 50, drifts=False),
)  # fmt: skip


def test_the_world_that_the_presets_are_made_for_changes_nothing() -> None:
    assert sized(BEFORE, NOISY, tasks=50, rollouts=20_000) == BEFORE
    assert sized(Sizes(CAREFUL, 2), NOISY, tasks=50, rollouts=None).preset == CAREFUL


@pytest.mark.parametrize(
    ("noise", "tasks", "rollouts", "passes", "champion"),
    [
        (REFERENCE_NOISE, 20, 20_000, 8, 3),
        (REFERENCE_NOISE, 200, 20_000, 1, 3),
        (REFERENCE_NOISE, 50, 3_000, 1, 3),
        (REFERENCE_NOISE, 72, 12_000, 2, 3),
        (REFERENCE_NOISE / 5, 50, 20_000, 1, 1),
        (REFERENCE_NOISE / 2, 50, 20_000, 2, 2),
        (0.25, 50, 20_000, 5, 3),
    ],
)
def test_passes_and_champion_follow_noise_tasks_and_budget(
    noise: float, tasks: int, rollouts: int, passes: int, champion: int
) -> None:
    after = sized(BEFORE, replace(NOISY, noise=noise), tasks=tasks, rollouts=rollouts)
    working = after.preset.working
    assert (working.max_passes, working.min_champion) == (passes, champion)
    assert len(after.reasons) == (passes != 3) + (champion != 3), "every change has its reason"
    assert after.preset.exam == FAST.exam and after.holdout_repeats == 2


def test_too_few_repeats_leave_the_preset() -> None:
    after = sized(BEFORE, replace(NOISY, repeats=19, noise=0.001), tasks=50, rollouts=3_000)
    assert after.preset == FAST and "too few" in after.reasons[0]


def test_a_deterministic_suite_is_never_run_twice() -> None:
    after = sized(BEFORE, replace(NOISY, deterministic=True), tasks=50, rollouts=20_000)
    working, exam = after.preset.working, after.preset.exam
    assert (working.max_passes, working.min_champion, working.growth, working.deterministic) == (1, 1, 0.0, True)
    assert (exam.min_repeats, exam.max_repeats, after.holdout_repeats) == (1, 1, 1)


def test_what_a_person_set_stays() -> None:
    before = Sizes(replace(FAST, working=replace(FAST.working, max_passes=4)), 3)
    fixed = {"max_passes", "holdout_repeats"}
    assert sized(before, NOISY, tasks=50, rollouts=1_000, fixed=fixed).preset.working.max_passes == 4
    after = sized(before, replace(NOISY, deterministic=True), tasks=50, rollouts=1_000, fixed=fixed)
    assert (after.preset.working.max_passes, after.holdout_repeats) == (4, 3)
    assert sum("as the experiment sets it" in reason for reason in after.reasons) == 2


@given(st.floats(0, 0.25), st.integers(2, 2000), st.none() | st.integers(1, 10**6), st.booleans())
def test_every_answer_is_a_gate_and_comes_back_from_json(
    noise: float, tasks: int, rollouts: int | None, deterministic: bool
) -> None:
    found = replace(NOISY, noise=noise, deterministic=deterministic)
    after = sized(BEFORE, found, tasks=tasks, rollouts=rollouts)
    assert BEFORE.changed(json.loads(json.dumps(after.to_json(BEFORE)))) == after


@given(st.floats(0, 0.12), st.floats(0, 0.12), st.integers(2, 500))
def test_more_noise_never_means_fewer_rollouts(noise: float, more: float, tasks: int) -> None:
    less, most = (
        sized(BEFORE, replace(NOISY, noise=value), tasks=tasks, rollouts=9_000).preset.working
        for value in (noise, noise + more)
    )
    assert less.max_passes <= most.max_passes and less.min_champion <= most.min_champion
