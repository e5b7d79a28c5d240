"""The rows of a comparison as text: points and percent, each with its interval."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from optimizer.bench.comparing import Row
from optimizer.bench.intervals import Figure

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = (
    ("true gain", "true_gain", 100, "+.1f", ""),
    ("claimed minus true", "claimed_minus_true", 100, "+.1f", ""),
    ("working gain", "working_gain", 100, "+.1f", ""),
    ("gain kept", "gain_kept", 100, ".0f", "%"),
    ("keeps", "keeps", 1, ".1f", ""),
    ("false", "false_share", 100, ".0f", "%"),
    ("harmful", "harmful_share", 100, ".0f", "%"),
    ("certified", "certified_share", 100, ".0f", "%"),
    ("wrong", "wrong_share", 100, ".0f", "%"),
    ("power", "power", 100, ".0f", "%"),
    ("rollouts a candidate", "rollouts_per_candidate", 1, ".0f", ""),
    ("repeats", "repeats", 1, ".0f", ""),
    ("own ms a candidate", "own_ms_per_candidate", 1, ".2f", ""),
)
"""Heading, figure, factor, format and unit. Gains are in points, hundredths of the scale."""

HALF = 7
"""Columns of the first half in a terminal: what is handed over; the second one says how it was found."""

HEAD = ("optimizer", *[heading for heading, *_ in COLUMNS])


def cells(row: Row) -> list[str]:
    """The texts of one row, in the order of ``HEAD``: ``+52.1 (+50.0 to +54.2)``, or ``-`` for what there is none
    of."""
    return [row.optimizer, *[_told(row.figures[name], factor, form, unit) for _, name, factor, form, unit in COLUMNS]]


def caption(row: Row) -> str:
    """What the rows of a problem have in common."""
    last = row.seed_base + row.seeds - 1
    return (
        f"{row.problem}: {row.budget:,} rollouts a campaign, seeds {row.seed_base} to {last}; 95% intervals over seeds"
    )


def settings_lines(rows: Iterable[Row]) -> list[str]:
    """``name: setting = value, ...`` of each optimizer that has any, once."""
    told = {row.optimizer: row.settings for row in rows if row.settings}
    return [
        f"{name}: {', '.join(f'{key} = {_plain(value)}' for key, value in one.items())}" for name, one in told.items()
    ]


def rich_tables(rows: Sequence[Row]) -> list[Table]:
    """The rows of one problem for a terminal of 100 columns: in two halves, an interval below its figure."""
    from rich.table import Table

    halves = []
    for columns in (COLUMNS[:HALF], COLUMNS[HALF:]):
        table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False)
        table.add_column("optimizer", no_wrap=True)
        for heading, *_ in columns:
            table.add_column(heading, justify="right", vertical="top")
        for row in rows:
            told = [_told(row.figures[name], factor, form, unit) for _, name, factor, form, unit in columns]
            table.add_row(row.optimizer, *[_stacked(text) for text in told])
        halves.append(table)
    return halves


def _stacked(text: str) -> str:
    figure, _, interval = text.partition(" (")
    return f"{figure}\n[dim]{interval.rstrip(')').replace(' to ', '..')}[/]"


def _told(figure: Figure, factor: int, form: str, unit: str) -> str:
    if figure.mean is None:
        return "-"
    mean = f"{factor * figure.mean:{form}}{unit}"
    if figure.low is None or figure.high is None:
        return mean
    return f"{mean} ({factor * figure.low:{form}} to {factor * figure.high:{form}})"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
