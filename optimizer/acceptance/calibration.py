"""Calibration: a harness measured against itself, which tells how much of a difference is mere noise.

The caller's loop, where ``most`` is the number of rollouts that it may have::

    while wanted := plan_calibration(order, scores, most, each=3):
        scores = <scores with the rollouts of wanted>
    found = calibrate(scores)

Scores are those of one harness, by task, in the order of repeats 0, 1, ...
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.acceptance.distributions import t_quantile
from optimizer.acceptance.evidence import cells, estimate, within

NOISY_SHARE = 0.10
"""A suite counts as noisy when running a rollout again gives another score in at least this share of cases."""
FOOLED_AT_MOST = 0.05
"""So likely may such a suite be taken for a deterministic one."""
DRIFT_LEVEL = 0.999
"""Early and late rollouts differ when the interval of this level excludes zero: by chance in 1 of 1000."""
PSEUDO_TASKS = 10.0
"""As in the gate: see :func:`optimizer.acceptance.evidence.clustered`."""
EQUAL = 1e-9

Scores = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Halves:
    """The harness against itself: its later rollouts less its earlier ones, mean over the tasks that have both, with
    the 95% interval that the gate would give. ``drifts`` says that this is no chance (level ``DRIFT_LEVEL``)."""

    difference: float
    low: float
    high: float
    tasks: int
    drifts: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """What running one harness again and again says. Scores are in [0, 1], shares too.

    ``repeats`` counts the rollouts beside the first one of each task. ``noise`` is the variance of one rollout run
    again, None when no task was run twice; ``spread`` the standard deviation of the tasks' true means, the part of
    what is seen that re-running explains taken off. ``always`` and ``never`` are the shares of tasks with the full
    score in all of their rollouts, and with none. ``fooled`` is the probability, at most, with which a suite that is
    noisy (``NOISY_SHARE``) would have looked as free of noise as this one does, 0 when noise was seen.
    ``deterministic``: the same rollout always scores the same. ``equal``: every score is the same, on every task.
    """

    rollouts: int
    tasks: int
    repeats: int
    mean: float
    noise: float | None
    spread: float
    always: float
    never: float
    fooled: float
    deterministic: bool
    equal: bool
    halves: Halves | None


def plan_calibration(
    order: Sequence[str], scores: Scores, most: int, *, each: int, again: bool = True
) -> tuple[tuple[str, int], ...]:
    """The next rollouts, each a (task, repeat index); empty when there is enough, or ``most`` are done.

    The first tasks of ``order`` are run twice, until a noisy suite would have shown itself; when it has, all tasks are
    run ``each`` times. While no score has changed nothing more is run. ``again=False`` runs no task twice.
    """
    if not again:
        wanted = dict.fromkeys(order[:most], 1)
    elif _differ(scores):
        wanted = _filled(order, scores, min(most, each * len(order)))
    else:
        wanted = _first(order, most)
    highest = max(wanted.values(), default=0)
    # Round by round, so that what drifts shows between the early and the late rollouts of a task.
    return tuple(
        (task, repeat)
        for repeat in range(highest)
        for task, count in wanted.items()
        if len(scores.get(task, ())) <= repeat < count
    )


def calibrate(scores: Scores, *, deterministic: bool | None = None) -> Calibration | None:
    """What ``scores`` say of noise and tasks; None without any.

    ``deterministic`` is what the suite declares of itself, None when it says nothing. Then it counts as deterministic
    when no score changed and a noisy one would have gone unnoticed with a probability of at most ``FOOLED_AT_MOST``.
    """
    runs = {task: tuple(values) for task, values in scores.items() if values}
    if not runs:
        return None
    squares, degrees = within(runs.values())
    noise = squares / degrees if degrees else None
    if noise is not None and noise < EQUAL**2:
        noise = 0.0
    known, flat = cells(runs), [score for values in runs.values() for score in values]
    fooled = 0.0 if _differ(runs) else (1.0 - NOISY_SHARE) ** _evidence(runs)
    found = not _differ(runs) and fooled <= FOOLED_AT_MOST
    return Calibration(
        rollouts=len(flat),
        tasks=len(runs),
        repeats=len(flat) - len(runs),
        mean=math.fsum(cell.mean for cell in known.values()) / len(known),
        noise=noise,
        spread=_spread(runs, noise or 0.0),
        always=sum(min(values) >= 1.0 - EQUAL for values in runs.values()) / len(runs),
        never=sum(max(values) <= EQUAL for values in runs.values()) / len(runs),
        fooled=fooled,
        deterministic=found if deterministic is None else deterministic,
        equal=max(flat) - min(flat) <= EQUAL,
        halves=_halves(runs, noise or 0.0),
    )


def _differ(scores: Scores) -> bool:
    return any(values and max(values) - min(values) > EQUAL for values in scores.values())


def _evidence(scores: Scores) -> float:
    """The exponent of the bound: a task whose two rollouts differ with probability d has r equal ones with probability
    sum(p_i^r) <= sum(p_i^2)^(r/2) = (1 - d)^(r/2), since a vector's r-norm is at most its 2-norm for r >= 2."""
    return math.fsum(len(values) / 2 for values in scores.values() if len(values) > 1)


def _first(order: Sequence[str], most: int) -> dict[str, int]:
    """Two rollouts of as many tasks as it takes; more of each where there are not so many tasks."""
    enough = math.ceil(2 * math.log(FOOLED_AT_MOST) / math.log(1.0 - NOISY_SHARE))
    rollouts = min(most, enough + enough % 2)
    tasks = min(len(order), rollouts // 2)
    if not tasks:
        return {}
    each, more = divmod(rollouts, tasks)
    return {task: each + (place < more) for place, task in enumerate(order[:tasks])}


def _filled(order: Sequence[str], scores: Scores, most: int) -> dict[str, int]:
    """What there is, with the rest of ``most`` given one by one to the task that has the fewest."""
    wanted = {task: len(scores.get(task, ())) for task in order}
    while sum(wanted.values()) < most:
        fewest = min(wanted.values())
        for task in order:
            if wanted[task] == fewest and sum(wanted.values()) < most:
                wanted[task] += 1
    return wanted


def _spread(runs: Scores, noise: float) -> float:
    """One-way analysis of variance: what is left of the variance of task means when re-running is taken off (Searle,
    Casella & McCulloch 1992, "Variance Components", section 3.6), not below 0."""
    if len(runs) < 2:
        return 0.0
    means = [math.fsum(values) / len(values) for values in runs.values()]
    middle = math.fsum(means) / len(means)
    seen = math.fsum((mean - middle) ** 2 for mean in means) / (len(means) - 1)
    rerun = noise * math.fsum(1 / len(values) for values in runs.values()) / len(runs)
    return math.sqrt(max(0.0, seen - rerun))


def _halves(runs: Scores, noise: float) -> Halves | None:
    """The later half of each task's rollouts as if it were a candidate, the earlier one as if it were the champion."""
    both = {task: values for task, values in runs.items() if len(values) > 1}
    early = {task: values[: len(values) // 2] for task, values in both.items()}
    late = {task: values[len(values) // 2 :] for task, values in both.items()}
    found = estimate(cells(late), cells(early), noise=noise, prior_sd=1.0, pseudo_tasks=PSEUDO_TASKS)
    if found is None:
        return None
    bar = t_quantile(0.5 + DRIFT_LEVEL / 2, found.degrees) * found.se
    return Halves(found.raw, found.low, found.high, found.tasks, abs(found.raw) > bar + EQUAL)
