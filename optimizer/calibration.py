"""Calibration, a stage of a campaign: the baseline against itself, before anything is compared with it.

Its rollouts are the first ones of the champion's pool, under the same keys as any other: what a killed process had
measured is not measured again, and none is spent on calibration alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from optimizer.acceptance.calibration import calibrate, plan_calibration
from optimizer.acceptance.objective import baseline_costs
from optimizer.acceptance.prospects import prospects
from optimizer.acceptance.sizing import Sizes, first_noise, sized
from optimizer.acceptance.working import shuffled
from optimizer.broken import refuse_broken_champion
from optimizer.errors import BudgetExceeded, SettingsError
from optimizer.evaluation.base import Stopped
from optimizer.events import Calibrated, PhaseChanged
from optimizer.gathering import gathered, rollout_seed
from optimizer.parts import Parts
from optimizer.records import Evaluation, Rollout, Spend, Task
from optimizer.standing import Standing
from optimizer.stopping import Stopping

PURPOSE = "calibration"
SHARE = 0.05
"""Of each limit of the budget."""
FIRST_ROLLOUTS = 4
"""Where the budget is in tokens, dollars or time, so many rollouts tell what one costs."""
REGRADED = 30
"""Answers that are graded again, to see whether the grader always says the same."""
GRADINGS = 2
TRUSTED = 4.0
"""What a person says of the noise weighs as much as so many rollouts that were run again."""

_FREE = 10**9
"""More rollouts than any calibration wants."""

Grade = Callable[[Task, str | None], float]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person says of calibration: whether it takes place, whether the suite is deterministic (None: to be found
    out), which sizes are ``fixed`` (``max_passes``, ``holdout_repeats``); and the grader, where answers can be graded
    again without a rollout; and the ``noise`` (standard deviation of a score) that a person knows of."""

    calibrate: bool = True
    deterministic: bool | None = None
    fixed: frozenset[str] = frozenset()
    grade: Grade | None = None
    noise: float | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """What is to be known beside what is measured: the number of certify tasks, and of the rollouts that the campaign,
    its search and its last exam have (None: no limit)."""

    certify: int
    rollouts: int | None
    search_rollouts: int | None
    exam_rollouts: int | None


def calibrated_sizes(
    standing: Standing, parts: Parts, stopping: Stopping, asked: Asked, before: Sizes, *, certify: int
) -> Sizes:
    """The sizes that the campaign works with: measured first where that is yet to be done, and written down for good.

    Raises :class:`SettingsError` when nothing can be learnt on the suite, :class:`Stopped` on cancel: nothing is
    recorded then but the rollouts.
    """
    if standing.calibration is None:
        new = parts.ledger.next_number() == 1 and not standing.ending
        if not asked.calibrate or not new or stopping.halted():
            return before
        standing = _hold(standing, parts, stopping, asked, before, certify)
    assert standing.calibration is not None
    sizes = before.changed(standing.calibration["sizes"])
    stopping.shrink_end(
        exam=2 * certify * sizes.preset.exam.max_repeats,
        holdout=stopping.end.holdout * sizes.holdout_repeats // before.holdout_repeats,
    )
    return sizes


def _hold(standing: Standing, parts: Parts, stopping: Stopping, asked: Asked, before: Sizes, certify: int) -> Standing:
    parts.emit(PhaseChanged(PURPOSE, "the baseline against itself: how much of a difference is mere noise"))
    working, limits = before.preset.working, stopping.budget.limits
    began = stopping.clock()

    def run(wanted: Sequence[tuple[str, int]]) -> list[Rollout]:
        rollouts = [(parts.tasks[task], rollout_seed(parts.seed, task, repeat)) for task, repeat in wanted]
        files, deadline = parts.workspace.files(standing.tree), stopping.search_deadline()
        return parts.runner.run(standing.tree, files, rollouts, deadline=deadline, purpose=PURPOSE, cancel=parts.cancel)

    def most(spent: Spend) -> int:
        return _most(stopping, spent, stopping.clock() - began)

    again = not working.deterministic
    order = shuffled(parts.tasks, candidate=standing.tree, seed=parts.seed)
    evidence, ran = measured(run, order, most, each=working.min_champion, again=again)
    end = stopping.end
    exam = end.exam if end.exam is not None or limits.rollouts is None else end.exam_rollouts(limits.rollouts)
    left = stopping.budget.left("search").rollouts
    record = judged(
        evidence.champion,
        regraded(ran, parts.tasks, asked.grade),
        before,
        asked,
        tasks=len(parts.tasks),
        site=Site(certify, limits.rollouts, left, exam if end.examines else 0),
    )
    refuse_hopeless(
        record, len(parts.tasks), simplifies=bool(parts.objective.tie_breaks or parts.objective.constraints)
    )
    exact = before.changed(record["sizes"]).preset.working.deterministic
    noise = None
    if record["found"] and not exact:
        scores = (score for values in evidence.champion.values() for score in values)
        known = None if asked.noise is None else (TRUSTED * asked.noise**2, TRUSTED)
        noise = first_noise(calibrate(evidence.champion), scores) or known
    pool = standing.pool.absorb(evidence.champion, exact=exact, noise=noise)
    costs = baseline_costs(standing.baseline_costs, evidence, parts.objective, standing.pool, champion_is_baseline=True)
    standing = replace(standing, pool=pool, certified_pool=pool.written(), baseline_costs=costs, calibration=record)
    parts.ledger.remember(standing.to_json())
    parts.emit(Calibrated(record))
    return standing


