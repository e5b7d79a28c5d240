"""``ratchet run``: start a campaign, or go on with it."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from optimizer.assemble import Planned, Request, facts_of, open_campaign, plan_campaign
from optimizer.cli.options import AsJson, console, nearest, selecting
from optimizer.cli.sitting import Sitting, note
from optimizer.cli.watching import stoppable, watching
from optimizer.events import Bus, CampaignEnded
from optimizer.front import front_of
from optimizer.home import RUNS, Home
from optimizer.ledger.store import Ledger
from optimizer.reports import plan as plan_report
from optimizer.reports import summary as summary_report
from optimizer.reports.json_text import json_text
from optimizer.switches import switches_of

EXIT_STOPPED = 3
EXIT_TO_MEND = 2


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
    model: Annotated[
        str | None,
        typer.Option(help="The model, in place of the file's: embedded, anthropic:ID, openai:ID, recorded:FILE."),
    ] = None,
    no_holdout: Annotated[
        bool, typer.Option("--no-holdout", help="Measure no holdout; the report says so on top.")
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
        model=model,
        no_holdout=no_holdout,
        runs=runs,
    )
    planned = plan_campaign(request)
    if dry_run:
        _show_plan(planned, as_json=as_json)
        return
    ended = _run(planned, as_json=as_json, plain=plain)
    try:
        _summarize(planned.home, ended, as_json=as_json)
    except BrokenPipeError:
        # Whoever read the log went away; that is no failure of the campaign.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if ended.hint:
        print(f"hint: {ended.hint}", file=sys.stderr)
    if not ended.finished:
        raise typer.Exit(EXIT_TO_MEND if ended.to_mend else EXIT_STOPPED)


def _show_plan(planned: Planned, *, as_json: bool) -> None:
    facts = facts_of(planned)
    if as_json:
        typer.echo(json_text(plan_report.plan_json(facts), indent=2))
    else:
        console().print(plan_report.render(facts))


def _run(planned: Planned, *, as_json: bool, plain: bool) -> CampaignEnded:
    bus = Bus()
    with watching(bus, as_json=as_json, plain=plain) as tell, open_campaign(planned, bus) as campaign:
        sitting = Sitting.of(planned)
        note(planned.home, sitting)
        with stoppable(campaign, tell):
            ended = campaign.run()
        note(planned.home, sitting.ended(ended.why, finished=ended.finished))
    return ended


def _summarize(home: Home, ended: CampaignEnded, *, as_json: bool) -> None:
    with Ledger.open(home.folder, read_only=True) as ledger:
        summary = summary_report.summarize(ledger, why=ended.why, front=front_of(ledger), switches=switches_of(ledger))
    if as_json:
        typer.echo(json_text({"event": "Summary", **summary_report.summary_json(summary)}))
        return
    screen = console()
    commands = _commands(home, summary, ended)
    told = summary_report.render(summary, commands=commands, framed=screen.is_terminal)
    screen.print(told, crop=screen.is_terminal)


def _commands(home: Home, summary: summary_report.Summary, ended: CampaignEnded) -> list[tuple[str, str]]:
    """What to type next, ready to be pasted."""
    which, git = selecting(home), f"git -C {shlex.quote(nearest(home.repository))}"
    branch = home.ref.removeprefix("refs/heads/")
    commands = [(f"ratchet log {which}", "every experiment, kept or not")]
    if not ended.finished:
        commands.insert(0, (f"ratchet {shlex.join(sys.argv[1:])}", "go on where it stopped"))
    if summary.kept:
        best = max(summary.kept, key=lambda row: (row.decision.effect or 0.0) if row.decision else 0.0)
        baseline = summary.totals.campaign.baseline[:9]
        commands += [
            (f"{git} log -p {baseline}..{branch}", "the branch: one commit for each keep"),
            (f"ratchet show {best.number} {which}", "one experiment: diff, paired results, reason"),
            (f"ratchet verify {best.number} {which}", "measure a kept commit again, on fresh seeds"),
        ]
    if summary.holdout is not None and summary.holdout["certified"]:
        commands.append((f"{git} merge {summary.holdout['champion_commit'][:12]}", "take over the certified champion"))
    return commands
