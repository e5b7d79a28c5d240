"""From rollouts to evidence: the seeds they run with, and what they gave, by task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TypeVar

from optimizer.records import Evaluation, Rollout, Spend

V = TypeVar("V")


def rollout_seed(campaign_seed: int, task: str, repeat: int) -> int:
    """The seed of a rollout: the same for every variant, so that the k-th rollouts of two on a task are a pair."""
    return int.from_bytes(sha256(f"{campaign_seed}|{task}|{repeat}".encode()).digest()[:6], "big")


def gathered(evaluation: Evaluation, candidate: Sequence[Rollout], champion: Sequence[Rollout]) -> Evaluation:
    """``evaluation`` with the rollouts of both sides added, in order."""
    return Evaluation(
        with_scores(evaluation.candidate, candidate),
        with_scores(evaluation.champion, champion),
        sum((rollout.spend for rollout in (*candidate, *champion)), evaluation.spend),
        _with_costs(evaluation.candidate_costs, candidate),
        _with_costs(evaluation.champion_costs, champion),
    )


def with_scores(scores: Mapping[str, tuple[float, ...]], rollouts: Sequence[Rollout]) -> dict[str, tuple[float, ...]]:
    """``scores`` by task with those of ``rollouts`` added, in order."""
    return _merged(scores, ((rollout.key.task, rollout.score) for rollout in rollouts))


def _with_costs(costs: Mapping[str, tuple[Spend, ...]], rollouts: Sequence[Rollout]) -> dict[str, tuple[Spend, ...]]:
    return _merged(costs, ((rollout.key.task, rollout.spend) for rollout in rollouts))


def _merged(values: Mapping[str, tuple[V, ...]], more: Iterable[tuple[str, V]]) -> dict[str, tuple[V, ...]]:
    merged = dict(values)
    for task, value in more:
        merged[task] = (*merged.get(task, ()), value)
    return merged
