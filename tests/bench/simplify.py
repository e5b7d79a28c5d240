"""What simplifications cost: edits that only take away and do nothing, or harm, against known truth.

First alone: one edit of a known effect on a fresh champion, in the scarce world (tasks that pass by chance), and how it
is decided; beside it what the score alone decides. Then in a row: 40 such edits one after the other, each on the
champion that the last one left, and no exam between them; with the margin that all of them share, and with a whole
margin for each. ``simplify`` takes 100 edits alone and 10 rows of each kind; ``simplify:20`` a fifth of both. A line
goes to standard error as it is done.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from optimizer.acceptance.presets import PRESETS
from optimizer.bench.problems.chances import Sizes
from optimizer.bench.problems.scarce import Scarce, ScarceWorld
from optimizer.records import Verdict
from tests.bench.row import Row, Step
from tests.bench.tables import table

ALONE, ROW = 100, 40
WORLDS = (("fast", 50), ("fast", 200), ("careful", 50))
EFFECTS = (0.0, -0.01, -0.03, -0.06)
"""True effects on the task population, as fractions of the scale."""


def report(options: str = "") -> str:
    alone = int(options or ALONE)
    rows = max(1, alone // 10)
    head = (
        "preset",
        "search tasks",
        "true effect",
        "kept, by the score alone",
        "kept as better",
        "as a simplification",
    )
    return "\n\n".join(
        [
            table(
                (*head, "rollouts an edit, by the score alone", "rollouts an edit"),
                [_told(_alone(preset, tasks, effect, alone)) for preset, tasks in WORLDS for effect in EFFECTS],
            ),
            table(
                ("search tasks", "true effect", "margin", "kept as a simplification", "true loss by them", "worst row"),
                [
                    _row(tasks, effect, shared, rows)
                    for tasks in (50, 200)
                    for effect in EFFECTS[1:3]
                    for shared in (1, 0)
                ],
            ),
        ]
    )


def _told(row: Sequence[str]) -> Sequence[str]:
    print(" | ".join(row), file=sys.stderr, flush=True)
    return row


def _alone(preset: str, tasks: int, effect: float, seeds: int) -> Sequence[str]:
    """One edit each, of so many seeds."""
    settings = PRESETS[preset].working
    plain, steps = (
        [Row(_problem(seed, effect, 1, tasks), settings, simplicity).steps()[0] for seed in range(seeds)]
        for simplicity in (0, 1)
    )
    simpler = sum(step.decision.simplification for step in steps)
    return (
        preset,
        str(tasks),
        f"{100 * effect:+.0f}",
        _share(_kept(plain), seeds),
        _share(_kept(steps) - simpler, seeds),
        _share(simpler, seeds),
        *(f"{sum(step.rollouts for step in each) / seeds:.0f}" for each in (plain, steps)),
    )


def _row(tasks: int, effect: float, shared: int, rows: int) -> Sequence[str]:
    """Rows of edits; what those that were kept for being simpler have really cost, on the task population."""
    losses, kept = [], 0
    for seed in range(rows):
        row = Row(_problem(seed, effect, ROW, tasks), PRESETS["fast"].working, 1)
        simpler = [step for step in row.steps(shared=bool(shared)) if step.decision.simplification]
        losses.append(math.fsum(step.before - step.after for step in simpler))
        kept += len(simpler)
    return (
        str(tasks),
        f"{100 * effect:+.0f}",
        "one for all" if shared else "one for each",
        f"{kept / rows:.1f} of {ROW}",
        f"{100 * math.fsum(losses) / rows:.1f}",
        f"{100 * max(losses):.1f}",
    )


def _problem(seed: int, effect: float, edits: int, tasks: int) -> Scarce:
    return Scarce(
        seed,
        ScarceWorld(
            edits=edits,
            helpful=0.0,
            harmful=1.0 if effect else 0.0,
            tiny_sd=0.0,
            loss_low=-effect,
            loss_high=-effect,
            sizes=Sizes(search=tasks, certify=20, holdout=100, population=1_000),
        ),
    )


def _kept(steps: Sequence[Step]) -> int:
    return sum(step.decision.verdict is Verdict.keep for step in steps)


def _share(some: int, seeds: int) -> str:
    return f"{some / seeds:.0%}"
