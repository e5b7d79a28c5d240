"""True keeps, side by side: every optimizer on every problem with known truth; tables, and the picture of the page.

``keeps`` runs 20 campaigns of each; ``keeps:3:rich,scarce:ratchet,tpe`` three of those named (``all`` for all). A row
goes to standard error as it is done. With 20 seeds or more of everything the picture is ``docs/keeps.svg``, else
``runs/keeps.svg``.
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path

from optimizer.bench.comparing import Comparison, Row, compare
from optimizer.bench.plot import draw
from optimizer.bench.roster import problem_names, rival_names
from optimizer.bench.table import HEAD, caption, cells, settings_lines
from tests.bench.tables import table

SEEDS = 20


def report(options: str = "") -> str:
    seeds, problems, rivals = (*options.split(":"), *[""] * 3)[:3]
    wanted = Comparison(problem_names(problems or "all"), rival_names(rivals or "all"), int(seeds or SEEDS))
    rows: list[Row] = []
    for row in compare(wanted):
        print(json.dumps(row.to_json(), default=str), file=sys.stderr, flush=True)
        rows.append(row)
    whole = wanted.seeds >= SEEDS and (problems or "all", rivals or "all") == ("all", "all")
    picture = Path("docs" if whole else "runs") / "keeps.svg"
    picture.parent.mkdir(exist_ok=True)
    draw(rows, picture)
    return "\n\n".join([*_tables(rows), *settings_lines(rows), f"Picture: {picture}"])


def _tables(rows: list[Row]) -> list[str]:
    grouped = [list(group) for _, group in groupby(rows, key=lambda row: row.problem)]
    return [f"{caption(group[0])}\n\n{table(HEAD, [cells(row) for row in group])}" for group in grouped]
