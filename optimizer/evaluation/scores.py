"""What counts as a score: a number from 0 to 1, and nothing else."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING

from optimizer.errors import RatchetError, SettingsError
from optimizer.records import Task

if TYPE_CHECKING:
    from optimizer.suites.base import LaunchedSuite

SHOWN = 60


def graded(suite: LaunchedSuite, task: Task, answer: str | None) -> float:
    """The score that the suite's grader gives ``answer``.

    Raises :class:`SettingsError` when it fails, or gives something that is no score (NaN, or outside the range): that
    is a mistake in the grader and says nothing of the variant.
    """
    again = "mend the grader, then give the same command again: what was measured so far stands"
    try:
        value: object = suite.grade(task, answer)
    except RatchetError:
        raise
    except Exception as error:  # a grader may be a user's own: its mistakes are shown, not traced
        raise SettingsError(
            f"the grader failed on task '{task.id}': {type(error).__name__}: {error}", hint=again
        ) from error
    score = as_score(value)
    if score is None:
        raise SettingsError(
            f"the grader scored task '{task.id}' {described(value)}, expected a number from 0 to 1",
            hint=f"scale its scores into [0, 1], more being better; {again}",
        )
    return score


def as_score(value: object) -> float | None:
    """``value`` as a score; None when it is none."""
    if isinstance(value, Real) and math.isfinite(number := float(value)) and 0.0 <= number <= 1.0:
        return number
    return None


def described(value: object) -> str:
    """What was got in place of a score, in short."""
    got = repr(value)
    return f"{got if len(got) <= SHOWN else got[: SHOWN - 3] + '...'} ({type(value).__name__})"
