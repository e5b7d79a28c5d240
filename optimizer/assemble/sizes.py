"""How large things are in a planned campaign: the gate, the end, an experiment, the pool."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from optimizer.acceptance.constraints import Constraint
from optimizer.acceptance.objective import Objective
from optimizer.acceptance.presets import PRESETS, Preset
from optimizer.acceptance.sizing import HOLDOUT_REPEATS, MAX_PASSES, MIN_CHAMPION, Sizes, for_deterministic
from optimizer.assemble.planned import Planned
from optimizer.calibration import Asked
from optimizer.evaluation.scores import graded
from optimizer.pools.threads import usable_processors
from optimizer.records import Split, Task
from optimizer.settings import ExperimentSettings
from optimizer.stopping import End
from optimizer.suites.base import LaunchedSuite, Suite
from optimizer.suites.dataset import DatasetSuite

MOST_FOR_THE_EXAM = 0.25
"""A last exam that needs a larger share of the rollouts than this (and than it was given) is not held."""


FEW_TASKS = 8
"""An exam's share of false passes is tested down to so many tasks (:mod:`optimizer.acceptance.exam`)."""


GATE_KEYS = ("max_passes", "first_look", "look_every", "min_rollouts")
"""Keys of ``[gate]`` that are sizes of its first tier."""


def gate_of(settings: ExperimentSettings, suite: Suite) -> Preset:
    """The gate's sizes: the preset's, with what the experiment sets itself; where the suite is said to be
    deterministic, those of one rollout a task."""
    preset = PRESETS[settings.gate.preset]
    asked = {name: getattr(settings.gate, name) for name in GATE_KEYS}
    own = {**asked, "simpler_margin": settings.objective.simpler_margin}
    chosen: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
    pruning = preset.pruning
    if settings.gate.first_look is not None:
        # Where so few rollouts say something of a harness, many harnesses say more of its parts than many rollouts do.
        pruning = replace(pruning, rollouts=min(pruning.rollouts, settings.gate.first_look))
    return declared(replace(preset, working=replace(preset.working, **chosen), pruning=pruning), suite)


def declared(gate: Preset, suite: Suite) -> Preset:
    """The gate's sizes on a suite that says of itself whether it is deterministic."""
    return for_deterministic(Sizes(gate, 1)).preset if suite.deterministic else gate


def holdout_repeats_of(planned: Planned) -> int:
    """Rollouts a holdout task, for each side."""
    return 1 if planned.gate.working.deterministic else planned.settings.gate.holdout_repeats


def calibration_of(planned: Planned) -> Asked:
    """What the experiment says of calibration. What was set by hand stays, and so does all of a gate that was."""
    gate, suite = planned.settings.gate, planned.suite
    fixed = {MAX_PASSES, HOLDOUT_REPEATS} & gate.model_fields_set
    if planned.gate != gate_of(planned.settings, suite):
        fixed |= {MAX_PASSES, MIN_CHAMPION}
    # A judge grades rollouts as they end, and measures its own noise.
    judged = isinstance(suite, DatasetSuite) and suite.judge is not None
    grade = partial(graded, suite) if isinstance(suite, LaunchedSuite) and not judged else None
    return Asked(gate.calibrate, suite.deterministic, frozenset(fixed), grade, gate.noise)


def remarks_of(planned: Planned) -> list[str]:
    """What a person should know of the suite's size before anything is run."""
    told = list(planned.suite.remarks) if isinstance(planned.suite, DatasetSuite) else []
    return told + [
        f"the suite has {number} {split} task{'' if number == 1 else 's'}: {why}"
        for split, why in (
            (Split.search, "an edit that helps is hardly told from one that does nothing; take 60 or more"),
            (Split.certify, f"an exam can show next to nothing; take 30 or more, {FEW_TASKS} at the least"),
            (Split.holdout, "the interval of any gain will be very wide; take 60 or more"),
        )
        if 0 < (number := len(planned.suite.tasks(split))) < FEW_TASKS
        and not (split is Split.holdout and planned.no_holdout)
    ]


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
    that would take too much of the budget, none is held and the search has it. Pruning gets its share where that is
    enough for one round."""
    gate, exam = planned.settings.gate, planned.gate.exam
    certify, tasks = len(planned.suite.tasks(Split.certify)), len(planned.suite.tasks(Split.holdout))
    holdout = 0 if planned.no_holdout else 2 * holdout_repeats_of(planned) * tasks
    share = gate.exam_share if certify else 0.0
    least = 2 * exam.min_repeats * certify if share else 0
    rollouts = planned.limits.rollouts
    if rollouts is None:
        return End(None, share, least, holdout, None, gate.prune_share)
    room = rollouts - holdout - first_of(planned)
    wanted = max(int(share * rollouts), least)
    most = 0 if least > room or wanted > max(share, MOST_FOR_THE_EXAM) * rollouts else min(wanted, room)
    prune = min(int(gate.prune_share * rollouts), room - most)
    sizes = planned.gate.pruning
    if prune < sizes.rollouts * sizes.variants:
        prune = 0
    return End(most, share, least, holdout, prune, gate.prune_share)


def workers_of(settings: ExperimentSettings) -> int:
    """Rollouts at once. Commands are timed: unless somebody says otherwise, no two share a processor."""
    if settings.suite.kind == "command":
        return settings.sandbox.workers or max(1, usable_processors() // max(1, settings.suite.threads))
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
