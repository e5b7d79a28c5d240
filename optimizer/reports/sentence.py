"""Every decision in one sentence with numbers: in commits, on the screen, in reports."""

from __future__ import annotations

from optimizer.metric import Metric
from optimizer.records import Decision
from optimizer.reports.words import duration, interval, points, some

OFTEN = 0.5
"""From this bound on, chance is told in words: "fewer than 1 of 1" says nothing."""
MOST_STREAMS = 1_000_000
"""A smaller chance is told as one of so many: normal approximations say nothing about it."""


def sentence(decision: Decision, seconds: float | None = None, metric: Metric | None = None) -> str:
    """The decision, its evidence and its reason; ``seconds`` is what the experiment took, None where that is not known.
    With a ``metric`` the difference is told in its unit too.

    ``kept: better on 14 of 20 tasks, worse on 3; +7.1 points, 95% interval +2.0 to +12.4, believed +3.2 with P(better)
    0.93; 96 rollouts, 41 s; would be kept by chance in fewer than 1 of 300 such streams``
    """
    head = decision.verdict.told + (" as a simplification" if decision.simplification else "")
    parts = [_evidence(decision, metric), _cost(decision, seconds), " ".join(decision.reason.split())]
    if decision.chance is not None:
        parts.append(chance_words(decision.chance))
    told = "; ".join(part for part in parts if part)
    return f"{head}: {told}" if told else head


def chance_words(chance: float) -> str:
    """How often an edit without effect is kept on such evidence, from an upper bound in (0, 1]."""
    if chance > OFTEN:
        return "an edit without effect would often be kept on such evidence"
    return f"would be kept by chance in fewer than 1 of {_streams(chance):,} such streams"


def _streams(chance: float) -> int:
    """1 / ``chance``, rounded down to two digits."""
    whole = min(MOST_STREAMS, int(1.0 / chance + 1e-9))
    step = int(10 ** max(0, len(str(whole)) - 2))
    return whole // step * step


def _evidence(decision: Decision, metric: Metric | None) -> str:
    if decision.effect is None or decision.raw_effect is None or decision.posterior is None:
        return ""
    unit = "" if metric is None else f" ({metric.told_change(decision.raw_effect)} {metric.name})"
    return (
        f"better on {decision.better} of {some(decision.tasks, 'task')}, worse on {decision.worse}; "
        f"{points(decision.raw_effect)} points{unit}, 95% interval {interval(decision.low, decision.high)}, "
        f"believed {points(decision.effect)} with P(better) {decision.posterior:.2f}"
    )


def _cost(decision: Decision, seconds: float | None) -> str:
    spent = [some(decision.rollouts, "rollout")] if decision.rollouts else []
    if seconds is not None and decision.rollouts:
        spent.append(duration(seconds))
    return ", ".join(spent)
