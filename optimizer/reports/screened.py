"""How well the cheap look before an experiment predicted what the dear one found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from optimizer.ledger.rows import ExperimentRow

LEAST = 5
"""Of fewer pairs no correlation is told."""


@dataclass(frozen=True, slots=True)
class Screening:
    """``screened`` experiments carried a prediction, made among ``drawn`` proposals; ``pairs`` of them were measured.
    ``spearman`` is the rank correlation of predicted and measured effects with its 95% interval, None where the pairs
    are too few or all alike."""

    screened: int
    drawn: int
    pairs: int
    spearman: float | None = None
    low: float | None = None
    high: float | None = None


def screening_of(rows: Iterable[ExperimentRow]) -> Screening | None:
    """What the experiments say; None when none was screened."""
    screened = drawn = 0
    pairs: list[tuple[float, float]] = []
    for row in rows:
        if row.proposal.predicted is not None:
            screened, drawn = screened + 1, drawn + row.proposal.drawn
            if row.decision is not None and row.decision.raw_effect is not None:
                pairs.append((row.proposal.predicted, row.decision.raw_effect))
    if not screened:
        return None
    found = Screening(screened, drawn, len(pairs))
    if len(pairs) < LEAST:
        return found
    value = _spearman([one for one, _ in pairs], [other for _, other in pairs])
    if value is None:
        return found
    low, high = _interval(value, len(pairs))
    return Screening(found.screened, found.drawn, found.pairs, value, low, high)


def screening_json(screening: Screening | None) -> dict[str, Any] | None:
    """As JSON; null when nothing was screened."""
    return None if screening is None else asdict(screening)


def screening_line(screening: Screening | None) -> str:
    """In a sentence; empty when nothing was screened."""
    if screening is None:
        return ""
    told = f"Screened by replay: {screening.drawn} proposals for {screening.screened} experiments; "
    if screening.spearman is None or screening.low is None or screening.high is None:
        return f"{told}{screening.pairs} of them were measured, too few to say how well replay predicted."
    judged = "says nothing certain" if screening.low <= 0 <= screening.high else "predicted"
    return (
        f"{told}it {judged}: rank correlation with what {screening.pairs} live experiments measured "
        f"{screening.spearman:+.2f}, 95% interval {screening.low:+.2f} to {screening.high:+.2f}. Replay is silent on "
        "prompt wording, tools and limits."
    )


def _spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Pearson's correlation of the ranks, ties sharing their mean rank."""
    first, second = _ranks(one), _ranks(other)
    mean = (len(one) + 1) / 2
    over = sum((a - mean) * (b - mean) for a, b in zip(first, second, strict=True))
    under = math.sqrt(sum((a - mean) ** 2 for a in first) * sum((b - mean) ** 2 for b in second))
    return over / under if under else None


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {value: ordered.index(value) for value in set(values)}
    return [first[value] + (ordered.count(value) + 1) / 2 for value in values]


def _interval(value: float, pairs: int) -> tuple[float, float]:
    """Fisher's z with the standard error of Bonett and Wright (2000), ``sqrt((1 + r^2 / 2) / (n - 3))``."""
    middle = math.atanh(max(-0.999999, min(0.999999, value)))
    wide = 1.959964 * math.sqrt((1 + value**2 / 2) / (pairs - 3))
    return math.tanh(middle - wide), math.tanh(middle + wide)
