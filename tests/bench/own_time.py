"""Ratchet's own time for one experiment: propose (TPE), apply, check, decide, settle, learn; durable; no evaluation.

``own_time:5`` takes five campaigns of each size (default 3). Each runs 1,020 experiments on eight dimensions; what is
reported of a campaign is the median of the 41 experiments around number 100 and around number 1,000.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from optimizer.assemble.callable import open_callable
from optimizer.experiment import run_experiment
from optimizer.parts import Memory
from optimizer.settings import ProposerSettings
from optimizer.standing import Standing
from tests.bench.calls import Timed, make_repository, request
from tests.bench.tables import table, workbench

SIZES = (20, 5_000)
AT = (100, 1_000)
AROUND = 20
CAMPAIGNS = 3
HEAD = (
    "files in the repository",
    "at experiment",
    "median, ms",
    "medians of the campaigns",
    "95% are below, ms",
    "processor time, ms",
    "kept",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of each experiment without its evaluation, by the clock and of the processor; which were kept."""

    own_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    kept: list[bool] = field(default_factory=list)


def report(options: str = "") -> str:
    campaigns = int(options or CAMPAIGNS)
    rows = []
    for size in SIZES:
        with workbench() as folder:
            make_repository(folder, size)
            found = [measure(folder, seed) for seed in range(1, campaigns + 1)]
        rows += [(f"{size:,}", f"{number:,}", *_figures(found, number)) for number in AT]
    return f"{campaigns} campaigns of each size.\n\n{table(HEAD, rows)}"


def _figures(found: Sequence[Measured], number: int) -> tuple[str, ...]:
    near = slice(number - AROUND - 1, number + AROUND)
    medians = [statistics.median(one.own_ms[near]) for one in found]
    together = sorted(value for one in found for value in one.own_ms[near])
    return (
        f"{statistics.median(medians):.1f}",
        f"{min(medians):.1f} to {max(medians):.1f}",
        f"{together[int(0.95 * len(together))]:.1f}",
        f"{statistics.median(statistics.median(one.cpu_ms[near]) for one in found):.1f}",
        f"{statistics.mean(kept for one in found for kept in one.kept):.0%}",
    )


def measure(root: Path, seed: int) -> Measured:
    """One campaign in the repository at ``root``."""
    found = Measured()
    with open_callable(request(root, f"seed-{seed}", seed, ProposerSettings(tpe=1.0))) as campaign:
        runner = Timed(campaign.parts.runner)
        parts = replace(campaign.parts, runner=runner)
        standing, memory = Standing.at_baseline(campaign.baseline, campaign.baseline_commit), Memory()
        for number in range(1, max(AT) + AROUND + 1):
            busy_s, cpu_s, champion = runner.busy_s, runner.cpu_s, standing.tree
            began, cpu_began = time.perf_counter(), time.process_time()
            after = run_experiment(number, standing, memory, parts, deadline=math.inf)
            assert after is not None, "the space is large enough for every experiment"
            standing = after
            parts.ledger.backup_if_due()
            found.own_ms.append(1000 * (time.perf_counter() - began - (runner.busy_s - busy_s)))
            found.cpu_ms.append(1000 * (time.process_time() - cpu_began - (runner.cpu_s - cpu_s)))
            found.kept.append(standing.tree != champion)
    return found
