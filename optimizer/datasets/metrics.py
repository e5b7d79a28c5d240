"""How good an answer is: metrics by name, each a function of answer and truth with a score in [0, 1]."""

from __future__ import annotations

import importlib
import inspect
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.datasets.copies import normalised
from optimizer.errors import SettingsError

Score = Callable[[str, str], float]
"""(answer, truth) -> score in [0, 1]."""
JUDGE = "judge"
TOLERANCE = 1e-6
LONGEST_SEARCHED = 20_000
"""Characters of an answer that a regular expression is let loose on."""
ARTICLES = frozenset({"a", "an", "the"})
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+|(?=\.\d))(?:\.\d+)?(?:[eE][-+]?\d+)?")
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)
NAMES = (
    "exact, normalised, f1, numeric[:TOLERANCE], json[:FIELD], regex[:PATTERN], python:PACKAGE.MODULE:FUNCTION, judge"
)


@dataclass(frozen=True, slots=True)
class Metric:
    """``name`` is how it was asked for. ``score`` is None for a judge, which is a model and is asked elsewhere.
    ``source`` is the text of a function of one's own: another text is another metric."""

    name: str
    score: Score | None
    source: str = ""


def metric_named(name: str) -> Metric:
    """The metric that ``name`` asks for: one of :data:`NAMES`. Raises :class:`SettingsError`."""
    kind, colon, argument = name.partition(":")
    simple: dict[str, Score] = {"exact": _exact, "normalised": _normalised, "normalized": _normalised, "f1": _f1}
    if kind in simple and not colon:
        return Metric(name, simple[kind])
    if kind == JUDGE and not colon:
        return Metric(name, None)
    if kind == "numeric" and (not colon or argument):
        return Metric(name, _numeric(argument))
    if kind == "json" and (not colon or argument):
        return Metric(name, _json_field(argument))
    if kind == "regex" and (not colon or argument):
        return Metric(name, _regex(argument))
    if kind == "python" and argument:
        return _function(name, argument)
    raise SettingsError(f"metric: got '{name}', expected one of {NAMES}")


def usual_metric(truths: Sequence[str], *, labels: bool) -> str:
    """The metric that fits the right answers: JSON, numbers, labels and other short answers, or longer texts."""
    if all(isinstance(_parsed(truth), dict) for truth in truths):
        return "json"
    if labels:
        return "normalised"
    if all(_NUMBER.fullmatch(truth.strip()) for truth in truths):
        return "numeric"
    words = sorted(len(truth.split()) for truth in truths)
    return "normalised" if words[len(words) // 2] <= 3 else "f1"


def _exact(answer: str, truth: str) -> float:
    return float(answer.strip() == truth.strip())


def _normalised(answer: str, truth: str) -> float:
    """Equal but for case, punctuation, underscores and spaces."""
    expected = normalised(truth)
    return float(normalised(answer) == expected) if expected else _exact(answer, truth)


def _f1(answer: str, truth: str) -> float:
    """F1 of the words that both share, articles left out (Rajpurkar and others 2016, section 6.1)."""
    got, expected = (
        Counter(word for word in normalised(text).split() if word not in ARTICLES) for text in (answer, truth)
    )
    if not got or not expected:
        return _exact(answer, truth)
    shared = (got & expected).total()
    return 2.0 * shared / (got.total() + expected.total())


def _numeric(argument: str) -> Score:
    """The last number of the answer within a tolerance of the truth: ``numeric:0.01`` a hundredth of the truth,
    ``numeric:=0.5`` half a unit."""
    absolute, text = argument.startswith("="), argument.removeprefix("=") or str(TOLERANCE)
    try:
        tolerance = float(text)
    except ValueError:
        tolerance = math.nan
    if not 0.0 <= tolerance < math.inf:
        raise SettingsError(
            f"metric: got 'numeric:{argument}', expected a tolerance such as numeric:0.01 or numeric:=0.5"
        )

    def score(answer: str, truth: str) -> float:
        expected, got = _number(truth), _number(answer)
        if expected is None:
            raise SettingsError(f"metric: numeric: got the right answer {truth[:60]!r}, expected a number")
        allowed = tolerance if absolute else max(tolerance * abs(expected), TOLERANCE * min(1.0, tolerance))
        return float(got is not None and abs(got - expected) <= allowed)

    return score


def _number(text: str) -> float | None:
    found = _NUMBER.findall(text)
    value = float(found[-1].replace(",", "")) if found else math.nan
    return value if math.isfinite(value) else None


def _json_field(field: str) -> Score:
    """``json``: the share of the truth's fields that the answer has as they are; ``json:a.b``: that field's value, the
    truth being an object with it or the value itself."""

    def score(answer: str, truth: str) -> float:
        got, expected = _parsed(answer), _parsed(truth)
        if field:
            value = _at(expected, field) if isinstance(expected, dict) else truth if expected is None else expected
            return float(_alike(_at(got, field), value))
        if not isinstance(expected, dict) or not expected:
            return float(got is not None and _alike(got, expected))
        if not isinstance(got, dict):
            return 0.0
        return sum(key in got and _alike(got[key], value) for key, value in expected.items()) / len(expected)

    return score


def _parsed(text: str) -> Any:
    """The JSON value of a text, also in a code fence or with words around an object; None when there is none."""
    fenced = _FENCE.findall(text)
    start, end = text.find("{"), text.rfind("}")
    for candidate in (text, *fenced[-1:], text[start : end + 1] if 0 <= start < end else ""):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    return None


def _at(value: Any, field: str) -> Any:
    for part in field.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def _alike(got: Any, expected: Any) -> bool:
    if isinstance(got, str) and isinstance(expected, str):
        return bool(_normalised(got, expected))
    if isinstance(got, str) != isinstance(expected, str) and got is not None:
        return normalised(str(got)) == normalised(str(expected))
    return bool(got == expected) and isinstance(got, bool) == isinstance(expected, bool)


def _regex(pattern: str) -> Score:
    """``regex``: each right answer is a pattern to be found in the answer. ``regex:PATTERN``: what its first group (or
    all of it) finds last in the answer must be the truth, as in ``normalised``."""
    if not pattern:
        return lambda answer, truth: float(_compiled(truth).search(answer[:LONGEST_SEARCHED]) is not None)
    wanted = _compiled(pattern)

    def score(answer: str, truth: str) -> float:
        found = list(wanted.finditer(answer[:LONGEST_SEARCHED]))
        return _normalised(found[-1].group(min(1, wanted.groups)) or "", truth) if found else 0.0

    return score


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise SettingsError(f"metric: regex: got {pattern[:80]!r}, expected a regular expression: {error}") from None


def _function(name: str, reference: str) -> Metric:
    """A function of (answer, truth) in this process; what it returns is checked where rollouts are graded."""
    module, colon, attribute = reference.rpartition(":")
    if not colon or not attribute.isidentifier():
        raise SettingsError(f"metric: got 'python:{reference}', expected python:package.module:function")
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise SettingsError(f"metric: cannot import {module}: {error}", hint="is it on PYTHONPATH?") from None
    except AttributeError:
        raise SettingsError(f"metric: module {module} has no {attribute}") from None
    if not callable(found):
        raise SettingsError(f"metric: got {reference}, which is no function, expected one of (answer, truth)")
    try:
        source = inspect.getsource(found)
    except (OSError, TypeError):  # built in, or made on the fly
        source = ""
    return Metric(name, found, source)
