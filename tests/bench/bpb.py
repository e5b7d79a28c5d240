"""The shipped experiment ``bpb``: fifteen minutes of autoresearch on a laptop, in bits per byte on fresh seeds.

``bpb:3`` runs three seeds (default 1), one after the other, each as long as the experiment's budget says. To reach: 60
experiments, and an interval of the gain that excludes zero.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from optimizer.metric import Metric
from optimizer.settings import load_experiment
from tests.bench.navigator import measure
from tests.bench.tables import table, workbench

EXPERIMENT = Path("experiments/bpb")
HEAD = (
    "seed",
    "baseline",
    "champion",
    "change",
    "95% interval",
    "certified",
    "experiments",
    "keeps",
    "runs",
    "seconds",
)


def report(options: str = "") -> str:
    metric = Metric.of(load_experiment(EXPERIMENT)[0].model_dump())
    assert metric is not None
    rows = []
    for seed in range(1, int(options or 1) + 1):
        with workbench() as folder:
            one = measure(folder, seed, EXPERIMENT)
        print(json.dumps(one), file=sys.stderr, flush=True)
        rows.append(
            (
                one["seed"],
                metric.told(one["baseline"]),
                metric.told(one["champion"]),
                metric.told_change(one["gain"]),
                metric.told_span(one["low"], one["high"], change=True),
                "yes" if one["certified"] else "no",
                one["experiments"],
                one["keeps"],
                f"{one['rollouts']:,}",
                f"{one['seconds']:.0f}",
            )
        )
    return table(HEAD, rows)
