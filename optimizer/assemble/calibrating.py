"""A harness calibrated by itself, beside any campaign: nothing on disk is changed."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

from optimizer.acceptance.sizing import Sizes
from optimizer.acceptance.working import shuffled
from optimizer.assemble.planned import Planned
from optimizer.assemble.scoring import open_scoring
from optimizer.assemble.sizes import calibration_of, end_of, holdout_repeats_of, tasks_of
from optimizer.calibration import PURPOSE, Site, judged, measured, regraded
from optimizer.gathering import rollout_seed
from optimizer.records import Rollout, Split

EACH = 4
"""Rollouts a task, where the number is not said: two for each half of the harness against itself."""
DETECTING = 60
"""So many at the least: what it takes to call a suite deterministic (:mod:`optimizer.acceptance.calibration`)."""


def calibrate_harness(
    planned: Planned, *, rollouts: int | None, on_rollout: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Measure the harness that ``planned`` begins or goes on with against itself, with at most ``rollouts`` rollouts
    beside any budget; what a campaign's own calibration would record. Raises RatchetError as a campaign would."""
    tasks, certify = tasks_of(planned.suite, Split.search), len(planned.suite.tasks(Split.certify))
    asked, files = calibration_of(planned), planned.start[1]
    each = EACH if rollouts is None else math.ceil(rollouts / len(tasks))
    most = max(EACH * len(tasks), DETECTING) if rollouts is None else rollouts
    with open_scoring(planned, on_rollout) as runner:

        def run(wanted: Sequence[tuple[str, int]]) -> list[Rollout]:
            seeded = [(tasks[task], rollout_seed(planned.seed, task, repeat)) for task, repeat in wanted]
            return runner.run(PURPOSE, files, seeded, deadline=math.inf, purpose=PURPOSE, cancel=threading.Event())

        order = shuffled(tasks, candidate=PURPOSE, seed=planned.seed)
        again = not planned.gate.working.deterministic
        evidence, ran = measured(run, order, lambda spent: most, each=each, again=again)
        grader = regraded(ran, tasks, asked.grade)
    end, limit = end_of(planned), planned.limits.rollouts
    exam = end.exam_rollouts(limit or 0) if limit is not None or not end.examines else None
    site = Site(certify, limit, None if limit is None else limit - (exam or 0) - end.holdout, exam)
    before = Sizes(planned.gate, holdout_repeats_of(planned))
    return judged(evidence.champion, grader, before, asked, tasks=len(tasks), site=site)
