"""What counts as the answer in an agent's last message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.suites.grading import bare_answer, is_exact


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("json.decoder", "json.decoder"),
        ("Answer: json.decoder", "json.decoder"),
        ("answer:`json.decoder`.", "json.decoder"),
        ("I looked it up.\n\nAnswer: 'json.decoder'.\n", "json.decoder"),
        ('  "42"  ', "42"),
        ("`Answer: 42`", "42"),
        ("Answer: 42 lines", "42 lines"),
        ("The module is json.decoder", "The module is json.decoder"),
        ("42\nThat is all.", "That is all"),
        ("", ""),
        ("Answer:", ""),
        ("...", ""),
    ],
)
def test_the_last_line_without_its_wrapping(text: str, bare: str) -> None:
    assert bare_answer(text) == bare


@pytest.mark.parametrize(
    ("answer", "truth", "right"),
    [
        ("json.decoder", "json.decoder", True),
        ("JSON.decoder", "json.decoder", False),
        ("The answer is json.decoder.", "json.decoder", False),
        ("007", "7", True),
        ("+7", "7", True),
        ("-7", "7", False),
        ("-0", "0", True),
        ("7.0", "7", False),
        ("1,234", "1234", False),
        (None, "7", False),
        ("", "7", False),
        ("9" * 1_000_000, "7", False),
        ("Yes.", "yes", False),
        ("a b", "a b", True),
    ],
)
def test_exact(answer: str | None, truth: str, right: bool) -> None:
    assert is_exact(answer, truth) is right


@given(st.text())
def test_any_text_has_a_bare_answer_that_is_its_own(text: str) -> None:
    bare = bare_answer(text)
    assert bare_answer(bare) == bare


@given(st.integers())
def test_numbers_are_compared_by_value(number: int) -> None:
    assert is_exact(f"Answer: {number:+09d}.", str(number))
    assert not is_exact(str(number + 1), str(number))
