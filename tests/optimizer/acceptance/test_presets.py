"""The gate's sizes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from optimizer.acceptance.presets import CAREFUL, FAST, PRESETS, ExamSettings, WorkingSettings


def test_the_presets() -> None:
    assert set(PRESETS) == {"fast", "careful"}
    assert (FAST.working.keep_at, FAST.working.max_passes, FAST.working.min_champion) == (0.85, 3, 3)
    assert (CAREFUL.working.keep_at, CAREFUL.working.max_passes, CAREFUL.working.min_champion) == (0.95, 8, 6)
    assert CAREFUL.working.min_gain == 0.015


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        (WorkingSettings(), {"first_look": 0}),
        (WorkingSettings(), {"first_look": 2.5}),
        (WorkingSettings(), {"keep_at": 1.0}),
        (WorkingSettings(), {"keep_at": math.nan}),
        (WorkingSettings(), {"discard_at": 0.9}),
        (WorkingSettings(), {"max_champion": 2}),
        (WorkingSettings(), {"prior_sd": 0.0}),
        (ExamSettings(), {"alpha": 0.0}),
        (ExamSettings(), {"min_repeats": 0}),
        (ExamSettings(), {"max_repeats": 1}),
        (ExamSettings(), {"hope_shares": ()}),
        (ExamSettings(), {"fail_log_ratio": 0.0}),
    ],
)
def test_a_size_out_of_range_is_named(settings: Any, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(change))}: got .* expected"):
        replace(settings, **change)


def test_the_exams_share_out_the_error() -> None:
    settings = ExamSettings()
    assert settings.alpha_each * settings.planned == pytest.approx(settings.alpha)
