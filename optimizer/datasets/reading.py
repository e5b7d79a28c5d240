"""A data file as cases: which column is the question and which the answer, guessed or named."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.datasets.rows import Row, read_rows
from optimizer.errors import SettingsError
from search_space.prompting.cases import Case

QUESTIONS = (
    "question",
    "input",
    "text",
    "prompt",
    "query",
    "sentence",
    "utterance",
    "instruction",
    "problem",
    "message",
)
ANSWERS = ("answer", "label", "category", "output", "expected", "target", "intent", "class", "completion", "response")
"""Names of columns, the first one that is there is taken."""


@dataclass(frozen=True, slots=True)
class Data:
    """The cases of a file, in order, without groups; and the columns they were read from."""

    cases: tuple[Case, ...]
    question: str
    answer: str


def read_data(path: Path, *, question: str | None = None, answer: str | None = None, prefix: str = "case") -> Data:
    """The cases at ``path``, called ``prefix-00001`` and so on. ``question`` and ``answer`` name columns.

    Raises :class:`SettingsError` as :func:`read_rows` does, and for columns that are not there or cannot be told, an
    empty question, and an answer that is missing.
    """
    rows = read_rows(path)
    columns = list(dict.fromkeys(name for row in rows[:100] for name in row.fields))
    chosen = _column(question, QUESTIONS, columns, "question", path)
    other = _column(answer, ANSWERS, [name for name in columns if name != chosen], "answer", path)
    cases = [_case(row, chosen, other, f"{prefix}-{number:05}") for number, row in enumerate(rows, start=1)]
    return Data(tuple(cases), chosen, other)


def _column(named: str | None, usual: Sequence[str], columns: Sequence[str], what: str, path: Path) -> str:
    if named is not None:
        if named not in columns:
            raise SettingsError(f"{path}: got no column '{named}' for the {what}, expected one of {', '.join(columns)}")
        return named
    lower = {name.strip().lower(): name for name in reversed(columns)}
    for name in usual:
        if name in lower:
            return lower[name]
    if what == "answer" and len(columns) == 1:
        return columns[0]
    raise SettingsError(
        f"{path}: got the columns {', '.join(columns) or '(none)'}, expected one for the {what} ({', '.join(usual)})",
        hint=f"name it: --{what} COLUMN; a CSV file needs the columns' names in its first line",
    )


def _case(row: Row, question: str, answer: str, name: str) -> Case:
    asked, expected = row.fields.get(question), row.fields.get(answer)
    text = _as_text(asked)
    if text is None or not text.strip():
        raise SettingsError(f"{row.where}: {question}: got {asked!r}, expected the text of a question")
    truth = _as_text(expected)
    if truth is None or not truth.strip():
        raise SettingsError(
            f"{row.where}: {answer}: got {expected!r}, expected the right answer",
            hint="a case without an answer can neither be learnt from nor graded: fill it in, or take the row out",
        )
    return Case(id=name, question=text.strip(), answer=truth.strip())


def _as_text(value: Any) -> str | None:
    """A value of JSON as the text that a model would give; None for what is no answer at all."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
