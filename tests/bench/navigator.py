"""The shipped navigator campaign with its own budget, seed after seed: what a stranger's first run comes to.

``navigator:10`` runs ten seeds (default 10), one after the other; each takes as long as the experiment's budget says.
One line of JSON a seed goes to standard error as it ends, the table to standard output when all are done.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from optimizer.assemble import Request, open_campaign, plan_campaign
from optimizer.events import Bus
from optimizer.ledger.store import Ledger
from tests.bench.tables import table, workbench

EXPERIMENT = Path("experiments/navigator")
SEEDS = 10


def report(options: str = "") -> str:
    found = []
    for seed in range(1, int(options or SEEDS) + 1):
        with workbench() as folder:
            found.append(measure(folder, seed))
        print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    head = (
        "seed",
        "baseline",
        "champion",
        "gain",
        "95% interval",
        "certified",
        "experiments",
        "keeps",
        "rollouts",
        "seconds",
    )
    rows = [
        (
            one["seed"],
            f"{100 * one['baseline']:.1f}",
            f"{100 * one['champion']:.1f}",
            f"{100 * one['gain']:+.1f}",
            f"{100 * one['low']:+.1f} to {100 * one['high']:+.1f}",
            "yes" if one["certified"] else "no",
            one["experiments"],
            one["keeps"],
            f"{one['rollouts']:,}",
            f"{one['seconds']:.0f}",
        )
        for one in found
    ]
    gains = [100 * one["gain"] for one in found]
    above = sum(one["low"] > 0 for one in found)
    told = (
        f"Gain on the holdout: median {statistics.median(gains):+.1f} points, {min(gains):+.1f} to {max(gains):+.1f}; "
        f"the interval lies above zero in {above} of {len(found)} campaigns, "
        f"{sum(one['certified'] for one in found)} are certified."
    )
    return f"{told}\n\n{table(head, rows)}"


def measure(runs: Path, seed: int, experiment: Path = EXPERIMENT) -> dict[str, Any]:
    """One campaign from nothing to its look at the holdout; scores are in [0, 1]."""
    began = time.monotonic()
    planned = plan_campaign(Request(experiment, seed=seed, runs=runs))
    with open_campaign(planned, Bus()) as campaign:
        ended = campaign.run()
    seconds = time.monotonic() - began
    with Ledger.open(planned.home.folder, read_only=True) as ledger:
        totals, reports = ledger.totals(), ledger.reports()
    assert reports, f"seed {seed}: no look at the holdout ({ended.why})"
    result = reports[-1].result
    return {
        "seed": seed,
        "baseline": result["baseline"]["mean"],
        "champion": result["champion"]["mean"],
        "gain": result["difference"]["mean"],
        "low": result["difference"]["low"],
        "high": result["difference"]["high"],
        "certified": result["certified"],
        "experiments": totals.experiments,
        "keeps": totals.verdicts.get("keep", 0),
        "rollouts": totals.total.rollouts,
        "seconds": round(seconds, 1),
        "why": ended.why,
    }
