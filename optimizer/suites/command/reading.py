"""A metric in what a command printed: ``METRIC name=number``, ``name: number``, or a JSON object on the last line."""

from __future__ import annotations

import json
import math
import re
from typing import Any

SHOWN = 60


class NoMetric(Exception):
    """The output gives no value of the metric; the text says why, and what was expected."""


def read_metric(output: str, name: str) -> float:
    """The value of the metric ``name``. Raises :class:`NoMetric` when it is missing, no finite number, or there with
    different values: which of them is meant, nobody can tell."""
    found = mentions(output, name)
    if not found:
        raise NoMetric(
            f"printed no metric '{name}', expected a line 'METRIC {name}=NUMBER' or '{name}: NUMBER', or a last line "
            f'{{"{name}": NUMBER}}'
        )
    values = []
    for text in found:
        try:
            value = float(text)
        except ValueError:
            raise NoMetric(f"printed {_shown(text)} as '{name}', expected a number") from None
        if not math.isfinite(value):
            raise NoMetric(f"printed {_shown(text)} as '{name}', expected a finite number")
        values.append(value)
    different = list(dict.fromkeys(values))
    if len(different) > 1:
        told = ", ".join(f"{value:g}" for value in different[:4])
        raise NoMetric(f"printed '{name}' {len(values)} times with different values ({told}), expected one value")
    return values[0]


def mentions(output: str, name: str) -> list[str]:
    """What stands in the place of the metric's value, each time it is printed, as text."""
    word = re.escape(name)
    line = re.compile(rf"[ \t]*(?:METRIC[ \t]+{word}[ \t]*=|{word}[ \t]*:)[ \t]*(\S*)[^\r\n]*", re.MULTILINE)
    found = [match.group(1) for match in re.finditer(rf"(?:^|(?<=[\r\n])){line.pattern}", output, re.MULTILINE)]
    value = _from_json(output, name)
    return found if value is None else [*found, value]


def _from_json(output: str, name: str) -> str | None:
    """The metric of a JSON object on the last line that is not blank; dots lead into objects within."""
    last = next((text.strip() for text in reversed(output.splitlines()) if text.strip()), "")
    if not last.startswith("{"):
        return None
    try:
        value: Any = json.loads(last)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict) and name in value:
        return _number(value[name])
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return _number(value)


def _number(value: object) -> str:
    """As text that ``float`` reads, where it is a number: ``true`` is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return json.dumps(value)
    return repr(value) if isinstance(value, float) or abs(value) < 10**300 else "inf"


def _shown(text: str) -> str:
    return f"'{text if len(text) <= SHOWN else text[: SHOWN - 1] + '…'}'"