def measured(
    run: Callable[[Sequence[tuple[str, int]]], list[Rollout]],
    order: Sequence[str],
    most: Callable[[Spend], int],
    *,
    each: int,
    again: bool,
) -> tuple[Evaluation, list[Rollout]]:
    """The rollouts that calibration wants, as the champion's side of an evaluation, and one by one. ``most(spent)`` is
    how many it may have, given what it has spent. It ends early when the budget or the time does."""
    evidence, ran = Evaluation({}, {}), list[Rollout]()
    try:
        while wanted := plan_calibration(order, evidence.champion, most(evidence.spend), each=each, again=again):
            fresh = run(wanted)
            refuse_broken_champion(fresh)
            ran += fresh
            evidence = gathered(evidence, [], fresh)
    except BudgetExceeded:
        pass
    except Stopped as stopped:
        if stopped.reason == "cancelled":
            raise
    return evidence, ran


def judged(
    scores: Mapping[str, Sequence[float]],
    grader: Mapping[str, Any],
    before: Sizes,
    asked: Asked,
    *,
    tasks: int,
    site: Site,
) -> dict[str, Any]:
    """What calibration found and what follows from it, as JSON: ``found`` (None when nothing could be run), ``grader``,
    ``sizes`` (what changes in the gate), ``prospects``."""
    declared = True if before.preset.working.deterministic else asked.deterministic
    found = calibrate(scores, deterministic=declared)
    if found is not None and grader["differing"] and declared is None:
        found = replace(found, deterministic=False)
    sizes, seen = before, None
    if found is not None:
        sizes = sized(before, found, tasks=tasks, rollouts=site.rollouts, fixed=asked.fixed)
        seen = prospects(
            found,
            sizes.preset,
            tasks=tasks,
            certify=site.certify,
            rollouts=site.search_rollouts,
            exam_rollouts=site.exam_rollouts,
        )
    return {
        "found": None if found is None else asdict(found),
        "declared": declared,
        "grader": dict(grader),
        "gate": _gate(sizes),
        "sizes": sizes.to_json(before),
        "prospects": None if seen is None else asdict(seen),
    }


def regraded(ran: Sequence[Rollout], tasks: Mapping[str, Task], grade: Grade | None) -> dict[str, Any]:
    """A separate look at the grader: ``regraded`` answers, one of a task, were graded again; for ``differing`` of them
    it gave another score than before, for example on ``tasks``. What is noise of the grader is no noise of the harness.
    """
    differing: list[str] = []
    answers: dict[str, Rollout] = {}
    for rollout in ran if grade is not None else ():
        if rollout.answer is not None:
            answers.setdefault(rollout.key.task, rollout)
    picked = list(answers.items())[:REGRADED]
    for name, rollout in picked:
        assert grade is not None
        scores = {grade(tasks[name], rollout.answer) for _ in range(GRADINGS)} | {rollout.score}
        if max(scores) - min(scores) > 1e-9:
            differing.append(name)
    return {"regraded": len(picked), "differing": len(differing), "tasks": differing[:5]}


def refuse_hopeless(record: Mapping[str, Any], tasks: int, *, simplifies: bool) -> None:
    """Nothing is better than the full score everywhere; only what is simpler or cheaper could be found, where that is
    asked for. Raises :class:`SettingsError`."""
    found = record["found"]
    if found and found["equal"] and found["mean"] >= 1.0 - 1e-9 and found["tasks"] == tasks and not simplifies:
        raise SettingsError(
            f"suite: got the full score in all {found['rollouts']} rollouts of the baseline, on all {tasks} search "
            "tasks: nothing can be better, so nothing can be learnt",
            hint="make the tasks harder, or say in objective.tie_breaks what makes a harness simpler; gate.calibrate = "
            "false goes on all the same",
        )


def _most(stopping: Stopping, spent: Spend, elapsed: float) -> int:
    """Rollouts within ``SHARE`` of the budget. Time counts only where it is the sole limit: how many rollouts fit into
    it is different each time, and a campaign should not be."""
    limits = stopping.budget.limits
    bounds = [] if limits.rollouts is None else [int(SHARE * limits.rollouts)]
    done = spent.rollouts
    for used, limit in ((spent.tokens, limits.tokens), (spent.usd, limits.usd)):
        if limit is not None:
            bounds.append(int(SHARE * limit * done / used) if used else _FREE if done else FIRST_ROLLOUTS)
    if not bounds and limits.deadline is not None:
        whole = limits.deadline - stopping.began_at
        bounds.append(int(SHARE * whole * done / elapsed) if done and elapsed > 0 else FIRST_ROLLOUTS)
    return min(bounds, default=_FREE)


def _gate(sizes: Sizes) -> dict[str, Any]:
    """The sizes in force that a person may want to know."""
    working, exam = sizes.preset.working, sizes.preset.exam
    names = ("first_look", "look_every", "max_passes", "min_champion", "growth", "keep_at")
    return {
        **{name: getattr(working, name) for name in names},
        "exam_repeats": [exam.min_repeats, exam.max_repeats],
        "holdout_repeats": sizes.holdout_repeats,
    }
