"""What calibration found, in words."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from optimizer.acceptance.presets import FAST
from optimizer.acceptance.sizing import Sizes
from optimizer.calibration import Asked, Site, judged
from optimizer.reports.calibration import line, remarks, render

NOTHING: dict[str, Any] = {"regraded": 0, "differing": 0, "tasks": []}
FLAT = {f"t{n}": (float(n % 2), float(n % 2)) for n in range(30)}
NOISY = {f"t{n}": (float(n % 2), float(n % 3 == 0), 1.0) for n in range(30)}


def record(scores: dict[str, tuple[float, ...]], grader: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
    site = Site(certify=30, rollouts=6000, search_rollouts=5000, exam_rollouts=600)
    return judged(scores, grader or NOTHING, Sizes(FAST, 2), Asked(**asked), tasks=30, site=site)


def shown(told: dict[str, Any]) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render(told, tasks=30))
    return " ".join(console.export_text().split())


def test_a_deterministic_suite_is_called_so_with_the_chance_of_being_fooled() -> None:
    told = line(record(FLAT))
    assert "deterministic: no score changed in 30 repeats" in told and "4.2%" in told
    assert "deterministic, as the suite says" in line(record(FLAT, deterministic=True))
    assert "too few to call the suite deterministic" in line(record(dict(list(FLAT.items())[:5])))
    text = shown(record(FLAT))
    assert "1 rollout a task and side" in text and "tasks" in text and "each run once by both sides" in text


def test_a_noisy_one_with_what_can_be_seen() -> None:
    told = line(record(NOISY))
    assert "differs with a standard deviation of" in told and "an edit's gain is seen from +" in told
    assert "the last exam certifies from +" in told
    text = shown(record(NOISY))
    for part in ("What can be seen, 4 times of 5", "+1.0 takes", "+10.0 takes", "rollouts", "2 to 60 rollouts"):
        assert part in text, text


def test_no_budget_is_said() -> None:
    told = record({})
    assert "not measured" in line(told) and remarks(told) == [] and "Nothing was measured" in shown(told)


def test_a_random_grader_is_named_with_its_tasks_and_makes_no_suite_deterministic() -> None:
    told = record(FLAT, {"regraded": 30, "differing": 2, "tasks": ["t3", "t7"]})
    assert "the grader is random: it gave another score to 2 of 30 answers" in remarks(told)[0]
    assert "tasks t3, t7" in remarks(told)[0]
    assert not told["found"]["deterministic"]
    assert "2 got another score" in shown(told) and "! the grader is random" in shown(told)


@pytest.mark.parametrize("score", [0.0, 0.5])
def test_scores_that_are_all_equal_are_remarked(score: float) -> None:
    told = remarks(record({f"t{n}": (score, score) for n in range(30)}))
    assert f"every rollout scored {100 * score:.1f}" in told[0] and "nothing tells a better harness" in told[0]


def test_drift_is_remarked() -> None:
    drifting = {f"t{n}": (1.0, float(n % 4 > 0), 0.0, float(n % 4 == 0)) for n in range(30)}
    told = remarks(record(drifting))
    assert "something changes over time" in told[0] and "cache" in told[0]
    assert "does not hold zero" in shown(record(drifting))
