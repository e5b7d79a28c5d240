"""The scores of many transcripts together, by workload, each share with a 95% interval.

Steps of one transcript are alike, and so are transcripts of one workload. So an interval is that of resampling whole
transcripts (within one workload), or whole workloads and then their transcripts (over several): the percentile cluster
bootstrap (Cameron, Gelbach and Miller 2008, "Bootstrap-based improvements for inference with clustered errors").
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.replay.scoring import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 1000
LEAST = 2
"""Of fewer transcripts nothing can be said of others."""


@dataclass(frozen=True, slots=True)
class Share:
    """A ratio of two sums with its interval; ``low`` and ``high`` are None where too few transcripts have it."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy on one workload, or on ``""``: all of them. ``kept`` is the share of at-risk steps that see all that
    they use; ``cost`` what it costs to send, ``cost_with_rereads`` with looking up again what was lost, both as shares
    of sending everything; ``rereads`` a hundred steps."""

    strategy: str
    workload: str
    transcripts: int
    steps: int
    at_risk: int
    compacted: float
    kept: Share
    cost: Share
    cost_with_rereads: Share
    rereads: float


def rows(strategy: str, scores: Sequence[Score]) -> list[Row]:
    """A row for all, then one for each workload by name."""
    workloads = sorted({score.workload for score in scores})
    found = [_row(strategy, "", scores)]
    if len(workloads) > 1:
        found += [_row(strategy, name, [score for score in scores if score.workload == name]) for name in workloads]
    return found


def _row(strategy: str, workload: str, scores: Sequence[Score]) -> Row:
    steps = sum(score.steps for score in scores)

    def share(over: Callable[[Score], float], under: Callable[[Score], float]) -> Share:
        return _share([(over(s), under(s)) for s in scores], [s.workload for s in scores], f"{strategy}|{workload}")

    return Row(
        strategy,
        workload,
        len(scores),
        steps,
        sum(score.at_risk for score in scores),
        sum(score.compacted for score in scores) / max(1, steps),
        share(lambda s: s.at_risk_kept, lambda s: s.at_risk),
        share(lambda s: s.cost, lambda s: s.full_cost),
        share(lambda s: s.cost + s.reread_cost, lambda s: s.full_cost),
        100 * sum(score.rereads for score in scores) / max(1, steps),
    )


def _share(pairs: Sequence[tuple[float, float]], workloads: Sequence[str], name: str) -> Share:
    import numpy as np

    told = [(pair, workload) for pair, workload in zip(pairs, workloads, strict=True) if pair[1] > 0]
    if not told:
        return Share(None)
    values = np.array([pair for pair, _ in told])
    over, under = values.sum(axis=0)
    if len(told) < LEAST:
        return Share(float(over / under))
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    groups = [np.array([i for i, (_, own) in enumerate(told) if own == each]) for each in sorted({w for _, w in told})]
    drawn = []
    for _ in range(DRAWS):
        over_one, under_one = values[_resampled(groups, random)].sum(axis=0)
        drawn.append(over_one / under_one)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Share(float(over / under), float(low), float(high))


def _resampled(groups: Sequence[NDArray[np.int64]], random: np.random.Generator) -> NDArray[np.int64]:
    import numpy as np

    chosen = random.integers(0, len(groups), len(groups)) if len(groups) > 1 else [0]
    return np.concatenate([random.choice(groups[each], len(groups[each])) for each in chosen])
