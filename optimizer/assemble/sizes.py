"""How large things are in a planned campaign: the gate, the end, an experiment, the pool."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from optimizer.acceptance.constraints import Constraint
from optimizer.acceptance.objective import Objective
from optimizer.acceptance.presets import PRESETS, Preset
from optimizer.assemble.planned import Planned
from optimizer.pools.threads import usable_processors
from optimizer.records import Split, Task
from optimizer.settings import ExperimentSettings
from optimizer.stopping import End
from optimizer.suites.base import Suite

MOST_FOR_THE_EXAM = 0.25
"""A last exam that needs a larger share of the rollouts than this (and than it was given) is not held."""


def gate_of(settings: ExperimentSettings) -> Preset:
    """The gate's sizes: the preset's, with what the experiment sets itself."""
    preset = PRESETS[settings.gate.preset]
    own = {"max_passes": settings.gate.max_passes, "simpler_margin": settings.objective.simpler_margin}
    chosen: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
    return replace(preset, working=replace(preset.working, **chosen))


def objective_of(settings: ExperimentSettings) -> Objective:
    """What counts beside the score; an absolute and a relative limit on one metric are two constraints."""
    wanted = settings.objective
    limits: list[Constraint] = []
    for limit in wanted.constraints:
        if limit.at_most is not None:
            limits.append(Constraint(limit.metric, at_most=limit.at_most, unless_gain=limit.unless_gain))
        if limit.at_most_rise is not None:
            limits.append(Constraint(limit.metric, at_most_rise=limit.at_most_rise, unless_gain=limit.unless_gain))
    return Objective(tuple(limits), wanted.tie_breaks)


def end_of(planned: Planned) -> End:
    """What is kept for the end. The last exam gets its share, but no less than an exam needs to say anything; where
    that would take too much of the budget, none is held and the search has it."""
    gate, exam = planned.settings.gate, planned.gate.exam
    certify, tasks = len(planned.suite.tasks(Split.certify)), len(planned.suite.tasks(Split.holdout))
    holdout = 0 if planned.no_holdout else 2 * gate.holdout_repeats * tasks
    share = gate.exam_share if certify else 0.0
    least = 2 * exam.min_repeats * certify if share else 0
    rollouts = planned.limits.rollouts
    if rollouts is None:
        return End(None, share, least, holdout)
    room = rollouts - holdout - first_of(planned)
    wanted = max(int(share * rollouts), least)
    if least > room or wanted > max(share, MOST_FOR_THE_EXAM) * rollouts:
        return End(0, share, least, holdout)
    return End(min(wanted, room), share, least, holdout)


def workers_of(settings: ExperimentSettings) -> int:
    """Rollouts at once."""
    return settings.sandbox.workers or 2 * usable_processors()


def needed_of(planned: Planned) -> int:
    """Rollouts below which an experiment is not begun: what a keep needs at least."""
    working = planned.gate.working
    return min(working.min_rollouts, len(planned.suite.tasks(Split.search)))


def first_of(planned: Planned) -> int:
    """Rollouts before the first look of the first experiment, both sides together; it cannot be decided on fewer."""
    working, tasks = planned.gate.working, len(planned.suite.tasks(Split.search))
    return working.first_look + working.min_champion * min(tasks, working.first_look)


def tasks_of(suite: Suite, split: Split) -> dict[str, Task]:
    """The tasks of a split by id."""
    return {task.id: task for task in suite.tasks(split)}
