"""Ratchet's own time for one experiment: propose (TPE), apply, check, decide, settle, learn; durable; no evaluation.

``own_time:5`` takes five campaigns of each size (default 3). Each runs 1,020 experiments on eight dimensions; what is
reported of a campaign is the median of the 41 experiments around number 100 and around number 1,000.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from optimizer.experiment import run_experiment
from optimizer.parts import Memory
from optimizer.standing import Standing
from tests.bench.instant import make_repository, open_parts
from tests.bench.tables import table, workbench

SIZES = (20, 5_000)
AT = (100, 1_000)
AROUND = 20
CAMPAIGNS = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """Own milliseconds of each experiment, in order, and which of them were kept."""

    own_ms: list[float]
    kept: list[bool]

    def around(self, number: int) -> list[float]:
        """Those of the experiments around ``number``."""
        return self.own_ms[number - AROUND - 1 : number + AROUND]


def report(options: str = "") -> str:
    campaigns = int(options or CAMPAIGNS)
    rows = []
    for size in SIZES:
        with workbench() as folder:
            make_repository(folder, size)
            found = [measure(folder, seed) for seed in range(1, campaigns + 1)]
        for number in AT:
            medians = [statistics.median(one.around(number)) for one in found]
            near = sorted(value for one in found for value in one.around(number))
            share = statistics.mean(kept for one in found for kept in one.kept)
            spread = f"{min(medians):.1f} to {max(medians):.1f}"
            late = near[int(0.95 * len(near))]
            rows.append(
                (f"{size:,}", f"{number:,}", f"{statistics.median(medians):.1f}", spread, f"{late:.1f}", f"{share:.0%}")
            )
    head = (
        "files in the repository",
        "at experiment",
        "median ms",
        "medians of the campaigns",
        "95% below, ms",
        "keeps",
    )
    return f"{campaigns} campaigns of each size.\n\n{table(head, rows)}"


def measure(root: Path, seed: int) -> Measured:
    """One campaign in the repository at ``root``."""
    own_ms, kept = [], []
    with open_parts(root, seed) as (parts, runner, tree, commit):
        standing, memory = Standing.at_baseline(tree, commit), Memory()
        for number in range(1, max(AT) + AROUND + 1):
            before, champion = runner.busy_s, standing.tree
            began = time.perf_counter()
            after = run_experiment(number, standing, memory, parts, deadline=math.inf)
            assert after is not None, "the space is large enough for every experiment"
            standing = after
            parts.ledger.backup_if_due()
            own_ms.append(1000 * (time.perf_counter() - began - (runner.busy_s - before)))
            kept.append(standing.tree != champion)
    return Measured(own_ms, kept)
