"""GEPA by its own ``gepa.optimize``, with an adapter that runs examples on the meter (Agrawal et al. 2025,
"GEPA: Reflective prompt evolution can outperform reinforcement learning", arXiv 2507.19457).

A candidate maps each component to its option. There is no language model here to reflect, so the adapter's
``propose_new_texts``, GEPA's own hook for that, answers with another option of the component at random. The example
scores that a reflection model would read are handed over all the same, and say nothing of which option to take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from optimizer.bench.problems.base import Problem
from optimizer.bench.rivals.base import BudgetSpent, Finding, Metered
from optimizer.bench.rivals.edits import Edits
from optimizer.bench.rivals.record import Record

if TYPE_CHECKING:
    from gepa.core.adapter import EvaluationBatch, ProposalFn
    from gepa.core.callbacks import GEPACallback, MergeAttemptedEvent, ValsetEvaluatedEvent


@dataclass(frozen=True)
class Gepa:
    """``minibatch``: training examples a proposal is tried on before it meets the validation set. ``split``: the search
    tasks in two halves, or all of them as both sets. ``merge``: two candidates of the Pareto front may be merged."""

    minibatch: int = 3
    split: bool = True
    selection: Literal["pareto", "current_best", "epsilon_greedy"] = "pareto"
    merge: bool = True
    skip_perfect: bool = True
    name: str = "gepa"

    @property
    def settings(self) -> Mapping[str, object]:
        return {
            "train / validation": "halves of the search tasks" if self.split else "all search tasks as both",
            "reflection_minibatch_size": self.minibatch,
            "candidate_selection_strategy": self.selection,
            "use_merge": self.merge,
            "skip_perfect_score": self.skip_perfect,
            "proposer": "another option of the component, at random",
        }

    def run(self, metered: Metered, *, seed: int) -> Finding:
        from gepa.api import optimize

        record = Record(metered, seed=seed)
        adapter = _Adapter(record, Edits(metered.problem, seed=seed))
        train, validation = self._sets(metered.problem)
        # GEPA looks at its budget between iterations, so the last one may be cut short.
        with suppress(BudgetSpent):
            optimize(
                seed_candidate=dict(record.champion),
                trainset=train,
                valset=validation,
                adapter=adapter,
                candidate_selection_strategy=self.selection,
                reflection_minibatch_size=min(self.minibatch, len(train)),
                skip_perfect_score=self.skip_perfect,
                use_merge=self.merge,
                max_metric_calls=metered.left,
                stop_callbacks=[lambda _: adapter.ended],
                logger=_Silent(),
                callbacks=[cast("GEPACallback", _Incumbents(record))],
                track_best_outputs=False,
                seed=seed,
            )
        return record.finding()

    def _sets(self, problem: Problem) -> tuple[list[str], list[str]]:
        search = list(problem.search)
        return (search[::2], search[1::2]) if self.split and len(search) > 1 else (search, search)


class _Adapter:
    """GEPA's one point of contact with a system: run a candidate on examples, say what happened, propose texts."""

    def __init__(self, record: Record, edits: Edits) -> None:
        self._record, self._edits = record, edits
        self.ended = False
        self.propose_new_texts: ProposalFn | None = self._propose

    def evaluate(
        self, batch: list[str], candidate: dict[str, str], capture_traces: bool = False
    ) -> EvaluationBatch[str, float]:
        from gepa.core.adapter import EvaluationBatch

        scores = self._record.scores(candidate, batch)
        return EvaluationBatch(outputs=scores, scores=scores, trajectories=batch if capture_traces else None)

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: EvaluationBatch[str, float], components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        tasks = eval_batch.trajectories or []
        seen = [{"Inputs": task, "Feedback": score} for task, score in zip(tasks, eval_batch.scores, strict=True)]
        return dict.fromkeys(components_to_update, seen)

    def _propose(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        if self._record.problem.stream:
            changed = self._edits.next(candidate)
        else:
            changed = candidate
            for component in components_to_update:
                changed = self._edits.changed(changed, component)
        if changed is None:
            self.ended = True
            return {}
        self._record.offer(changed)
        return {name: option for name, option in changed.items() if option != candidate[name]}


class _Incumbents:
    """GEPA's best candidate is the one with the highest mean on the validation set. A merge is an offer, too."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def on_merge_attempted(self, event: MergeAttemptedEvent) -> None:
        self._record.offer(event["merged_candidate"])

    def on_valset_evaluated(self, event: ValsetEvaluatedEvent) -> None:
        if event["candidate_idx"] == 0:
            self._record.start(event["average_score"])
        elif event["average_score"] > self._record.best:
            self._record.keep(event["candidate"], event["average_score"])


class _Silent:
    def log(self, message: str) -> None:
        """GEPA would print it."""
