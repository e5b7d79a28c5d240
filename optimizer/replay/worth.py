"""What a transcript's score is worth, as one number."""

from __future__ import annotations

from optimizer.replay.scoring import Score
from optimizer.settings.replay import ReplayWeights

DEAREST = 2.0
"""A cost of so many times that of sending everything, or more, is worth nothing."""


def worth(score: Score, weights: ReplayWeights) -> float:
    """The weighted mean, in [0, 1], of the share of at-risk steps kept (1 where no step is at risk) and of ``1 - cost /
    2``, the cost as a share of sending everything."""
    kept = score.at_risk_kept / score.at_risk if score.at_risk else 1.0
    cheap = min(1.0, max(0.0, 1.0 - score.cost / (DEAREST * score.full_cost))) if score.full_cost else 1.0
    return (weights.kept * kept + weights.cost * cheap) / (weights.kept + weights.cost)
