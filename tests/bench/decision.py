"""The gate's own time: one look at the evidence, and the end of an experiment, after few and after many experiments.

``decision:5`` takes five campaigns (default 3) of 1,020 experiments each, by random proposals on eight dimensions. A
look is what lies between two batches of rollouts: gathering their scores, the estimate, the decision, and the plan of
the next batch. An end is what lies between the last batch and the word that the experiment is decided: that look, the
lesson, the ledger (durable), and for a keep the commit. Reported are medians over the experiments around number 100 and
around number 1,000. To reach: a look under 2 ms at number 1,000.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from optimizer.assemble.callable import open_callable
from optimizer.events import Event, ExperimentDecided
from optimizer.experiment import run_experiment
from optimizer.parts import Memory
from optimizer.settings import ProposerSettings
from optimizer.standing import Standing
from tests.bench.calls import Timed, make_repository, request
from tests.bench.tables import table, workbench

FILES = 20
AT = (100, 1_000)
AROUND = 20
CAMPAIGNS = 3
HEAD = ("at experiment", "looks", "a look: median, ms", "95% are below, ms", "an end: median, ms", "95% are below, ms")


@dataclass(frozen=True, slots=True)
class Experiment:
    """Milliseconds of each of its looks, and of its end."""

    looks: Sequence[float]
    end: float


def report(options: str = "") -> str:
    campaigns = int(options or CAMPAIGNS)
    with workbench() as folder:
        make_repository(folder, FILES)
        found = [measure(folder, seed) for seed in range(1, campaigns + 1)]
    rows = []
    for number in AT:
        near = [one for each in found for one in each[number - AROUND - 1 : number + AROUND]]
        looks, ends = [look for one in near for look in one.looks], [one.end for one in near]
        rows.append((f"{number:,}", len(looks), *_figures(looks), *_figures(ends)))
    return f"{campaigns} campaigns.\n\n{table(HEAD, rows)}"


def measure(root: Path, seed: int) -> list[Experiment]:
    """One campaign in the repository at ``root``, experiment by experiment."""
    found: list[Experiment] = []
    heard = _Heard()
    with open_callable(request(root, f"seed-{seed}", seed, ProposerSettings(random=1.0))) as campaign:
        runner = Timed(campaign.parts.runner)
        parts = replace(campaign.parts, runner=runner, emit=heard)
        standing, memory = Standing.at_baseline(campaign.baseline, campaign.baseline_commit), Memory()
        for number in range(1, max(AT) + AROUND + 1):
            runner.spans.clear()
            after = run_experiment(number, standing, memory, parts, deadline=math.inf)
            assert after is not None, "the space is large enough for every experiment"
            standing = after
            looks = [1000 * (began - ended) for (_, ended), (began, _) in pairwise(runner.spans)]
            found.append(Experiment(looks, 1000 * (heard.at - runner.spans[-1][1]) if runner.spans else 0.0))
    return found


@dataclass(slots=True)
class _Heard:
    """When an experiment was decided last."""

    at: float = field(default=0.0)

    def __call__(self, event: Event) -> None:
        if isinstance(event, ExperimentDecided):
            self.at = time.perf_counter()


def _figures(values: Sequence[float]) -> tuple[str, str]:
    ordered = sorted(values)
    return f"{statistics.median(ordered):.2f}", f"{ordered[int(0.95 * len(ordered))]:.2f}"
