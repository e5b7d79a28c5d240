"""The objective as a whole: the score decides first, simplicity is weighed in, and constraints have the last word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.acceptance.chance import by_chance
from optimizer.acceptance.comparison import measure
from optimizer.acceptance.constraints import Constraint, Costs, compared, violated
from optimizer.acceptance.evidence import Estimate, probability_above
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import WorkingSettings
from optimizer.acceptance.simplicity import Files, removes, simpler
from optimizer.acceptance.simplification import Answer, weigh
from optimizer.acceptance.words import points
from optimizer.acceptance.working import decided, look
from optimizer.records import Decision, Evaluation, Verdict


@dataclass(frozen=True, slots=True)
class Objective:
    """What counts beside the score: limits on what a rollout costs, and what makes one harness simpler than another
    (names of :data:`~optimizer.acceptance.simplicity.SIMPLICITY`)."""

    constraints: tuple[Constraint, ...] = ()
    tie_breaks: tuple[str, ...] = ()

    @property
    def compared(self) -> tuple[str, ...]:
        """The metrics of which the baseline's costs must be known."""
        return compared(self.constraints)

    def simplicity(self, before: Files, after: Files) -> int:
        """1 when the harness ``after`` is simpler than ``before``, -1 when it is less simple, else 0: by the
        tie-breaks, and where they do not differ or there are none, 1 for an edit that does nothing but take away."""
        return simpler(before, after, self.tie_breaks) or int(removes(before, after))


def decide(
    pool: Pool,
    evaluation: Evaluation,
    settings: WorkingSettings,
    order: Sequence[str],
    objective: Objective,
    *,
    baseline: Costs,
    simplicity: int,
    conceded: float = 0.0,
    doubted: bool = False,
    last: bool = False,
) -> Answer:
    """What :func:`~optimizer.acceptance.working.look` answers, with simplicity weighed in and constraints held against
    it; a keep comes with how likely it is by chance.

    ``baseline`` are the costs of the harness that the campaign began with, ``simplicity`` is what the objective says
    of the candidate, ``conceded`` what simplifications have taken of their margin since the last certificate,
    ``doubted`` what the look before answered. A keep that clearly violates a constraint, and is not believed to pay for
    it, is refused: a discard that says so in numbers. So is a candidate whose evidence would do for a keep, before more
    is spent on it.
    """
    decision = look(pool, evaluation, settings, order, last=last)
    found = measure(pool, evaluation, settings) if simplicity or objective.constraints else None
    if found is not None:
        seen = _count(evaluation.candidate)
        rollouts, cap = seen + _count(evaluation.champion), settings.max_passes * len(order)
        answer = weigh(
            decision,
            found,
            settings,
            simplicity=simplicity,
            conceded=conceded,
            share=min(1.0, seen / cap),
            rollouts=rollouts,
            last=last,
            doubted=doubted,
        )
        decision, doubted = answer.decision, answer.doubted
        enough = seen >= min(settings.min_rollouts, len(order))
        if decision.verdict is Verdict.keep if decision else enough:
            more = seen < cap and not last
            decision = _held_to_limits(decision, found, evaluation, settings, objective, baseline, more=more)
    if decision is None or decision.verdict is not Verdict.keep or decision.simplification:
        return Answer(decision, doubted)
    return Answer(replace(decision, chance=by_chance(pool, evaluation, settings)))


def _held_to_limits(
    decision: Decision | None,
    found: Estimate,
    evaluation: Evaluation,
    settings: WorkingSettings,
    objective: Objective,
    baseline: Costs,
    *,
    more: bool,
) -> Decision | None:
    """A keep, or an open question (None), held against the constraints; ``more`` says that more can be measured."""
    paid_for: list[str] = []
    for limit, told in violated(
        evaluation.candidate_costs, baseline, objective.constraints, pseudo_tasks=settings.pseudo_tasks
    ):
        pays = None
        if limit.unless_gain is not None:
            pays = probability_above(found, limit.unless_gain)
            gains = f"P(gain of {points(limit.unless_gain)[1:]} points or more) {pays:.2f}"
        if pays is None or (pays < settings.keep_at and (not more or pays <= settings.discard_at)):
            because = f"refused: {told}" + (f", and it does not pay: {gains}" if pays is not None else "")
            if decision is None:
                rollouts = _count(evaluation.candidate) + _count(evaluation.champion)
                decision = decided(Verdict.discard, found, rollouts)
            plain = replace(decision, simplification=False, conceded=0.0)
            return replace(plain, verdict=Verdict.discard, reason=because, refused=limit.metric)
        if pays < settings.keep_at:
            return None
        paid_for.append(f"{told}, but it pays: {gains}")
    if decision is None or not paid_for:
        return decision
    return replace(decision, reason="; ".join([*filter(None, [decision.reason]), *paid_for]))


def baseline_costs(
    known: Costs, evaluation: Evaluation, objective: Objective, pool: Pool, *, champion_is_baseline: bool
) -> Costs:
    """What is known of the baseline's costs, with its rollouts of this experiment while it is the champion. ``pool`` is
    the champion's before the experiment."""
    if not champion_is_baseline or not objective.compared:
        return known
    return known.absorb(evaluation.champion_costs, objective.compared, pool.next_repeat)


def _count(scores: Mapping[str, Sequence[float]]) -> int:
    return sum(map(len, scores.values()))
