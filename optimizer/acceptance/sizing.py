"""The gate's sizes for one suite and budget: what calibration found, turned into the numbers that the gate works with.

The gate stays the only one that decides; what is set here is how much it looks at. Sizes that a person set stay.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from optimizer.acceptance.calibration import Calibration
from optimizer.acceptance.effects import FIRST_NOISE
from optimizer.acceptance.presets import ExamSettings, Preset, WorkingSettings

REFERENCE_NOISE = 1 / 6
"""The mean of p (1 - p) over evenly spread p: pass or fail by chance, as in the world that the presets are made for
(``scarce`` among the problems of ``ratchet bench``)."""
REFERENCE_TASKS = 50
REFERENCE_BUDGET = 20_000
MOST_PASSES = 8
STAYS = 0.7
"""What would change by less than this factor is left alone: the noise is not known so exactly."""
LEAST_REPEATS = 20
"""Re-runs below which the noise is too roughly known to set sizes by: with 20 its standard error is a third of it."""

FEW_REPEATS, FAR_BELOW = 5, 20.0

MAX_PASSES = "max_passes"
MIN_CHAMPION = "min_champion"
HOLDOUT_REPEATS = "holdout_repeats"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The gate as it will work, the rollouts a holdout task for each side, and why, a sentence for each change."""

    preset: Preset
    holdout_repeats: int
    reasons: tuple[str, ...] = ()

    def to_json(self, before: Sizes) -> dict[str, Any]:
        """What is other than in ``before``: a JSON value that :meth:`changed` lays over it again."""
        return {
            "working": _changes(before.preset.working, self.preset.working),
            "exam": _changes(before.preset.exam, self.preset.exam),
            "holdout_repeats": self.holdout_repeats,
            "reasons": list(self.reasons),
        }

    def changed(self, value: Mapping[str, Any]) -> Sizes:
        """These sizes with what :meth:`to_json` wrote laid over them."""
        working = replace(self.preset.working, **value["working"])
        exam = replace(self.preset.exam, **value["exam"])
        return Sizes(
            replace(self.preset, working=working, exam=exam), value["holdout_repeats"], tuple(value["reasons"])
        )


def sized(before: Sizes, found: Calibration, *, tasks: int, rollouts: int | None, fixed: Collection[str] = ()) -> Sizes:
    """The sizes for a suite of ``tasks`` search tasks on which ``found`` was measured, and a budget of ``rollouts``
    (None: no limit). ``fixed`` names what a person set: ``max_passes``, ``min_champion``, ``holdout_repeats``."""
    if found.deterministic:
        return for_deterministic(before, fixed=fixed)
    if found.noise is None or found.repeats < LEAST_REPEATS:
        few = f"{found.repeats} repeated rollouts are too few to set sizes by ({LEAST_REPEATS} would do)"
        return replace(before, reasons=(f"{few}: the preset's stay",))
    working, reasons = before.preset.working, []
    ratio = found.noise / REFERENCE_NOISE
    champion = max(1, min(working.min_champion, math.ceil(working.min_champion * ratio - 1e-9)))
    if champion != working.min_champion and MIN_CHAMPION not in fixed:
        reasons.append(
            f"min_champion {champion} in place of {working.min_champion}: a rollout run again varies little "
            f"(standard deviation {100 * math.sqrt(found.noise):.1f} points)"
        )
        working = replace(working, min_champion=champion)
    passes = _passes(working, ratio, tasks, rollouts)
    if passes != working.max_passes and MAX_PASSES not in fixed:
        reasons.append(
            f"max_passes {passes} in place of {working.max_passes}: {passes * tasks} rollouts of a candidate on "
            f"{tasks} tasks are worth their cost at this noise{'' if rollouts is None else ' and budget'}"
        )
        working = replace(working, max_passes=passes)
    return Sizes(replace(before.preset, working=working), before.holdout_repeats, tuple(reasons))


def first_noise(found: Calibration | None, scores: Iterable[float]) -> tuple[float, float] | None:
    """What to believe of the noise at first (squares, degrees of freedom) in place of what is believed of passes and
    fails, None to leave that: for scores in between, where what was measured is far below it, by more than luck can do:
    with ``FEW_REPEATS`` degrees of freedom a variance is six times as large as it looks in 1 of 40 cases."""
    if (
        found is None
        or found.noise is None
        or found.repeats < FEW_REPEATS
        or all(score in (0.0, 1.0) for score in scores)
    ):
        return None
    return (found.noise, 1.0) if 0.0 < found.noise < FIRST_NOISE / FAR_BELOW else None


def for_deterministic(before: Sizes, *, fixed: Collection[str] = ()) -> Sizes:
    """The sizes where the same harness always scores the same on a task: nothing is run twice, by the search, the exam
    or the holdout. The guard of pseudo-tasks goes with the noise that it stands for: what is left is which tasks the
    suite holds, and that is the variance between them."""
    working = replace(
        before.preset.working, min_champion=1, max_champion=1, growth=0.0, pseudo_tasks=0.0, deterministic=True
    )
    exam = replace(before.preset.exam, min_repeats=1, max_repeats=1, pseudo_tasks=0.0)
    reasons = ["the suite is deterministic: one rollout a task is all there is to know"]
    if MAX_PASSES in fixed and working.max_passes > 1:
        reasons.append(f"max_passes {working.max_passes}: as the experiment sets it, although more than 1 is wasted")
    else:
        working = replace(working, max_passes=1)
    repeats = 1
    if HOLDOUT_REPEATS in fixed and before.holdout_repeats > 1:
        repeats = before.holdout_repeats
        reasons.append(f"holdout_repeats {repeats}: as the experiment sets it, although more than 1 is wasted")
    return Sizes(replace(before.preset, working=working, exam=exam), repeats, tuple(reasons))


def _passes(working: WorkingSettings, ratio: float, tasks: int, rollouts: int | None) -> int:
    """Passes over the tasks: as many rollouts of a candidate as the preset gives it on ``REFERENCE_TASKS`` tasks, more
    or fewer with the noise, and fewer with the square root of a small budget, which leaves more of it for other
    candidates. (Found in simulation: with 20, 50 and 200 tasks, 3,000 and 20,000 rollouts, noise of 1/6 and 1/30.)"""
    budget = 1.0 if rollouts is None else math.sqrt(min(1.0, rollouts / REFERENCE_BUDGET))
    wanted = working.max_passes * REFERENCE_TASKS / tasks * ratio * budget
    if STAYS <= wanted / working.max_passes <= 1 / STAYS:
        return working.max_passes
    return max(1, min(max(MOST_PASSES, working.max_passes), math.floor(wanted + 0.5)))


def _changes(before: WorkingSettings | ExamSettings, after: WorkingSettings | ExamSettings) -> dict[str, Any]:
    names = type(after).__dataclass_fields__
    return {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
