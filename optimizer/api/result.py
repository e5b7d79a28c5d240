"""What an optimization came to: the best candidate, what is claimed of it, and everything that was tried."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.api.calling import Scale
from optimizer.campaign import Campaign
from optimizer.events import CampaignEnded
from optimizer.ledger.rows import ExperimentRow
from optimizer.records import Verdict
from optimizer.reports.sentence import sentence
from optimizer.reports.words import some
from optimizer.standing import Standing

SHOWN = 3
"""So many pieces of feedback are kept of an experiment: those of its worst rollouts."""


@dataclass(frozen=True, slots=True)
class Score:
    """A mean in the evaluator's unit with its 95% interval; a single task has none, and its ends are not finite."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Gain(Score):
    """The best candidate's mean less the seed candidate's, over the same holdout tasks (paired). Where less is better a
    gain is negative."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One experiment. ``changes`` are the components that it changed against the best candidate then; ``verdict`` is
    keep, discard, crash, ...; ``effect`` what the search believes of it, in the evaluator's unit (None where it was not
    measured): an estimate, no claim. ``feedback`` is what the evaluator said of its worst calls."""

    number: int
    candidate: Mapping[str, Any]
    changes: Mapping[str, Any]
    hypothesis: str
    verdict: str
    effect: float | None
    calls: int
    sentence: str
    feedback: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Optimized:
    """The outcome, in the evaluator's unit.

    ``best_candidate`` passed an exam on examples that the search never saw, if ``certified``; otherwise it is the best
    that the search knows, of which nothing is claimed. ``seed_score``, ``best_score`` and ``gain`` were measured on the
    holdout, on which nothing was decided; None when that was not reached. ``finished`` is False when it was stopped:
    the same call with the same ``run_dir`` goes on. ``ended`` says why it ended, ``remarks`` what else should be known.
    ``calls`` are the evaluator's, in this sitting and those before. ``run_dir`` is a git repository: each keep is a
    commit on the branch ``ratchet/<name>``, and ``ratchet log --in run_dir`` shows more.
    """

    best_candidate: dict[str, Any]
    certified: bool
    seed_score: Score | None
    best_score: Score | None
    gain: Gain | None
    history: tuple[Tried, ...]
    calls: int
    finished: bool
    ended: str
    remarks: tuple[str, ...]
    run_dir: Path | None

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        kept = sum(tried.verdict == Verdict.keep for tried in self.history)
        effort = f"{some(len(self.history), 'experiment')}, {kept} kept, {some(self.calls, 'call')}"
        if self.gain is None or self.seed_score is None or self.best_score is None:
            return f"not measured on a holdout ({self.ended}); {effort}"
        sure = "certified" if self.certified else "not certified"
        return (
            f"{sure}: {_figure(self.seed_score.mean)} -> {_figure(self.best_score.mean)} on the holdout, "
            f"a difference of {self.gain.mean:+.4g} (95% interval {self.gain.low:+.4g} to {self.gain.high:+.4g}); "
            f"{effort}"
        )


def result_of(
    campaign: Campaign,
    ended: CampaignEnded,
    scale: Scale,
    whole: Callable[[Mapping[str, Any]], dict[str, Any]],
    remarks: tuple[str, ...],
    run_dir: Path | None,
) -> Optimized:
    """Read the outcome from an open campaign; ``whole(assignment)`` is the candidate for what the space reads."""
    parts = campaign.parts
    standing = Standing.from_json(parts.ledger.gate() or Standing.at_baseline(campaign.baseline, "").to_json())
    look = next((report.result for report in reversed(parts.ledger.reports())), None)
    tree = standing.certified_tree if standing.passed else standing.tree
    if look is not None and look["champion_tree"] != tree:
        look = None  # measured before the last keeps
    return Optimized(
        best_candidate=whole(parts.space.read(parts.workspace.files(tree))),
        certified=bool(standing.passed),
        seed_score=None if look is None else _score(look["baseline"], scale),
        best_score=None if look is None else _score(look["champion"], scale),
        gain=None if look is None else _gain(look["difference"], scale),
        history=tuple(_tried(row, campaign, scale, whole) for row in parts.ledger.experiments()),
        calls=sum(spend.rollouts for spend in parts.ledger.rollouts.spent().values()),
        finished=ended.finished,
        ended=ended.why,
        remarks=remarks,
        run_dir=run_dir,
    )


def _tried(
    row: ExperimentRow, campaign: Campaign, scale: Scale, whole: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Tried:
    decision = row.decision
    ran = campaign.parts.ledger.rollouts.of_experiment(row.number)
    told = sorted((one.rollout.score, one.rollout.reason) for one in ran if one.rollout.reason)
    effect = None if decision is None or decision.effect is None else scale.gain(decision.effect)
    return Tried(
        number=row.number,
        candidate=whole(row.assignment),
        changes=dict(row.proposal.changes),
        hypothesis=row.proposal.hypothesis,
        verdict="under way" if decision is None else decision.verdict.value,
        effect=effect,
        calls=row.spend.rollouts,
        sentence="under way" if decision is None else sentence(decision, row.seconds),
        feedback=tuple(dict.fromkeys(reason for _, reason in told))[:SHOWN],
    )


def _score(value: Mapping[str, float | None], scale: Scale) -> Score:
    ends = sorted((scale.value(_end(value["low"], 0.0)), scale.value(_end(value["high"], 1.0))))
    return Score(scale.value(_end(value["mean"], math.nan)), *ends)


def _gain(value: Mapping[str, float | None], scale: Scale) -> Gain:
    ends = sorted((scale.gain(_end(value["low"], -math.inf)), scale.gain(_end(value["high"], math.inf))))
    return Gain(scale.gain(_end(value["mean"], math.nan)), *ends)


def _end(value: float | None, otherwise: float) -> float:
    """Infinities are None in the ledger."""
    return otherwise if value is None else value


def _figure(value: float) -> str:
    return f"{value:.4g}"
