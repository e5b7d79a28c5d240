"""Metrics: what each calls right, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from optimizer.datasets.metrics import metric_named, usual_metric
from optimizer.errors import SettingsError


def score(name: str, answer: str, truth: str) -> float:
    metric = metric_named(name)
    assert metric.score is not None
    return metric.score(answer, truth)


@pytest.mark.parametrize(
    ("name", "answer", "truth", "expected"),
    [
        ("exact", " card_arrival\n", "card_arrival", 1.0),
        ("exact", "Card_arrival", "card_arrival", 0.0),
        ("normalised", "Card arrival.", "card_arrival", 1.0),
        ("normalised", "the card arrival", "card_arrival", 0.0),
        ("normalized", "!", "?", 0.0),
        ("f1", "the cat sat", "A cat slept", 0.5),
        ("f1", "", "cat", 0.0),
        ("f1", "cat", "cat", 1.0),
        ("numeric", "so it is 1,234.50", "1234.5", 1.0),
        ("numeric", "12", "13", 0.0),
        ("numeric", "none", "13", 0.0),
        ("numeric:0.01", "about 100.9", "100", 1.0),
        ("numeric:0.01", "101.1", "100", 0.0),
        ("numeric:=0.5", "0.4", "0", 1.0),
        ("numeric", "-3", "3", 0.0),
        ("numeric", ".5", "0.5", 1.0),
        ("json", '{"a": 1, "b": "X"}', '{"a": 1, "b": "x"}', 1.0),
        ("json", 'Sure:\n```json\n{"a": 2, "b": "x"}\n```', '{"a": 1, "b": "x"}', 0.5),
        ("json", "no object", '{"a": 1}', 0.0),
        ("json:label", 'It is {"label": "Late"}', "late", 1.0),
        ("json:a.b", '{"a": {"b": 2}}', '{"a": {"b": 2}}', 1.0),
        ("json:a.b", '{"a": 2}', '{"a": {"b": 2}}', 0.0),
        ("json:ok", '{"ok": true}', '{"ok": 1}', 0.0),
        ("regex", "call 555-1234 now", r"\d{3}-\d{4}", 1.0),
        ("regex", "call now", r"\d{3}-\d{4}", 0.0),
        (r"regex:Answer: (\w+)", "Answer: x\nAnswer: Blue", "blue", 1.0),
        (r"regex:Answer: (\w+)", "blue", "blue", 0.0),
    ],
)
def test_scores(name: str, answer: str, truth: str, expected: float) -> None:
    assert score(name, answer, truth) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("accuracy", "got 'accuracy', expected one of exact, normalised"),
        ("exact:1", "got 'exact:1'"),
        ("numeric:x", "expected a tolerance"),
        ("numeric:-1", "expected a tolerance"),
        ("numeric:nan", "expected a tolerance"),
        ("regex:(", "expected a regular expression"),
        ("python:json", "expected python:package.module:function"),
        ("python:no_such_module_here:score", "cannot import no_such_module_here"),
        ("python:json:no_such", "module json has no no_such"),
        ("python:json:decoder", "which is no function"),
    ],
)
def test_what_is_no_metric_is_told(name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said.replace("(", r"\(")):
        metric_named(name)


def test_a_truth_that_is_no_number_is_told() -> None:
    with pytest.raises(SettingsError, match="got the right answer 'none', expected a number"):
        score("numeric", "1", "none")


def test_a_function_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_metric.py").write_text("def half(answer, truth):\n    return 0.5 if answer != truth else 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    metric = metric_named("python:my_metric:half")
    assert metric.score is not None and metric.score("a", "b") == 0.5
    assert "0.5 if answer" in metric.source
    del sys.modules["my_metric"]


@pytest.mark.parametrize(
    ("truths", "labels", "expected"),
    [
        (['{"a": 1}', '{"a": 2}'], False, "json"),
        (["a", "a"], True, "normalised"),
        (["1", "2.5"], False, "numeric"),
        (["New York", "Rome"], False, "normalised"),
        (["a longer text of its own"], False, "f1"),
    ],
)
def test_the_metric_that_fits(truths: list[str], labels: bool, expected: str) -> None:
    assert usual_metric(truths, labels=labels) == expected
