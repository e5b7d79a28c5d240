"""The objective as a whole: the score decides first, then ties are broken, and constraints have the last word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from optimizer.acceptance.constraints import Constraint, Costs, compared, violated
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import WorkingSettings
from optimizer.acceptance.tiebreak import Files, break_tie, simpler
from optimizer.acceptance.working import decided, look, measure
from optimizer.records import Decision, Evaluation, Verdict


@dataclass(frozen=True, slots=True)
class Objective:
    """What counts beside the score: limits on what a rollout costs, and what makes one harness simpler than another
    (names of :data:`~optimizer.acceptance.tiebreak.SIMPLICITY`). Without either, the score alone decides."""

    constraints: tuple[Constraint, ...] = ()
    tie_breaks: tuple[str, ...] = ()

    @property
    def compared(self) -> tuple[str, ...]:
        """The metrics of which the baseline's costs must be known."""
        return compared(self.constraints)

    def simplicity(self, before: Files, after: Files) -> int:
        """1 when the harness ``after`` is simpler than ``before``, -1 when it is less simple, else 0."""
        return simpler(before, after, self.tie_breaks)


def decide(
    pool: Pool,
    evaluation: Evaluation,
    settings: WorkingSettings,
    order: Sequence[str],
    objective: Objective,
    *,
    baseline: Costs,
    simplicity: int,
    last: bool = False,
) -> Decision | None:
    """What :func:`~optimizer.acceptance.working.look` answers, with ties broken and constraints held against it.

    ``baseline`` are the costs of the harness that the campaign began with, ``simplicity`` is what the objective says
    of the candidate. A keep that clearly violates a constraint is refused: a discard that says so in numbers. So is a
    candidate whose evidence would do for a keep, before more is spent on it.
    """
    decision = look(pool, evaluation, settings, order, last=last)
    seen = sum(map(len, evaluation.candidate.values()))
    if decision is not None and simplicity and (found := measure(pool, evaluation, settings)):
        at_cap = seen >= settings.max_passes * len(order)
        decision = break_tie(decision, found, settings, at_cap=at_cap, simplicity=simplicity)
    if not objective.constraints or (decision is not None and decision.verdict is not Verdict.keep):
        return decision
    if decision is None and seen < min(settings.min_rollouts, len(order)):
        return None
    broken = violated(evaluation.candidate_costs, baseline, objective.constraints, pseudo_tasks=settings.pseudo_tasks)
    return decision if broken is None else _refused(decision, pool, evaluation, settings, *broken)


def _refused(
    decision: Decision | None,
    pool: Pool,
    evaluation: Evaluation,
    settings: WorkingSettings,
    limit: Constraint,
    told: str,
) -> Decision | None:
    if decision is not None:
        return replace(
            decision, verdict=Verdict.discard, reason=f"{decision.reason}; refused: {told}", refused=limit.metric
        )
    found = measure(pool, evaluation, settings)
    if found is None:
        return None
    rollouts = sum(map(len, (*evaluation.candidate.values(), *evaluation.champion.values())))
    return replace(decided(Verdict.discard, found, rollouts, f"refused: {told}"), refused=limit.metric)


def baseline_costs(
    known: Costs, evaluation: Evaluation, objective: Objective, pool: Pool, *, champion_is_baseline: bool
) -> Costs:
    """What is known of the baseline's costs, with its rollouts of this experiment while it is the champion. ``pool`` is
    the champion's before the experiment."""
    if not champion_is_baseline or not objective.compared:
        return known
    return known.absorb(evaluation.champion_costs, objective.compared, pool.next_repeat)
