"""What a keep says of chance, against known truth: "would be kept by chance in fewer than 1 of N such streams".

Streams of 200 edits under the gate's own functions, without exams: one of nothing at all, the scarce world, and one
with gains of 5 to 20 points, after which the champion's pool is far too modest. Of the edits without any effect, a
share of at most 1 of N may be kept with such words. ``chance`` takes 20 streams of each; ``chance:3`` three.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

from optimizer.acceptance.presets import PRESETS
from optimizer.bench.problems.scarce import NULL, Scarce, ScarceWorld
from optimizer.records import Verdict
from optimizer.reports.sentence import OFTEN
from tests.bench.row import Row, Step
from tests.bench.tables import table

STREAMS, EDITS, FIRST = 20, 200, 100
LEVELS = (2, 5, 10, 100)
WORLDS: Mapping[str, ScarceWorld] = {
    "nothing helps or harms": NULL,
    "scarce": ScarceWorld(tiny_sd=0.0),
    "great gains": ScarceWorld(helpful=0.3, harmful=0.0, tiny_sd=0.0, gain_low=0.05, gain_high=0.20),
}


def report(options: str = "") -> str:
    rows, keeps = [], []
    for world, preset in (*((world, "fast") for world in WORLDS), ("scarce", "careful")):
        steps = _steps(world, preset, int(options or STREAMS))
        rows.append((world, preset, *_of_nothing(steps)))
        keeps += [(world, preset, *row) for row in _kept(steps)]
    return "\n\n".join(
        [
            table(("stream", "preset", "edits without effect", "kept", *(f"1 of {n} or better" for n in LEVELS)), rows),
            table(("stream", "preset", "true effect of a keep", "keeps", '"often"', "median N", "best tenth"), keeps),
        ]
    )


def _steps(world: str, preset: str, streams: int) -> list[Step]:
    kind = replace(WORLDS[world], edits=EDITS)
    found: list[Step] = []
    for seed in range(FIRST, FIRST + streams):
        found += Row(Scarce(seed, kind), PRESETS[preset].working).steps()
    return found


def _of_nothing(steps: Sequence[Step]) -> Sequence[str]:
    """Of the edits that do exactly nothing: how many, the share kept, and the shares kept with a bound of 1 / N."""
    chances = [step.decision.chance for step in steps if step.after == step.before]
    kept = [chance for chance in chances if chance is not None]
    shares = [sum(chance <= 1 / level for chance in kept) / len(chances) for level in LEVELS]
    return str(len(chances)), f"{len(kept) / len(chances):.1%}", *(f"{share:.2%}" for share in shares)


def _kept(steps: Sequence[Step]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for name, low, high in (("none or harm", -1.0, 0.0), ("up to +3", 0.0, 0.03), ("above +3", 0.03, 1.0)):
        bounds = sorted(
            step.decision.chance or 1.0
            for step in steps
            if step.decision.verdict is Verdict.keep and low < step.after - step.before <= high
        )
        if bounds:
            often = sum(bound > OFTEN for bound in bounds) / len(bounds)
            best = bounds[(len(bounds) - 1) // 10]
            told = (f"{1 / statistics.median(bounds):.0f}", f"{1 / best:.0f}")
            rows.append((name, str(len(bounds)), f"{often:.0%}", *told))
    return rows
