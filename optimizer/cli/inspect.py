"""``ratchet status``, ``log`` and ``show``: read the ledger, also while another process writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.options import AsJson, CampaignName, Where, console, home_of
from optimizer.cli.sitting import noted
from optimizer.errors import SettingsError
from optimizer.front import front_of
from optimizer.home import Home
from optimizer.ledger.branch import Branch
from optimizer.ledger.lock import running_pid
from optimizer.ledger.rows import ExperimentRow
from optimizer.ledger.store import Ledger
from optimizer.metric import Metric
from optimizer.records import Spend, Verdict
from optimizer.reports import experiments as report
from optimizer.reports import findings
from optimizer.reports import status as status_report
from optimizer.reports import summary as summary_report
from optimizer.reports.json_text import json_text
from optimizer.reports.pruned import fate
from optimizer.reports.results_tsv import metric_lines, score_lines
from optimizer.switches import switches_of

LOG_WIDTH = 160
"""Columns of the log where it is no terminal that shows it."""


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
        summary = summary_report.summarize(ledger, front=front_of(ledger), switches=switches_of(ledger))
        gate = ledger.gate()
    sitting = _sitting(home, summary.totals.total)
    if as_json:
        value = {**summary_report.summary_json(summary), **status_report.status_json(summary.totals, gate, sitting)}
        typer.echo(json_text(value, indent=2))
        return
    screen = console()
    screen.print(status_report.render(summary.totals, gate, sitting))
    screen.print("" if screen.is_terminal else "\n", end="")
    screen.print(summary_report.render(summary, framed=screen.is_terminal))


def _sitting(home: Home, spent: Spend) -> status_report.Sitting:
    pid, found = running_pid(home.folder), noted(home)
    if found is None or pid not in (None, found.pid):
        return status_report.Sitting(pid)
    return status_report.Sitting(
        pid=pid,
        rollouts=found.rollouts,
        tokens=found.tokens,
        usd=found.usd,
        share=found.share(spent),
        seconds_left=found.seconds_left(),
        why=found.why,
        finished=found.finished,
    )


def log(
    campaign: CampaignName = None,
    where: Where = Path(),
    last: Annotated[int | None, typer.Option("--last", "-n", help="Only the last N experiments.", min=1)] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Only what was kept.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="results.tsv in autoresearch's columns.")] = False,
    pareto: Annotated[
        bool, typer.Option("--pareto", help="What nothing else beats in score and cost at once, in place of the list.")
    ] = False,
    flags: Annotated[bool, typer.Option("--flags", help="What switching each flag did, in place of the list.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every experiment, kept or not, the latest first; with --json one object a line, the first one first."""
    home = home_of(where, campaign)
    if pareto or flags:
        _findings(home, pareto=pareto, as_json=as_json)
        return
    with reading(home) as ledger:
        metric = Metric.of(ledger.campaign.settings)
        rows = [
            row
            for row in ledger.experiments()
            if not kept or (row.decision is not None and row.decision.verdict is Verdict.keep)
        ]
        rows = rows[-last:] if last else rows
        lines = list(_tsv(ledger, rows, metric, whole=not (last or kept))) if tsv else []
    if as_json:
        for row in rows:
            typer.echo(json_text(report.experiment_json(row, metric)))
    elif tsv:
        for line in lines:
            typer.echo(line)
    else:
        screen = console(plain_width=LOG_WIDTH)
        screen.print(report.log_table(reversed(rows), width=screen.width, metric=metric))


def _tsv(ledger: Ledger, rows: Sequence[ExperimentRow], metric: Metric | None, *, whole: bool) -> Iterable[str]:
    """The lines of results.tsv; of the ``whole`` one the baseline is the first."""
    if metric is None:
        return score_lines(rows)
    found = ((ledger.gate() or {}).get("calibration") or {}).get("found")
    baseline = (ledger.campaign.baseline, found["mean"]) if found and whole else None
    return metric_lines(rows, metric, ledger.pairs, baseline=baseline)


def _findings(home: Home, *, pareto: bool, as_json: bool) -> None:
    """The Pareto front, or what the flags did."""
    with reading(home) as ledger:
        front = front_of(ledger) if pareto else []
        switches = [] if pareto else switches_of(ledger)
    branch = Branch(home.repository, home.campaign)
    refs = {member.experiment: branch.pareto(member.experiment) for member in front}
    refs = {number: ref for number, ref in refs.items() if branch.read(ref)}
    if as_json:
        told = [findings.member_json(member, refs.get(member.experiment)) for member in front]
        for value in told or [findings.switch_json(switch) for switch in switches]:
            typer.echo(json_text(value))
        return
    console(plain_width=LOG_WIDTH).print(
        findings.front_table(front, refs) if pareto else findings.flags_table(switches)
    )


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
        metric = Metric.of(ledger.campaign.settings)
        became = fate(number, next(iter(ledger.prunings()[-1:]), None))
    if row is None:
        raise SettingsError(
            f"experiment {number}: campaign '{home.campaign}' has experiments 1 to {count}"
            if count
            else f"experiment {number}: campaign '{home.campaign}' has none yet",
            hint="'ratchet log' lists them",
        )
    if as_json:
        value = {
            **report.experiment_json(row, metric),
            "diff": row.diff,
            "fate": became,
            "pairs": report.pairs_json(pairs),
        }
        typer.echo(json_text(value, indent=2))
    else:
        console().print(report.show(row, pairs, fate=became, metric=metric))
