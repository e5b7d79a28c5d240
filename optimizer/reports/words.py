"""How figures and decisions are put into words and colours, the same everywhere."""

from __future__ import annotations

from optimizer.records import Verdict

STYLES = {
    Verdict.keep: "bold green",
    Verdict.discard: "dim",
    Verdict.crash: "red",
    Verdict.timeout: "red",
    Verdict.invalid: "yellow",
    Verdict.checks_failed: "yellow",
    Verdict.over_budget: "yellow",
}
"""How a decision is shown on a terminal."""


def points(fraction: float | None, *, signed: bool = True) -> str:
    """A score or a gain in points (hundredths of the scale): ``+7.1``; ``-`` when there is none."""
    if fraction is None:
        return "-"
    return f"{100 * fraction:+.1f}" if signed else f"{100 * fraction:.1f}"


def interval(low: float | None, high: float | None) -> str:
    """An interval of gains in points: ``+2.0 to +12.4``, cut where no gain can be: beyond the whole scale."""
    return "-" if low is None or high is None else f"{points(max(low, -1.0))} to {points(min(high, 1.0))}"


def span(low: float | None, high: float | None) -> str:
    """An interval of a score in points: ``38.0 to 46.1``, cut at the scale's ends."""
    if low is None or high is None:
        return "-"
    return f"{points(max(low, 0.0), signed=False)} to {points(min(high, 1.0), signed=False)}"


def duration(seconds: float | None) -> str:
    """Seconds as ``41 s``, ``3:07`` (minutes) or ``2:05:09`` (hours)."""
    if seconds is None:
        return "-"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def count(number: float) -> str:
    """A count with thousands apart: ``1,240``; from a million on ``3.40 M``."""
    if number >= 1e9:
        return f"{number / 1e9:.2f} G"
    if number >= 1e6:
        return f"{number / 1e6:.2f} M"
    return f"{number:,.0f}"


def some(number: int, what: str, many: str = "") -> str:
    """``1 experiment``, ``2 experiments``; ``many`` where that is no plain ``s``."""
    return f"{count(number)} {what if number == 1 else many or f'{what}s'}"


def short(text: str, width: int) -> str:
    """``text`` on one line, cut to ``width`` characters with an ellipsis."""
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 1].rstrip() + "…"
