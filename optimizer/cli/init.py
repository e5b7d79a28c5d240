"""``ratchet init``: a harness and an experiment to start from, in the repository that a person stands in."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.scaffold import Scaffold, plan_scaffold, write_scaffold
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
    rollouts: Annotated[int | None, typer.Option(help="Budget of rollouts.", min=1)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; take the flags and the defaults.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the files made as JSON.")] = False,
) -> None:
    """Make a harness and an experiment to start from. Asks on a terminal; nothing that exists is changed."""
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


def _asked(ask: bool, question: str, default: str) -> str:
    return str(typer.prompt(question, default=default)) if ask else default
