"""``ratchet replay``: compaction strategies on recorded conversations, without a model."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.options import AsJson, console
from optimizer.errors import RatchetError, SettingsError
from optimizer.reports.json_text import json_text

SHOWN = 5


def replay(
    files: Annotated[list[Path], typer.Argument(help="Files of transcripts, or folders of them.", show_default=False)],
    strategy: Annotated[
        list[str] | None,
        typer.Option("--strategy", help="Only this one; NAME or NAME:key=value,key=value. May be given several times."),
    ] = None,
    context_tokens: Annotated[
        int | None,
        typer.Option("--context-tokens", help="What is sent must fit in; half the median transcript.", min=100),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score compaction strategies on what agents did: what later steps still see, and what sending it costs."""
    from optimizer.replay.comparing import SILENT, compare, names_of
    from optimizer.replay.loading import load, usual_limit
    from optimizer.replay.rendering import built_in, configuration
    from optimizer.replay.tables import rows
    from optimizer.reports.replay import replay_json, replay_table, replay_words, workload_table

    notes: list[str] = []
    configs = {name: configuration(name) for name in names_of(strategy or [])}
    if any(config.strategy == "plugin" for config in configs.values()):
        raise SettingsError(
            "--strategy: got plugin, expected a shipped strategy", hint="a suite of kind 'replay' takes a harness's own"
        )
    with load(files, lambda where, what: notes.append(f"{where}: {what}")) as transcripts:
        limit = context_tokens or usual_limit(transcripts)
        found = compare(transcripts, {name: partial(built_in, config, limit) for name, config in configs.items()})
    count = len(found.batches)
    if not count:
        told = "; ".join(notes[:SHOWN])
        raise RatchetError(f"got no usable transcript: {told}", hint="'ratchet import' says what is wrong with a file")
    shown = [row for name in configs for row in rows(name, found.scores[name])]
    if as_json:
        told_json = replay_json(shown, found.all_batches, SILENT, limit=limit, transcripts=count)
        typer.echo(json_text({**told_json, "problems": notes}))
        return
    screen = console()
    for table in filter(None, (replay_table(shown), workload_table(shown))):
        screen.print(table)
        screen.print()
    for line in replay_words(shown, found.all_batches, SILENT, limit=limit, transcripts=count):
        screen.print(line, markup=False)
    for note in notes[:SHOWN]:
        screen.print(f"note: {note}", markup=False)
    if len(notes) > SHOWN:
        screen.print(f"note: and {len(notes) - SHOWN:,} more places (--json lists them)", markup=False)
