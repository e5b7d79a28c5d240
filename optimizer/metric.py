"""A metric in its own unit, and how it maps onto the score's scale of 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIGURES = 4
"""Significant figures of the metric's range that are told."""


@dataclass(frozen=True, slots=True)
class Metric:
    """``worst`` maps onto the score 0 and ``best`` onto 1, straight in between; what lies beyond them counts as they
    do. ``worst`` is above ``best`` where less is better. Both are in the metric's own unit."""

    name: str
    worst: float
    best: float

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Metric | None:
        """The metric of a campaign, from the settings that its ledger keeps; None where a score is all there is."""
        suite = settings.get("suite", {})
        if not {"metric", "worst", "best"} <= suite.keys():
            return None
        return cls(suite["metric"], suite["worst"], suite["best"])

    @property
    def maximized(self) -> bool:
        """Whether more is better."""
        return self.best > self.worst

    def score(self, value: float) -> float:
        """The score of a value, in [0, 1]."""
        return min(1.0, max(0.0, (value - self.worst) / (self.best - self.worst)))

    def value(self, score: float) -> float:
        """The value that has this score."""
        return self.worst + score * (self.best - self.worst)

    def change(self, effect: float) -> float:
        """A difference of scores in the metric's unit; below 0 is better where less is."""
        return effect * (self.best - self.worst)

    def told(self, score: float | None) -> str:
        """A score as a value of the metric: ``3.042``; ``-`` when there is none."""
        return "-" if score is None else self._figures(self.value(score), "")

    def told_change(self, effect: float | None) -> str:
        """A gain as a change of the metric: ``-0.142``; ``-`` when there is none."""
        return "-" if effect is None else self._figures(self.change(effect), "+")

    def told_span(self, low: float | None, high: float | None, *, change: bool = False) -> str:
        """An interval of scores (of gains, with ``change``) in the metric's unit, the smaller figure first."""
        if low is None or high is None:
            return "-"
        tell = self.told_change if change else self.told
        ends = (low, high) if self.maximized else (high, low)
        return " to ".join(tell(end) for end in ends)

    def _figures(self, value: float, sign: str) -> str:
        """With as many decimals as the range has need of."""
        size, decimals = abs(self.best - self.worst), 0
        while size * 10**decimals < 10 ** (FIGURES - 1) and decimals < 12:
            decimals += 1
        return f"{value:{sign},.{decimals}f}"
