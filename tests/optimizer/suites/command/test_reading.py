"""The three forms of a metric, and everything that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.suites.command.reading import NoMetric, mentions, read_metric


@pytest.mark.parametrize(
    "output",
    [
        "METRIC loss=2.5\n",
        "step 1\n  METRIC  loss = 2.5\nbye\n",
        "---\nloss:          2.500000\nother: 3\n",
        "loss: 2.5 (lower is better)\n",
        "50%\rdone\rloss: 2.5\r\n",
        'text\n{"loss": 2.5, "n": 3}\n\n',
        '{"loss": 25e-1}',
        "loss: 2.5\nMETRIC loss=2.50\n",
        'loss: 2.5\n{"loss": 2.5}',
        "METRIC xloss=9\nMETRIC loss=2.5\nval_loss: 8",
    ],
)
def test_what_is_read(output: str) -> None:
    assert read_metric(output, "loss") == 2.5


def test_dots_lead_into_objects() -> None:
    assert read_metric('{"test": {"acc": 7}}', "test.acc") == 7.0
    assert read_metric('{"test.acc": 8, "test": {"acc": 7}}', "test.acc") == 8.0


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("", "printed no metric 'loss', expected a line"),
        ("the loss is 2.5", "printed no metric"),
        ('{"loss": 2.5}\nand more', "printed no metric"),
        ("loss: nan", "expected a finite number"),
        ("METRIC loss=inf", "expected a finite number"),
        ('{"loss": NaN}', "expected a finite number"),
        ('{"loss": null}', "printed 'null' as 'loss', expected a number"),
        ('{"loss": true}', "expected a number"),
        ("loss: low", "printed 'low' as 'loss', expected a number"),
        ("loss:", "printed '' as 'loss'"),
        ("loss: 1\nloss: 2\n", r"2 times with different values \(1, 2\), expected one value"),
        ('loss: 1\n{"loss": 1.5}', "with different values"),
    ],
)
def test_what_is_none(output: str, told: str) -> None:
    with pytest.raises(NoMetric, match=told):
        read_metric(output, "loss")


def test_an_empty_value_does_not_take_the_next_line() -> None:
    assert mentions("loss:\n3\n", "loss") == [""]


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_a_metric_of_its_own_line_is_found_in_any_text(before: str, value: float) -> None:
    if not mentions(before, "loss"):
        assert read_metric(f"{before}\nMETRIC loss={value!r}\n", "loss") == value
