"""Tier 1: whether a candidate becomes the working champion, looked at again and again while its rollouts come in.

Evidence travels as an :class:`~optimizer.records.Evaluation`: ``candidate`` holds this candidate's scores by task, in
the order of repeats 0, 1, ...; ``champion`` the champion's rollouts bought during this experiment, not yet in the pool.
The caller's loop::

    while ask := plan(pool, evaluation, settings, order):
        evaluation = <evaluation with the rollouts of ask>
        if decision := look(pool, evaluation, settings, order):
            break
    pool = settle(pool, evaluation, decision, settings)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from optimizer.acceptance.comparison import is_own, known, measure, priors
from optimizer.acceptance.effects import TASK_SD
from optimizer.acceptance.evidence import Estimate, cells, within
from optimizer.acceptance.pool import Pool, seen
from optimizer.acceptance.presets import WorkingSettings
from optimizer.acceptance.words import points
from optimizer.records import Decision, Evaluation, Verdict


@dataclass(frozen=True, slots=True)
class Ask:
    """The rollouts needed before the next look, each a (task, repeat index); the repeat index is the rollout's seed."""

    candidate: tuple[tuple[str, int], ...] = ()
    champion: tuple[tuple[str, int], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.candidate or self.champion)

    def __len__(self) -> int:
        return len(self.candidate) + len(self.champion)


def shuffled(tasks: Iterable[str], *, candidate: str, seed: int) -> tuple[str, ...]:
    """The order in which a candidate (its tree) meets the tasks: shuffled anew for each, so that a champion that was
    lucky on a few tasks does not make every candidate look bad at its first look."""
    return tuple(sorted(set(tasks), key=lambda task: hashlib.sha256(f"{seed}|{candidate}|{task}".encode()).digest()))


def plan(pool: Pool, evaluation: Evaluation, settings: WorkingSettings, order: Sequence[str]) -> Ask:
    """What must be run before the next look; an empty Ask when every rollout that a candidate may have is there.

    Works from any evidence, also from half of an Ask: what is missing of it is asked again. Candidate rollouts go pass
    by pass through ``order``. The champion is topped up to ``min_champion`` on the tasks that will be compared, and
    grows by ``growth`` per candidate rollout where its pool is thinnest.
    """
    if not order:
        return Ask()
    seen = _count(evaluation.candidate)
    # A look that the candidate's rollouts have reached, but the champion's have not, comes first.
    for target in dict.fromkeys(
        (_look_at_or_after(seen, len(order), settings), _look_after(seen, len(order), settings))
    ):
        if target:
            compared = order[: min(target, len(order))]
            ask = Ask(
                _candidate_needs(evaluation.candidate, order, target),
                _champion_needs(pool, evaluation.champion, settings, compared, target),
            )
            if ask:
                return ask
    return Ask()


def look(
    pool: Pool, evaluation: Evaluation, settings: WorkingSettings, order: Sequence[str], *, last: bool = False
) -> Decision | None:
    """Keep, discard, or None for more evidence. ``last`` says that no more can be had: then it is never None.

    Keep when P(effect > 0) reaches ``keep_at`` and enough was seen; discard when it falls to ``discard_at``; at the cap
    keep when the shrunken effect is more than ``min_gain``. Cut short by ``last``, only the first of these keeps.
    """
    seen = _count(evaluation.candidate)
    rollouts = seen + _count(evaluation.champion)
    found = measure(pool, evaluation, settings)
    if found is None:
        return Decision(Verdict.discard, "no task was seen with both", rollouts=rollouts) if last else None
    enough = seen >= min(settings.min_rollouts, len(order))
    if found.posterior >= settings.keep_at and enough and found.shrunken > settings.min_gain:
        return decided(Verdict.keep, found, rollouts)
    if found.posterior <= settings.discard_at:
        return decided(Verdict.discard, found, rollouts, f"dropped where P(better) is {settings.discard_at:g} or less")
    if seen >= settings.max_passes * len(order):
        if found.shrunken > settings.min_gain:
            return decided(Verdict.keep, found, rollouts)
        return decided(
            Verdict.discard, found, rollouts, f"not above {points(settings.min_gain)} after all its rollouts"
        )
    if last:
        return decided(Verdict.discard, found, rollouts, "not enough evidence before the end")
    return None


