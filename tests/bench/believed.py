"""What is believed of keeps, against known truth: one by one, summed up, and in the end.

Streams of 200 edits of the scarce world under the gate's own functions, without exams: 70% of the edits do next to
nothing, 20% harm, 10% help. ``believed`` takes 20 streams of each preset; ``believed:3`` three.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from optimizer.acceptance.presets import PRESETS
from optimizer.bench.problems.scarce import Scarce, ScarceWorld
from optimizer.records import Verdict
from tests.bench.row import Row, Step
from tests.bench.tables import table

STREAMS, EDITS, FIRST = 20, 200, 100
NINETY = 1.6449
HEAD = (
    "preset",
    "streams",
    "keeps",
    "plain differences, summed up",
    "believed when kept",
    "believed in the end",
    "true",
    "end less true",
    "90% intervals that hold",
)


def report(options: str = "") -> str:
    streams = int(options or STREAMS)
    return table(HEAD, [_row(preset, streams) for preset in PRESETS])


def _row(preset: str, streams: int) -> Sequence[str]:
    """Points a stream, on average over the streams."""
    plain, then, end, true, inside, kept = [], [], [], [], [], 0
    for seed in range(FIRST, FIRST + streams):
        row = Row(Scarce(seed, replace(ScarceWorld(), edits=EDITS)), PRESETS[preset].working)
        steps = row.steps()
        keeps = [step for step in steps if step.decision.verdict is Verdict.keep]
        kept += len(keeps)
        plain.append(math.fsum(step.decision.raw_effect or 0.0 for step in keeps))
        then.append(math.fsum(step.decision.effect or 0.0 for step in keeps))
        end.append(row.pool.gained)
        true.append(math.fsum(step.after - step.before for step in keeps))
        inside += [_holds(step) for step in steps]
    gaps = [believed - really for believed, really in zip(end, true, strict=True)]
    error = statistics.stdev(gaps) / math.sqrt(streams) if streams > 1 else math.inf
    return (
        preset,
        str(streams),
        f"{kept / streams:.1f}",
        *(f"{100 * statistics.mean(each):+.1f}" for each in (plain, then, end, true)),
        f"{100 * statistics.mean(gaps):+.1f} ± {200 * error:.1f}",
        f"{statistics.mean(inside):.0%}",
    )


def _holds(step: Step) -> bool:
    """Whether the true effect lies in the posterior's 90% interval at the decision."""
    effect, sd = step.decision.effect or 0.0, step.decision.sd or 0.0
    return abs(effect - (step.after - step.before)) <= NINETY * sd
