"""What one experiment taught, in one sentence with numbers."""

from __future__ import annotations

from optimizer.records import Decision, Lesson, Proposal


def lesson(experiment: int, proposal: Proposal, decision: Decision) -> Lesson:
    """The lesson of experiment number ``experiment``.

    Measured verdicts give the raw and shrunken effect and the count of tasks, the others the reason; a lesson never
    holds a certify or holdout figure.
    """
    what = " ".join(proposal.what.split()).rstrip(".")
    return Lesson(
        experiment=experiment,
        text=f"#{experiment} {what}: {_outcome(decision)}.",
        changes=dict(proposal.changes),
        verdict=decision.verdict,
        effect=decision.effect,
    )


def _outcome(decision: Decision) -> str:
    told = decision.verdict.told + (" as a simplification" if decision.simplification else "")
    if decision.effect is None or decision.raw_effect is None:
        reason = " ".join(decision.reason.split()).rstrip(".")
        return f"{told}{f' ({_short(reason)})' if reason else ''}"
    return (
        f"{told}, {100 * decision.raw_effect:+.1f} points measured "
        f"({100 * decision.effect:+.1f} believed), better on {decision.better} of {decision.tasks} tasks, "
        f"worse on {decision.worse}, {decision.rollouts} rollouts"
    )


def _short(reason: str, length: int = 200) -> str:
    return reason if len(reason) <= length else reason[: length - 1].rstrip() + "…"
