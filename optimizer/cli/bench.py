"""``ratchet bench``: optimizers side by side on problems whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.options import AsJson, console
from optimizer.errors import RatchetError, SettingsError
from optimizer.reports.json_text import json_text

if TYPE_CHECKING:
    from optimizer.bench.comparing import Comparison, Row


def bench(
    problem: Annotated[str, typer.Option("--problem", help="Problems, comma-separated, or all.")] = "rich",
    optimizer: Annotated[str, typer.Option("--optimizer", help="Optimizers, comma-separated, or all.")] = "all",
    seeds: Annotated[int, typer.Option("--seeds", help="Campaigns of each optimizer on each problem.", min=1)] = 20,
    seed_base: Annotated[int, typer.Option("--seed-base", help="The first seed.", min=0)] = 1000,
    budget: Annotated[
        int | None, typer.Option("--budget", help="Rollouts a campaign, in place of the problem's own.", min=1)
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Campaigns at once; as many as there are cores.", min=1)
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw a picture into this file, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare optimizers on the same problems, budgets and seeds, against the truth."""
    from optimizer.bench.comparing import Comparison
    from optimizer.bench.roster import problem_names, rival_names

    wanted = Comparison(problem_names(problem), rival_names(optimizer), seeds, seed_base, budget)
    if plot:
        _check_plot(plot)
    rows = []
    for _, group in groupby(_rows(wanted, workers), key=lambda row: row.problem):
        shown = []
        for row in group:
            shown.append(row)
            if as_json:
                typer.echo(json_text(row.to_json()))
        rows += shown
        if not as_json:
            _print(shown)
    if not as_json:
        _print_settings(rows)
    if plot:
        from optimizer.bench.plot import draw

        draw(rows, plot)


def _rows(wanted: Comparison, workers: int | None) -> Iterator[Row]:
    from optimizer.bench.comparing import compare

    try:
        yield from compare(wanted, workers=workers)
    except BrokenProcessPool:
        raise RatchetError(
            "a worker process died, perhaps for want of memory", hint="try again with fewer at once: --workers 1"
        ) from None


def _check_plot(path: Path) -> None:
    from optimizer.bench.plot import FORMATS

    if path.suffix not in FORMATS:
        raise SettingsError(f"--plot: got {path.name}, expected a name that ends in {', '.join(FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise SettingsError(f"--plot: the folder {path.parent} does not exist", hint="make it, or name another one")
    if find_spec("matplotlib") is None:
        raise SettingsError(
            "--plot needs the package matplotlib, which is not installed", hint="pip install 'ratchet-harness[bench]'"
        )


def _print(rows: list[Row]) -> None:
    from optimizer.bench.table import caption, rich_tables

    screen = console()
    screen.print(caption(rows[0]), style="bold")
    for table in rich_tables(rows):
        screen.print(table)
        screen.print()


def _print_settings(rows: list[Row]) -> None:
    from optimizer.bench.table import settings_lines

    for line in settings_lines(rows):
        console().print(line, markup=False)
