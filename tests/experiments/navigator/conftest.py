"""Reading questions back: each wording as a pattern, so that tests know what is asked without the generator."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from experiments.navigator import questions
from experiments.navigator.generator import generate

Asked = dict[str, Any]


def _pattern(template: str) -> re.Pattern[str]:
    parts, seen = [], set()
    for text, field, _, _ in string.Formatter().parse(template):
        parts.append(re.escape(text))
        if field is None:
            continue
        free = field in ("modules", "candidates", "task", "combine")
        parts.append(f"(?P={field})" if field in seen else f"(?P<{field}>{'.+' if free else '[^`]+'})")
        seen.add(field)
    return re.compile("".join(parts))


def _match(templates: Mapping[str, tuple[str, ...]] | Mapping[str, str], text: str) -> tuple[str, dict[str, str]]:
    found = [
        (name, match.groupdict())
        for name, wordings in templates.items()
        for wording in ([wordings] if isinstance(wordings, str) else wordings)
        if (match := _pattern(wording).fullmatch(text))
    ]
    assert len({name for name, _ in found}) == 1, f"{len(found)} readings of: {text}"
    return found[0]


def _phrases(text: str) -> list[tuple[str, dict[str, str]]]:
    pieces = re.split(r"(?:, taken together)|, (?=the module)| and (?=the module)", text)
    return [_match(questions.MODULE_PHRASES, piece) for piece in pieces if piece]


def read(prompt: str) -> Asked:
    """``{"kind": ..., fields..., "form": ...}``; modules, candidates and the late task are read further."""
    form = next(name for name, sentence in questions.ANSWER_FORMS.items() if prompt.endswith(f" {sentence}"))
    text = prompt.removesuffix(f" {questions.ANSWER_FORMS[form]}").removesuffix(f" {questions.CALL_NOTE}")
    kind, fields = _match(questions.WORDINGS, text)
    asked: Asked = {"kind": kind, "form": form, **fields}
    if "modules" in asked:
        asked["modules"] = _phrases(asked["modules"])
    if "candidates" in asked:
        pattern = _pattern(questions.CANDIDATE)
        asked["candidates"] = [m.groupdict() for m in re.finditer(pattern, asked["candidates"])]
    if "task" in asked:
        task, late = _match(questions.TASKS, asked["task"])
        asked["late"] = {"kind": task, **late}
        if "modules" in late:
            asked["late"]["modules"] = _phrases(late["modules"])
        asked["combine"] = _match(questions.COMBINE, asked["combine"])[0]
    return asked


@cache
def _made(seed: int) -> list[dict[str, str]]:
    return generate({"seed": seed})


@pytest.fixture
def made() -> Callable[[int], list[dict[str, str]]]:
    """The standard library's questions with a seed, made once."""
    return _made


@pytest.fixture
def read_question() -> Callable[[str], Asked]:
    return read


@cache
def _sequences() -> list[dict[str, Any]]:
    return generate({"seed": 0, "sequence": 3, "search": 40, "certify": 20, "holdout": 40})


@pytest.fixture
def sequences() -> list[dict[str, Any]]:
    """Sequences of the standard library's questions, made once."""
    return _sequences()
