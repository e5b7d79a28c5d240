"""The exact grader: what counts as the answer in an agent's last message, and whether it is the truth."""

from __future__ import annotations

import re
from typing import Final

GRADER_VERSION: Final = "exact-1"
"""Part of a suite's hash: changed whenever the same answer could get another score."""

_LABEL: Final = re.compile(r"answer\s*:", re.IGNORECASE)
_WRAPPING: Final = " \t\r\n`'\""
_INTEGER: Final = re.compile(r"[+-]?\d+")


def bare_answer(text: str) -> str:
    """The answer in ``text``: its last line, less ``Answer:``, backticks, quotes, a final period and spaces.

    Anything else beside the value stays, and so makes the answer wrong: the form of an answer is part of the task.
    """
    lines = text.strip().splitlines()
    value = lines[-1] if lines else ""
    while True:
        stripped = value.strip(_WRAPPING)
        if label := _LABEL.match(stripped):
            stripped = stripped[label.end() :]
        stripped = stripped.removesuffix(".").strip(_WRAPPING)
        if stripped == value:
            return value
        value = stripped


def is_exact(answer: str | None, truth: str) -> bool:
    """Whether the bare answer is the bare truth: equal text, case and all; whole numbers by value (``007`` is "
    "``7``)."""
    if answer is None:
        return False
    got, expected = bare_answer(answer), bare_answer(truth)
    if _INTEGER.fullmatch(got) and _INTEGER.fullmatch(expected):
        return _canonical(got) == _canonical(expected)
    return got == expected


def _canonical(number: str) -> tuple[bool, str]:
    """(negative, digits without leading zeros): compared as text, since a hostile answer may have a million digits."""
    digits = number.lstrip("+-").lstrip("0")
    return (number.startswith("-") and bool(digits), digits)
