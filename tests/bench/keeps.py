"""True keeps, side by side: every optimizer on every problem with known truth; tables, and the picture of the page.

``keeps`` runs 20 campaigns of each; ``keeps:3:rich,scarce:ratchet,tpe`` three of those named (``all`` for all), which
on ``scarce`` also means a smaller budget. A row goes to standard error as it is done. With 20 seeds or more of
everything the picture is ``docs/keeps.svg``, else ``runs/keeps.svg``. On streams of 500 edits ``all`` leaves out TPE,
with 500 dimensions to model: it takes many minutes a campaign.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from optimizer.bench.comparing import Comparison, Row, compare
from optimizer.bench.plot import draw
from optimizer.bench.roster import problem_names, rival_names
from optimizer.bench.table import HEAD, caption, cells, settings_lines
from tests.bench.tables import table

SEEDS = 20
STREAMS = ("scarce", "null", "null-harm")
SLOW_ON_STREAMS = ("tpe", "wilcoxon")
SMALLER = {"scarce": 5_000}
"""A second budget that a problem is run with, in rollouts."""


def report(options: str = "") -> str:
    given = [*options.split(":"), "", "", ""]
    seeds, problems, rivals = int(given[0] or SEEDS), given[1] or "all", given[2] or "all"
    rows: list[Row] = []
    for wanted in _comparisons(seeds, problems, rivals):
        for row in compare(wanted):
            print(json.dumps(row.to_json(), default=str), file=sys.stderr, flush=True)
            rows.append(row)
    whole = seeds >= SEEDS and problems == rivals == "all"
    picture = Path("docs" if whole else "runs") / "keeps.svg"
    picture.parent.mkdir(exist_ok=True)
    draw(rows, picture)
    grouped = [list(group) for _, group in groupby(rows, key=lambda row: (row.problem, row.budget))]
    tables = [f"{caption(group[0])}\n\n{table(HEAD, [cells(row) for row in group])}" for group in grouped]
    settings = [f"- {line}" for line in settings_lines(rows)]
    return "\n\n".join([*tables, "\n".join(settings), f"Picture: {picture}"])


def _comparisons(seeds: int, problems: str, rivals: str) -> Iterator[Comparison]:
    for problem in problem_names(problems):
        left_out = SLOW_ON_STREAMS if rivals == "all" and problem in STREAMS else ()
        names = [name for name in rival_names(rivals) if name not in left_out]
        yield Comparison([problem], names, seeds)
        if problem in SMALLER:
            yield Comparison([problem], names, seeds, budget=SMALLER[problem])
