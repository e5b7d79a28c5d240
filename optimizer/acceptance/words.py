"""Evidence in one sentence."""

from __future__ import annotations

from optimizer.acceptance.evidence import Estimate


def points(effect: float) -> str:
    """An effect as signed points of 100: ``+7.1``."""
    text = f"{100 * effect:+.1f}"
    return "+0.0" if text == "-0.0" else text


def evidence_sentence(found: Estimate, rollouts: int) -> str:
    """``better on 14 of 20 tasks, worse on 3; +7.1 points (shrunken +3.2), 95% interval +2.0 to +12.4; ...``"""
    return (
        f"better on {found.better} of {found.tasks} {_tasks(found.tasks)}, worse on {found.worse}; "
        f"{points(found.raw)} points (shrunken {points(found.shrunken)}), "
        f"95% interval {points(found.low)} to {points(found.high)}; "
        f"P(better) {found.posterior:.2f}; {rollouts} rollouts"
    )


def _tasks(count: int) -> str:
    return "task" if count == 1 else "tasks"
