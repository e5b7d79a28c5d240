"""``ratchet init``: a harness and an experiment to start from, in the repository that a person stands in."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.adopting import Adoption, CommandRun, plan_adoption
from optimizer.cli.autoresearch import LEFT_OUT, plan_autoresearch
from optimizer.cli.scaffold import Scaffold, plan_scaffold, write_scaffold
from optimizer.errors import SettingsError
from optimizer.reports.json_text import json_text


def init(
    folder: Annotated[Path, typer.Argument(help="A folder in a git repository.")] = Path(),
    name: Annotated[str | None, typer.Option(help="The experiment's name.")] = None,
    harness: Annotated[
        Path | None, typer.Option(help="The harness folder: an existing one, or where to make one.")
    ] = None,
    tasks: Annotated[
        Path | None, typer.Option(help="Your own tasks: JSONL with id, split, prompt, answer on each line.")
    ] = None,
    root: Annotated[
        str | None,
        typer.Option(help="Without --tasks: the Python sources that questions are made from; 'stdlib' or a folder."),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="Files that you have: propose a space over this folder.")
    ] = None,
    autoresearch: Annotated[
        Path | None, typer.Option(help="A folder in autoresearch's layout: an experiment that runs it as it is.")
    ] = None,
    command: Annotated[str | None, typer.Option(help="With --from: what is run to measure a variant.")] = None,
    metric: Annotated[str | None, typer.Option(help="With --command: the metric's name, as it is printed.")] = None,
    direction: Annotated[str | None, typer.Option(help="With --command: maximize or minimize.")] = None,
    worst: Annotated[float | None, typer.Option(help="With --command: the value that scores 0.")] = None,
    best: Annotated[float | None, typer.Option(help="With --command: the value that scores 1.")] = None,
    seconds: Annotated[float, typer.Option(help="With --command: how long a run takes.", min=0.1)] = 10.0,
    evaluator: Annotated[str | None, typer.Option(help="With --command: what prints the metric instead.")] = None,
    pinned: Annotated[list[str] | None, typer.Option(help="With --command: files that no edit may change.")] = None,
    model: Annotated[str | None, typer.Option(help="With --command: the model that the command asks.")] = None,
    rollouts: Annotated[int | None, typer.Option(help="Budget of rollouts.", min=1)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; take the flags and the defaults.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the files made as JSON.")] = False,
) -> None:
    """Make a harness and an experiment to start from. Asks on a terminal; nothing that exists is changed."""
    if autoresearch is not None:
        _as_it_is(autoresearch.resolve(), name or "autoresearch", as_json)
        return
    run = None
    if command is not None:
        kept = tuple(pinned or ())
        run = CommandRun(command, metric, direction, worst, best, seconds, evaluator, kept, model)
    said = any(each is not None for each in (metric, direction, worst, best, evaluator, pinned, model))
    if (run is not None or said) and (source is None or run is None):
        raise SettingsError(
            f"--command and what belongs to it: got them without {'--from' if source is None else '--command'}",
            hint="ratchet init --from . --command 'python train.py' --metric NAME --direction maximize",
        )
    if source is not None:
        _adopt(Adoption(folder.resolve(), source.resolve(), name or "first", rollouts or 300, run), as_json)
        return
    ask = not yes and not as_json and sys.stdin.isatty()
    wanted = Scaffold(
        folder=folder.resolve(),
        name=name or _asked(ask, "Name of the experiment", "first"),
        harness=Path(harness or _asked(ask, "Harness folder (made when it is not there)", "harness")),
        tasks=tasks.resolve() if tasks else None,
        root=root
        or (
            _asked(ask, "Make questions from the sources of ('stdlib' or a folder)", "stdlib")
            if not tasks
            else "stdlib"
        ),
        rollouts=rollouts or int(_asked(ask, "Budget of rollouts", "3000")),
    )
    files = plan_scaffold(wanted)
    write_scaffold(wanted.folder, files)
    names = sorted(str(path) for path in files)
    experiment = f"experiments/{wanted.name}"
    if as_json:
        typer.echo(json_text({"experiment": experiment, "files": names}, indent=2))
        return
    for made in names:
        typer.echo(f"made {made}")
    typer.echo("\nNext:")
    if wanted.folder != Path.cwd():
        typer.echo(f"  cd {shlex.quote(str(wanted.folder))}")
    typer.echo(f"  git add {wanted.harness} {experiment} && git commit -m 'A harness to optimize'")
    typer.echo(f"  ratchet run {experiment} --dry-run    # what would be opened, and what it may cost")
    typer.echo(f"  ratchet run {experiment}")


def _as_it_is(folder: Path, name: str, as_json: bool) -> None:
    files = plan_autoresearch(folder, name)
    write_scaffold(folder, files)
    experiment, names = f"experiments/{name}", sorted(str(path) for path in files)
    if as_json:
        typer.echo(json_text({"experiment": experiment, "files": names}, indent=2))
        return
    for made in names:
        typer.echo(f"made {made}")
    typer.echo(f"\nRead {experiment}/README.md and space.toml; take out what should stay. Then:")
    if folder != Path.cwd():
        typer.echo(f"  cd {shlex.quote(str(folder))}")
    if loose := " ".join(shlex.quote(each) for each in LEFT_OUT if (folder / each).exists()):
        typer.echo(f"  printf '%s\\n' {loose} >> .git/info/exclude    # what git is not to see, as program.md says")
    typer.echo(f"  git add {experiment} && git commit -m 'An experiment on train.py'")
    typer.echo(f"  ratchet run {experiment} --dry-run    # what would be opened")
    typer.echo(f"  ratchet run {experiment} --until 07:00")


def _adopt(wanted: Adoption, as_json: bool) -> None:
    plan = plan_adoption(wanted)
    write_scaffold(wanted.folder, plan.files)
    names = sorted(str(path) for path in plan.files)
    if as_json:
        opened = {each.name: each.sentence for each in plan.opened}
        made = {"experiment": plan.experiment.as_posix(), "files": names}
        typer.echo(json_text({**made, "opened": opened, "closed": list(plan.notes)}, indent=2))
        return
    typer.echo(f"What a campaign may change ({len(plan.opened)}):")
    for each in plan.opened:
        typer.echo(f"  {each.sentence}")
    if plan.notes:
        typer.echo("\nSeen, and left closed:")
    for note in plan.notes:
        typer.echo(f"  {note}")
    typer.echo("")
    for name in names:
        typer.echo(f"made {name}")
    source = Path(os.path.relpath(wanted.source, wanted.folder))
    used = sorted({str(source / each.file) for each in plan.opened} | {str(plan.experiment)})
    typer.echo(f"\nRead {plan.experiment}/README.md and space.toml; take out what should stay. Then:")
    if wanted.folder != Path.cwd():
        typer.echo(f"  cd {shlex.quote(str(wanted.folder))}")
    typer.echo(f"  git add {shlex.join(used)} && git commit -m 'Files to optimize'")
    typer.echo(f"  ratchet run {plan.experiment} --dry-run    # what would be opened, and what it may cost")
    typer.echo(f"  ratchet run {plan.experiment}")


def _asked(ask: bool, question: str, default: str) -> str:
    return str(typer.prompt(question, default=default)) if ask else default