def decided(verdict: Verdict, found: Estimate, rollouts: int, because: str = "") -> Decision:
    """A decision with its evidence in figures, and what they do not say in words (``because``)."""
    return Decision(
        verdict=verdict,
        reason=because,
        effect=found.shrunken,
        raw_effect=found.raw,
        low=found.low,
        high=found.high,
        posterior=found.posterior,
        rollouts=rollouts,
        better=found.better,
        worse=found.worse,
        tasks=found.tasks,
        sd=found.sd,
    )


def settle(pool: Pool, evaluation: Evaluation, decision: Decision, settings: WorkingSettings) -> Pool:
    """The pool for the next experiment: all rollouts of this one absorbed; after a keep, the new champion's.

    A discarded candidate's own term is forgotten, what it taught of options and tasks is not. A kept one moves every
    task in its own way, so that the tasks' levels are less sure by that: after the old champion's rollouts were
    absorbed, and before its own are.
    """
    tasks = [task for task, scores in (*evaluation.candidate.items(), *evaluation.champion.items()) if scores]
    if not tasks:
        return replace(pool, facing=())
    found = measure(pool, evaluation, settings)
    uneven, odd = (found.uneven, found.odd) if found else (0.0, 0.0)
    kept = decision.verdict is Verdict.keep
    terms, alone = pool.terms, pool.with_own(evaluation.champion)
    champion = seen(terms, evaluation.champion)
    candidate = seen(pool.candidate, evaluation.candidate, uneven=0.0 if kept else uneven)
    more: dict[str, Any]
    update = {
        "new": {**{f"task:{task}": [0.0, TASK_SD] for task in tasks}, **priors(pool, settings, odd)},
        "exact": settings.deterministic,
        "runs": within((*evaluation.champion.values(), *evaluation.candidate.values())),
    }
    if kept:
        levels = [name.removeprefix("task:") for name in pool.effects.places if name.startswith("task:")]
        moved = [sorted({*levels, *tasks}), uneven]
        more = {"past": [asdict(champion)], "uneven": moved, "seen": [asdict(candidate)], "present": candidate.terms}
        new = replace(pool, terms=pool.candidate, facing=(), alone=cells(evaluation.candidate))
    else:
        own = [term for term in pool.candidate if is_own(term) and term not in terms]
        more = {"seen": [asdict(champion), asdict(candidate)], "present": terms, "gone": own}
        new = replace(pool, facing=(), alone=alone)
    return new.learn({**update, **more})


def _look_after(seen: int, tasks: int, settings: WorkingSettings) -> int:
    """The number of candidate rollouts at the first look after ``seen``, 0 when there is none."""
    cap = settings.max_passes * tasks
    if seen >= cap:
        return 0
    steps = max(0, (seen - settings.first_look) // settings.look_every + 1)
    return min(cap, settings.first_look + steps * settings.look_every)


def _look_at_or_after(seen: int, tasks: int, settings: WorkingSettings) -> int:
    return _look_after(seen - 1, tasks, settings) if seen else 0


def _candidate_needs(
    had: Mapping[str, Sequence[float]], order: Sequence[str], target: int
) -> tuple[tuple[str, int], ...]:
    places = ((order[place % len(order)], place // len(order)) for place in range(target))
    return tuple((task, repeat) for task, repeat in places if repeat >= len(had.get(task, ())))


def _champion_needs(
    pool: Pool,
    fresh: Mapping[str, Sequence[float]],
    settings: WorkingSettings,
    compared: Sequence[str],
    target: int,
) -> tuple[tuple[str, int], ...]:
    missing = {task: max(0, math.ceil(settings.min_champion - known(pool, task, settings) - 1e-9)) for task in compared}
    filled = {task: min(len(fresh.get(task, ())), missing[task]) for task in compared}
    grown = _count(fresh) - sum(filled.values())
    extra = dict.fromkeys(compared, 0)
    allowance = int(settings.growth * target + 1e-9) - grown
    weights = {task: pool.next_repeat(task) + max(len(fresh.get(task, ())), missing[task]) for task in compared}
    for _ in range(allowance):
        thinnest = min(weights, key=weights.__getitem__)
        if weights[thinnest] >= settings.max_champion:
            break
        extra[thinnest] += 1
        weights[thinnest] += 1
    asks: list[tuple[str, int]] = []
    for task in compared:
        start = pool.next_repeat(task) + len(fresh.get(task, ()))
        asks += [(task, start + step) for step in range(missing[task] - filled[task] + extra[task])]
    return tuple(asks)


def _count(scores: Mapping[str, Sequence[float]]) -> int:
    return sum(len(values) for values in scores.values())
