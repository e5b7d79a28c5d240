"""``ratchet status``, ``log`` and ``show``: read the ledger, also while another process writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from optimizer.cli.options import AsJson, CampaignName, Where, home_of
from optimizer.errors import SettingsError
from optimizer.home import Home
from optimizer.ledger.lock import running_pid
from optimizer.ledger.store import Ledger
from optimizer.records import Verdict
from optimizer.reports import experiments as report
from optimizer.reports import status as status_report
from optimizer.reports import summary as summary_report


@contextmanager
def reading(home: Home) -> Iterator[Ledger]:
    """The campaign's ledger, for reading only."""
    ledger = Ledger.open(home.folder, read_only=True)
    try:
        yield ledger
    finally:
        ledger.close()


def status(campaign: CampaignName = None, where: Where = Path(), as_json: AsJson = False) -> None:
    """Where a campaign stands: running or not, budget, champion, certificates, holdout."""
    home = home_of(where, campaign)
    with reading(home) as ledger:
        summary = summary_report.summarize(ledger)
        gate = ledger.gate()
    pid = running_pid(home.folder)
    if as_json:
        value = {**summary_report.summary_json(summary), **status_report.status_json(summary.totals, gate, pid)}
        typer.echo(json.dumps(value, indent=2, default=str))
        return
    console = Console()
    console.print(status_report.render(summary.totals, gate, pid))
    console.print(summary_report.render(summary))


def log(
    campaign: CampaignName = None,
    where: Where = Path(),
    last: Annotated[int | None, typer.Option("--last", "-n", help="Only the last N experiments.", min=1)] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Only what was kept.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="results.tsv in autoresearch's columns.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every experiment, kept or not, the latest first; with --json one object a line, the first one first."""
    with reading(home_of(where, campaign)) as ledger:
        rows = [
            row
            for row in ledger.experiments()
            if not kept or (row.decision is not None and row.decision.verdict is Verdict.keep)
        ]
    rows = rows[-last:] if last else rows
    if as_json:
        for row in rows:
            typer.echo(json.dumps(report.experiment_json(row), ensure_ascii=False))
    elif tsv:
        for line in report.tsv_lines(rows):
            typer.echo(line)
    else:
        Console().print(report.log_table(reversed(rows)))


def show(
    number: Annotated[int, typer.Argument(help="The experiment's number.", min=1)],
    campaign: CampaignName = None,
    where: Where = Path(),
    as_json: AsJson = False,
) -> None:
    """One experiment: the diff, paired results by task, the decision and its reason."""
    home = home_of(where, campaign)
    with reading(home) as ledger:
        row = ledger.experiment(number)
        pairs = ledger.pairs(number) if row else []
        count = ledger.next_number() - 1
    if row is None:
        raise SettingsError(
            f"experiment {number}: campaign '{home.campaign}' has experiments 1 to {count}"
            if count
            else "no experiment yet",
            hint="'ratchet log' lists them",
        )
    if as_json:
        value = {**report.experiment_json(row), "diff": row.diff, "pairs": report.pairs_json(pairs)}
        typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        Console().print(report.show(row, pairs))
