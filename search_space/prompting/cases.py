"""Stored cases: questions with their answers, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from search_space.errors import InvalidFile, MissingFile
from search_space.validation import nearest

_KEYS = ("id", "question", "answer", "group")


@dataclass(frozen=True, slots=True)
class Case:
    """A question and its answer. Cases of one ``group`` are copies or near-copies of each other; the empty group is no
    group: such a case is like no other."""

    id: str
    question: str
    answer: str
    group: str = ""


def read_cases(path: Path) -> list[Case]:
    """The cases of a JSON-lines file, in its order. Empty lines are passed over.

    Raises :class:`MissingFile` when it cannot be read, and :class:`InvalidFile` naming the line that is no case, or
    whose id an earlier one has.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise MissingFile(f"{path}: got {error.strerror or error}, expected stored cases (JSON lines)") from None
    found: dict[str, Case] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        case = _case(line, path.name, f"line {number}")
        if case.id in found:
            raise InvalidFile(path.name, f"line {number}: id", f"{case.id!r} a second time", "an id of its own")
        found[case.id] = case
    return list(found.values())


def write_cases(path: Path, cases: Iterable[Case]) -> None:
    """Write ``cases`` so that :func:`read_cases` gives them back; a reader sees the whole file or none of it."""
    part = path.with_name(path.name + ".part")
    text = "".join(json.dumps(asdict(case), ensure_ascii=False) + "\n" for case in cases)
    part.write_text(text, encoding="utf-8", errors="replace")
    part.replace(path)


def answers_of(cases: Sequence[Case]) -> list[str]:
    """The different answers of ``cases``, sorted."""
    return sorted({case.answer for case in cases})


def _case(line: bytes, file: str, where: str) -> Case:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidFile(file, where, f"no JSON ({error})", "one JSON object a line") from None
    if not isinstance(row, dict):
        raise InvalidFile(file, where, type(row).__name__, "one JSON object a line")
    for key in row:
        if key not in _KEYS:
            raise InvalidFile(
                file, f"{where}: {key}", "an unknown key", f"one of {', '.join(_KEYS)}", nearest(key, _KEYS)
            )
    for key in _KEYS:
        value = row.get(key, "" if key == "group" else None)
        if not isinstance(value, str) or (key in ("id", "question") and not value.strip()):
            raise InvalidFile(file, f"{where}: {key}", "nothing" if value is None else repr(value)[:60], "a text")
    return Case(row["id"], row["question"], row["answer"], row.get("group", ""))
