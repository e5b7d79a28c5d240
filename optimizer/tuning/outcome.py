"""What a finished campaign says of a tuned prompt: scores of baseline and champion, with and without near-copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.datasets.splitting import Divided
from optimizer.home import Home
from optimizer.ledger.store import Ledger
from optimizer.records import Spend, Split
from optimizer.workspace.workspace import Workspace

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``report`` is the last look at the holdout, as the ledger has it; ``before`` and ``after`` the harnesses;
    ``scores`` those of both on the holdout by case (before, after). ``search_score`` is the search's own estimate.
    ``tokens`` are those of the champion's requests as the model counted them, by case, for the cases it was asked."""

    report: Figures
    before: Mapping[str, bytes]
    after: Mapping[str, bytes]
    scores: Mapping[str, tuple[float, float]]
    search_score: float | None
    tokens: Mapping[str, int]

    @property
    def changed(self) -> bool:
        """Whether anything was found."""
        return dict(self.before) != dict(self.after)


def outcome_of(home: Home, harness: str, divided: Divided) -> Outcome | None:
    """The outcome of the campaign at ``home``; None while the holdout was not measured."""
    with Ledger.open(home.folder, read_only=True) as ledger:
        reports, campaign = ledger.reports(), ledger.campaign
        if not reports:
            return None
        report = reports[-1].result
        workspace = Workspace.open(home.repository, harness, ref=home.ref)
        first, last = workspace.tree(campaign.baseline), str(report["champion_tree"])
        held = {case.id for case in divided.asked[Split.holdout]}
        pairs = ledger.rollouts.pairs(last, first)
        if first == last:
            scores = {pair.task: (pair.candidate[0], pair.candidate[0]) for pair in pairs if pair.task in held}
        else:
            scores = {
                pair.task: (_mean(pair.champion), _mean(pair.candidate))
                for pair in pairs
                if pair.task in held and pair.champion
            }
        costs = ledger.rollouts.costs("search", "exam", "final", "holdout").get(last, {})
        return Outcome(
            report,
            workspace.files(first),
            workspace.files(last),
            scores,
            report.get("search_estimate"),
            {task: _input(spend) for task, spend in costs.items()},
        )


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _input(spend: Spend) -> int:
    """Of one request: every rollout is one."""
    return (spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens) // max(1, spend.rollouts)
