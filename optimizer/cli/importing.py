"""``ratchet import``: other agents' transcripts into one file that replay can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.options import AsJson, console
from optimizer.reports.json_text import json_text

if TYPE_CHECKING:
    from optimizer.transcripts.importing import Imported

SHOWN = 10


def import_(
    files: Annotated[list[Path], typer.Argument(help="Files of transcripts, or folders of them.", show_default=False)],
    to: Annotated[Path, typer.Option("--to", help="The file to write; gzip when it ends in .gz.")] = Path(
        "transcripts.jsonl.gz"
    ),
    format: Annotated[
        str | None, typer.Option("--format", help="claude-code, chat, swe-agent, trajectory or ratchet; found out.")
    ] = None,
    workload: Annotated[str, typer.Option("--workload", help="The kind of work, in place of what files say.")] = "",
    mask: Annotated[bool, typer.Option("--mask/--no-mask", help="Mask personal data and secrets.")] = True,
    as_json: AsJson = False,
) -> None:
    """Read transcripts of Claude Code, OpenAI-style chats, SWE-agent or the reference agent into one masked file."""
    from optimizer.transcripts.importing import import_files

    found = import_files(files, to, wanted=format, workload=workload, mask=mask)
    if as_json:
        typer.echo(json_text(_told(found, to)))
    else:
        _print(found, to, mask)


def _told(found: Imported, to: Path) -> Mapping[str, Any]:
    return {
        "file": str(to),
        "transcripts": found.transcripts,
        "steps": found.steps,
        "messages": found.messages,
        "workloads": dict(sorted(found.workloads.items())),
        "formats": dict(sorted(found.formats.items())),
        "masked": dict(sorted(found.masked.items())),
        "problems": [{"where": problem.where, "what": problem.what} for problem in found.problems],
        "more_problems": found.more_problems,
        "left_out": found.left_out,
    }


def _print(found: Imported, to: Path, mask: bool) -> None:
    screen = console()
    screen.print(f"{to}: {found.transcripts:,} transcripts, {found.steps:,} steps", markup=False)
    screen.print(f"workloads: {_counted(found.workloads)}", markup=False)
    masked = _counted(found.masked) if found.masked else "nothing found"
    screen.print(
        f"masked: {masked if mask else 'no (--no-mask)'}. Names of people have no form and stay.", markup=False
    )
    problems = len(found.problems) + found.more_problems
    if problems:
        screen.print(f"{problems:,} places could not be taken as they are:", markup=False)
        for problem in found.problems[:SHOWN]:
            screen.print(f"  {problem}", markup=False)
        if problems > SHOWN:
            screen.print(f"  and {problems - SHOWN:,} more (--json lists them)", markup=False)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )
