"""A comparison as a picture: what was gained beside what was claimed, and how many of the keeps were none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.bench.comparing import Row
from optimizer.bench.intervals import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
TRUE, CLAIMED, FALSE, HARMFUL = "#1f5fa8", "#c8501e", "#b9b9b9", "#c8501e"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the picture of all ``rows`` to ``path``, in the format of its suffix (one of ``FORMATS``): for each problem
    a pair of panels, in the order of the rows. The same rows make the same file."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Picture

    problems = [list(group) for _, group in groupby(rows, key=lambda row: (row.problem, row.budget))]
    heights = [len(group) + 1.6 for group in problems]
    with rc_context(
        {
            "svg.hashsalt": "ratchet",
            "svg.fonttype": "none",
            "font.size": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    ):
        picture = Picture(figsize=(9, 0.3 * sum(heights) + 0.8), layout="constrained")
        FigureCanvasAgg(picture)
        axes: Any = picture.subplots(len(problems), 2, squeeze=False, gridspec_kw={"height_ratios": heights})
        for (gains, shares), group in zip(axes, problems, strict=True):
            _gains(gains, group)
            _shares(shares, group)
        for axis, place in zip(axes[0], (2, 2), strict=True):
            axis.legend(loc="lower left", bbox_to_anchor=(0, 1.12), ncols=place, frameon=False)
        picture.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else {})


def _gains(axis: Axes, rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        true, over = row.figures["true_gain"], row.figures["claimed_minus_true"]
        _point(axis, place - 0.12, true, 0.0, TRUE, "o", "true gain" if not place else "")
        if true.mean is not None and over.mean is not None:
            _point(axis, place + 0.12, over, true.mean, CLAIMED, "D", "claimed" if not place else "")
    axis.axvline(0, color="#888888", linewidth=0.6)
    _names(axis, rows)
    axis.set_title(f"{rows[0].problem}, {rows[0].budget:,} rollouts: gain, points", loc="left", fontsize=8)


def _point(axis: Axes, place: float, figure: Figure, shift: float, colour: str, marker: str, label: str) -> None:
    if figure.mean is None:
        return
    middle = 100 * (figure.mean + shift)
    axis.plot([middle], [place], marker=marker, markersize=4, color=colour, linestyle="none", label=label or None)
    if figure.low is not None and figure.high is not None:
        axis.plot([100 * (figure.low + shift), 100 * (figure.high + shift)], [place, place], color=colour, linewidth=1)


def _shares(axis: Axes, rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        for name, colour, label in (
            ("false_share", FALSE, "does nothing"),
            ("harmful_share", HARMFUL, "harms"),
        ):
            share = row.figures[name].mean
            axis.barh([place], [100 * (share or 0.0)], color=colour, height=0.6, label=None if place else label)
    axis.set_xlim(0, 100)
    _names(axis, rows)
    axis.set_title("of the keeps, %", loc="left", fontsize=8)


def _names(axis: Axes, rows: Sequence[Row]) -> None:
    axis.set_yticks(range(len(rows)), [row.optimizer for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
