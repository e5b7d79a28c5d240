"""What a rollout leaves behind, read as what it is: the output of code that nobody vouches for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.sandboxes.base import read_bounded

RESULT_FILE = "result.json"
TRAJECTORY_FILE = "trajectory.jsonl"
RESULT_BYTES = 256 * 1024
OUTCOMES = ("answered", "step_limit", "token_limit", "model_error", "out_of_range")


@dataclass(frozen=True, slots=True)
class Result:
    """``answer`` is None when there is none. ``broken`` says what is wrong with the file; empty when nothing is."""

    answer: str | None = None
    outcome: str = ""
    reason: str = ""
    steps: int = 0
    broken: str = ""


def read_result(folder: Path) -> Result:
    """``result.json`` of a rollout's folder; never raises for anything that the rollout may have written."""
    try:
        data = read_bounded(folder / RESULT_FILE, RESULT_BYTES + 1)
    except FileNotFoundError:
        return Result(broken=f"it wrote no {RESULT_FILE}")
    except OSError as error:
        return Result(broken=f"its {RESULT_FILE} cannot be read: {error.strerror}")
    if len(data) > RESULT_BYTES:
        return Result(broken=f"its {RESULT_FILE} is larger than {RESULT_BYTES // 1024} KB")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        return Result(broken=f"its {RESULT_FILE} is not JSON: {type(error).__name__}")
    return _checked(value)


def _checked(value: Any) -> Result:
    if not isinstance(value, dict):
        return Result(broken=f"its {RESULT_FILE} holds a {type(value).__name__}, expected an object")
    answer, outcome = value.get("answer"), value.get("outcome")
    reason, steps = value.get("reason", ""), value.get("steps", 0)
    if not (answer is None or isinstance(answer, str)):
        return Result(broken=f"its {RESULT_FILE} has an answer of type {type(answer).__name__}, expected text or null")
    if outcome not in OUTCOMES:
        return Result(
            broken=f"its {RESULT_FILE} has the outcome {outcome!r:.60}, expected one of {', '.join(OUTCOMES)}"
        )
    if not isinstance(reason, str) or not isinstance(steps, int) or isinstance(steps, bool) or not 0 <= steps < 10**9:
        return Result(broken=f"its {RESULT_FILE} has a reason or steps of the wrong type")
    return Result(answer, outcome, reason[:500], steps)
