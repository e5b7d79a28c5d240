"""Rows as text and as a picture."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from optimizer.bench.comparing import Row
from optimizer.bench.intervals import NOTHING, Figure
from optimizer.bench.plot import draw
from optimizer.bench.table import COLUMNS, HEAD, caption, cells, rich_tables, settings_lines

FIGURES = {name: Figure(0.5, 0.25, 0.75) for _, name, *_ in COLUMNS}


def row(optimizer: str = "some", **figures: Figure) -> Row:
    settings = {"batch": 5, "prior": "uniform", "tasks": None}
    return Row("rich", optimizer, 20, 1000, 3000, settings, [], {**FIGURES, **figures})


def test_gains_are_in_points_and_shares_in_percent() -> None:
    told = dict(zip(HEAD, cells(row(false_share=NOTHING, keeps=Figure(3.0, None, None))), strict=True))
    assert told["optimizer"] == "some"
    assert told["true gain"] == "+50.0 (+25.0 to +75.0)"
    assert told["power"] == "50% (25 to 75)"
    assert told["false"] == "-" and told["keeps"] == "3.0"
    assert told["own ms a candidate"] == "0.50 (0.25 to 0.75)"


def test_what_the_rows_have_in_common_and_the_settings_of_each_optimizer_are_told_once() -> None:
    assert caption(row()) == "rich: 3,000 rollouts a campaign, seeds 1000 to 1019; 95% intervals over seeds"
    assert settings_lines([row(), row(), row("other")]) == [
        "some: batch = 5, prior = uniform, tasks = null",
        "other: batch = 5, prior = uniform, tasks = null",
    ]


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_same_rows_make_the_same_picture(tmp_path: Path, suffix: str) -> None:
    rows = [row(), row("other", claimed_minus_true=NOTHING, false_share=NOTHING)]
    for name in ("one", "two"):
        draw(rows, tmp_path / f"{name}{suffix}")
    one, two = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
    assert one == two
    draw([row(), row("other", true_gain=Figure(0.1, 0.0, 0.2))], tmp_path / f"two{suffix}")
    assert one != (tmp_path / f"two{suffix}").read_bytes()


def test_a_terminal_of_a_hundred_columns_shows_every_figure_whole() -> None:
    from rich.console import Console

    screen = Console(width=100, file=io.StringIO(), record=True)
    for table in rich_tables([row(), row("greedy-rerun", false_share=NOTHING)]):
        screen.print(table)
    shown = screen.export_text()
    for text in ("+50.0", "+25.0..+75.0", "greedy-rerun", "0.25..0.75", *(heading for heading, *_ in COLUMNS)):
        assert text in shown
    assert "…" not in shown
