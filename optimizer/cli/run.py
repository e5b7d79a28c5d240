"""``ratchet run``: start a campaign, or go on with it."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from optimizer.assemble import Request, facts_of, open_campaign, plan_campaign
from optimizer.campaign import Campaign
from optimizer.cli.options import AsJson
from optimizer.events import Bus, CampaignEnded
from optimizer.home import RUNS, Home
from optimizer.ledger.store import Ledger
from optimizer.reports import plan as plan_report
from optimizer.reports import summary as summary_report
from optimizer.reports.live import LiveTable
from optimizer.reports.plain import JsonLog, PlainLog

EXIT_STOPPED = 3


def run(
    experiment: Annotated[
        Path, typer.Argument(help="A folder with experiment.toml, or the name of a shipped experiment.")
    ] = Path(),
    name: Annotated[str | None, typer.Option(help="The campaign's name; the experiment's when not given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of a new campaign (0 when not given).", min=0)] = None,
    rollouts: Annotated[int | None, typer.Option(help="Budget of rollouts for the whole campaign.")] = None,
    tokens: Annotated[int | None, typer.Option(help="Budget of tokens for the whole campaign.")] = None,
    usd: Annotated[float | None, typer.Option(help="Budget of dollars for the whole campaign.")] = None,
    minutes: Annotated[float | None, typer.Option(help="End after this long, counted from now.")] = None,
    until: Annotated[str | None, typer.Option(help="End at this local time of day, such as 07:00.")] = None,
    workers: Annotated[int | None, typer.Option(help="Rollouts at once.", min=1, max=256)] = None,
    no_holdout: Annotated[
        bool, typer.Option("--no-holdout", help="Run a suite without a holdout; the report says so on top.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be opened and what it may cost; start nothing.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="Where campaigns on shipped harnesses make their repository.")] = Path(
        RUNS
    ),
    as_json: AsJson = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines of text instead of the live table.")] = False,
) -> None:
    """Start a campaign, or resume it where it was left.

    Ctrl-C once ends it after the experiment in hand, twice at once; either way nothing is lost and the same command
    goes on. Exit code 0: finished; 3: stopped, can be resumed; 2: something is wrong and was explained.
    """
    request = Request(
        experiment=experiment,
        name=name,
        seed=seed,
        rollouts=rollouts,
        tokens=tokens,
        usd=usd,
        minutes=minutes,
        until=until,
        workers=workers,
        no_holdout=no_holdout,
        runs=runs,
    )
    planned = plan_campaign(request)
    if dry_run:
        if as_json:
            typer.echo(json.dumps(plan_report.plan_json(facts_of(planned)), indent=2))
        else:
            Console().print(plan_report.render(facts_of(planned)))
        return
    bus = Bus()
    with _watching(bus, as_json=as_json, plain=plain), open_campaign(planned, bus) as campaign, _signals(campaign):
        ended = campaign.run()
    _summarize(planned.home, ended, as_json=as_json)
    if not ended.finished:
        raise typer.Exit(EXIT_STOPPED)


@contextmanager
def _watching(bus: Bus, *, as_json: bool, plain: bool) -> Iterator[None]:
    """The live table on a terminal, lines elsewhere, JSON when asked."""
    if as_json:
        bus.listen(JsonLog(sys.stdout))
        yield
    elif plain or not sys.stdout.isatty():
        bus.listen(PlainLog(sys.stdout))
        yield
    else:
        with LiveTable(Console()) as table:
            bus.listen(table)
            yield


@contextmanager
def _signals(campaign: Campaign) -> Iterator[None]:
    """Ctrl-C once asks, twice ends now; SIGTERM and SIGHUP (a machine going down, a closed terminal) end now."""
    stopping = campaign.stopping

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stopping.asked:
            stopping.cancel.set()
        stopping.ask("Ctrl-C; once more ends at once")

    def end(number: int, frame: FrameType | None) -> None:
        stopping.ask(signal.Signals(number).name)
        stopping.cancel.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, interrupt),
        signal.SIGTERM: signal.signal(signal.SIGTERM, end),
        signal.SIGHUP: signal.signal(signal.SIGHUP, end),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summarize(home: Home, ended: CampaignEnded, *, as_json: bool) -> None:
    ledger = Ledger.open(home.folder, read_only=True)
    try:
        summary = summary_report.summarize(ledger, why=ended.why)
    finally:
        ledger.close()
    if as_json:
        typer.echo(json.dumps({"event": "Summary", **summary_report.summary_json(summary)}, default=str))
        return
    Console().print(summary_report.render(summary, commands=_commands(home, summary, ended)))


def _commands(home: Home, summary: summary_report.Summary, ended: CampaignEnded) -> list[tuple[str, str]]:
    """What to type next, ready to be pasted."""
    which = f"-c {home.campaign}"
    branch = home.ref.removeprefix("refs/heads/")
    commands = [
        (f"ratchet log {which}", "every experiment, kept or not"),
        (f"git -C {_relative(home.repository)} log -p {branch}", "the branch: one commit for each keep"),
    ]
    if summary.kept:
        best = max(summary.kept, key=lambda row: (row.decision.effect or 0.0) if row.decision else 0.0)
        commands.append((f"ratchet show {best.number} {which}", "one experiment: diff, paired results, reason"))
        commands.append((f"ratchet verify {best.number} {which}", "measure a kept commit again, on fresh seeds"))
    if not ended.finished:
        commands.insert(0, ("ratchet run (the same command)", "go on where it stopped"))
    return commands


def _relative(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
