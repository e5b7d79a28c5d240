"""Figures in words."""

from __future__ import annotations

import json
import math

import pytest

from optimizer.reports.json_text import json_text
from optimizer.reports.words import count, duration, interval, points, short, some, span


def test_points() -> None:
    assert (points(0.071), points(-0.5), points(None), points(0.071, signed=False)) == ("+7.1", "-50.0", "-", "7.1")


def test_intervals_end_where_the_scale_does() -> None:
    assert interval(0.02, 0.124) == "+2.0 to +12.4"
    assert interval(-11.35, 11.35) == "-100.0 to +100.0"
    assert interval(-math.inf, math.inf) == "-100.0 to +100.0"
    assert interval(None, 0.1) == interval(0.1, None) == "-"
    assert span(-0.2, 1.3) == "0.0 to 100.0"
    assert span(0.38, 0.461) == "38.0 to 46.1"
    assert span(None, None) == "-"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0 s"), (41.4, "41 s"), (59.6, "1:00"), (187, "3:07"), (7_509, "2:05:09"), (-3, "0 s")],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_counts() -> None:
    assert (count(1_240), count(3_400_000), count(2e9)) == ("1,240", "3.40 M", "2.00 G")
    assert (some(1, "experiment"), some(0, "experiment"), some(1_200, "rollout")) == (
        "1 experiment",
        "0 experiments",
        "1,200 rollouts",
    )


def test_short() -> None:
    assert short("one\n  two ", 20) == "one two"
    assert short("a long sentence", 8) == "a long…"


def test_json_has_no_infinities() -> None:
    text = json_text({"ratio": -math.inf, "low": [math.nan, 1.5], "name": "é"})
    assert json.loads(text) == {"ratio": None, "low": [None, 1.5], "name": "é"}
    assert "é" in text
