"""The exact grader: what counts as the answer in an agent's last message, and whether it is the truth."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

GRADER_VERSION: Final = "exact-1"
"""Part of a suite's hash: changed whenever the same answer could get another score."""

SEQUENCE_VERSION: Final = "mean-1"
"""The same for what makes one score of a sequence's answers."""

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


def share_right(answer: str | None, truths: Sequence[str]) -> float:
    """The share of a sequence's prompts with the exact answer, in [0, 1].

    ``answer`` is the JSON text of a list with an answer (text, or null for none) for each prompt; anything else, a list
    of another length too, scores 0.
    """
    try:
        given = json.loads(answer or "null")
    except (ValueError, RecursionError):
        return 0.0
    if not isinstance(given, list) or len(given) != len(truths):
        return 0.0
    right = [isinstance(got, str) and is_exact(got, truth) for got, truth in zip(given, truths, strict=True)]
    return sum(right) / len(truths)


def _canonical(number: str) -> tuple[bool, str]:
    """(negative, digits without leading zeros): compared as text, since a hostile answer may have a million digits."""
    digits = number.lstrip("+-").lstrip("0")
    return (number.startswith("-") and bool(digits), digits)
