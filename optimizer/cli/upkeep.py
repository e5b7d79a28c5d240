"""``ratchet verify``, ``stop`` and ``doctor``."""

from __future__ import annotations

import dataclasses
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from optimizer.assemble import verify_commit
from optimizer.cli import doctor as examination
from optimizer.cli.options import AsJson, CampaignName, Where, console, counting, home_of
from optimizer.ledger.lock import running_pid
from optimizer.reports.json_text import json_text
from optimizer.verification import Finding

EXIT_NOT_CONFIRMED = 1


def verify(
    which: Annotated[str, typer.Argument(help="The number of a kept experiment, or its commit.")],
    campaign: CampaignName = None,
    where: Where = Path(),
    repeats: Annotated[
        int, typer.Option(help="Rollouts a task, for the commit and its parent each.", min=1, max=100)
    ] = 3,
    attempt: Annotated[
        int | None, typer.Option(help="Which fresh seeds; random when not given, the same number repeats a run.", min=0)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a kept commit against its parent again, on fresh seeds. Exit code 0: the keep stands; 1: it does not,
    or that cannot be told from so many rollouts."""
    home = home_of(where, campaign)
    attempt = secrets.randbelow(1_000_000) if attempt is None else attempt
    with counting(f"measuring {which} and its parent on fresh seeds") as count:
        found = verify_commit(home, which, repeats=repeats, attempt=attempt, on_rollout=count)
    if as_json:
        value = {
            "finding": found.finding.value,
            "attempt": attempt,
            "believed": found.believed,
            "rollouts": found.rollouts,
            **dataclasses.asdict(found.estimate),
            "low": found.estimate.low,
            "high": found.estimate.high,
        }
        typer.echo(json_text(value, indent=2))
    else:
        style = {Finding.stands: "green", Finding.refuted: "red", Finding.open: "yellow"}[found.finding]
        screen = console()
        screen.print(found.sentence, style=style)
        screen.print(f"the same seeds again: --attempt {attempt}", style="dim")
    if found.finding is not Finding.stands:
        raise typer.Exit(EXIT_NOT_CONFIRMED)


def stop(campaign: CampaignName = None, where: Where = Path(), as_json: AsJson = False) -> None:
    """Ask a running campaign to end after the experiment in hand; 'ratchet run' goes on with it later."""
    home = home_of(where, campaign)
    pid = running_pid(home.folder)
    if pid is not None:
        home.stop_request.touch()
    if as_json:
        typer.echo(json_text({"campaign": home.campaign, "running": pid is not None, "pid": pid}))
    elif pid is None:
        print(f"campaign '{home.campaign}' is not running; there is nothing to stop", file=sys.stderr)
    else:
        typer.echo(f"campaign '{home.campaign}' (process {pid}) ends after the experiment in hand")


def doctor(as_json: AsJson = False) -> None:
    """What this machine has and lacks, with the command that mends it. Exit code 1 when something needed is missing."""
    findings = examination.examine()
    if as_json:
        typer.echo(json_text(examination.findings_json(findings), indent=2))
    else:
        examination.render(findings, console())
    if not examination.works(findings):
        raise typer.Exit(1)
