"""``ratchet calibrate``: a harness against itself, on one's own suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.assemble import Request, calibrate_harness, plan_campaign
from optimizer.cli.options import AsJson, console, counting
from optimizer.home import RUNS
from optimizer.records import Split
from optimizer.reports import calibration as report
from optimizer.reports.json_text import json_text


def calibrate(
    experiment: Annotated[
        Path, typer.Argument(help="A folder with experiment.toml, or the name of a shipped experiment.")
    ] = Path(),
    rollouts: Annotated[
        int | None, typer.Option(help="Rollouts to spend, at most; 4 for each search task when not given.", min=2)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the rollouts (0 when not given).", min=0)] = None,
    model: Annotated[str | None, typer.Option(help="The model, in place of the file's.")] = None,
    runs: Annotated[Path, typer.Option(help="Where campaigns on shipped harnesses have their repository.")] = Path(
        RUNS
    ),
    as_json: AsJson = False,
) -> None:
    """Measure the harness against itself: how noisy the suite is, how small a gain can be seen within the experiment's
    budget, how many rollouts a gain takes, and which sizes the gate will use. Changes nothing on disk."""
    planned = plan_campaign(Request(experiment, seed=seed, model=model, runs=runs, minutes=24 * 60.0))
    with counting("measuring the harness against itself") as done:
        record = calibrate_harness(planned, rollouts=rollouts, on_rollout=done)
    if as_json:
        typer.echo(json_text({**record, "remarks": report.remarks(record)}, indent=2))
        return
    screen = console()
    screen.print(report.render(record, tasks=len(planned.suite.tasks(Split.search))))
