"""What a pruning found, for people and programs: each change of the champion, what it does, and whether it stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from optimizer.ledger.rows import Pruning
from optimizer.reports.words import count, interval, points, short, some

NOTE = (
    "Believed from every rollout of the campaign with the change and without, on search tasks: no claim. Pays: the "
    "probability that a change is worth having."
)


def pruning_json(pruning: Pruning | None, ref: str) -> dict[str, Any] | None:
    """A pruning as JSON, effects as fractions of the scale; ``ref`` is the finalized branch. None when there was none.

    ``stays`` and ``left_out`` list the changes: units, what, experiments, effect, low, high, pays, and for what stays
    its commit on the finalized branch."""
    if pruning is None:
        return None
    result = {name: value for name, value in pruning.result.items() if name != "last_attempt"}
    return {"number": pruning.number, "ref": ref, "tip": pruning.final, "champion": pruning.champion, **result}


def pruning_table(pruning: Pruning, ref: str) -> RenderableType:
    """The changes, the best first; those left out below."""
    stays, gone = pruning.result["stays"], pruning.result["left_out"]
    title = f"Pruned: {some(len(stays), 'change')} on {ref.removeprefix('refs/heads/')}, {len(gone)} left out"
    table = Table(box=None, padding=(0, 1), title=title, title_justify="left", expand=True)
    table.add_column("commit")
    for name in ("points", "95% interval", "pays"):
        table.add_column(name, justify="right")
    table.add_column("what", ratio=1)
    for one in (*stays, *gone):
        where, style = (one["commit"][:9], "") if "commit" in one else ("left out", "dim")
        span = interval(one["low"], one["high"])
        table.add_row(where, points(one["effect"]), span, f"{one['pays']:.2f}", short(one["what"], 160), style=style)
    found = pruning.result
    note = (
        f"Together {points(found['gain'])} points over the baseline, 95% interval "
        f"{interval(found['low'], found['high'])}. {NOTE} {count(found['rollouts'])} rollouts of "
        f"{some(found['variants'], 'harness', 'harnesses')} with some of them left out at random."
    )
    return Group(table, Text(note, style="dim"))


def fate(number: int, pruning: Pruning | None) -> str:
    """What became of the change of one experiment; empty where the pruning had nothing to say of it."""
    told = []
    for one in _of(number, pruning.result["stays"] if pruning else ()):
        told.append(f"stays, {_figures(one)}, commit {one['commit'][:12]} of the finalized branch: {one['what']}")
    for one in _of(number, pruning.result["left_out"] if pruning else ()):
        told.append(f"left out at the end, {_figures(one)}: {one['what']}")
    return "; ".join(told)


def _of(number: int, pieces: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in pieces if number in one["experiments"]]


def _figures(one: Mapping[str, Any]) -> str:
    return f"{points(one['effect'])} points, 95% interval {interval(one['low'], one['high'])}, pays {one['pays']:.2f}"
