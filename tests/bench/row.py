"""A row of edits with known effects, decided one after the other by the gate's own functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.acceptance.constraints import Costs
from optimizer.acceptance.objective import Objective, decide
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import WorkingSettings
from optimizer.acceptance.working import plan, settle, shuffled
from optimizer.bench.problems.base import Assignment, baseline_of
from optimizer.bench.problems.scarce import Scarce
from optimizer.records import Decision, Evaluation, Verdict


@dataclass(frozen=True)
class Step:
    """One edit decided: the rollouts of both sides, and the true scores without and with it."""

    decision: Decision
    rollouts: int
    before: float
    after: float


class Row:
    """The edits of a stream, in order, without exams and to the last one. ``simplicity`` is what is said of each: 1 for
    a simplification, else 0."""

    def __init__(self, problem: Scarce, settings: WorkingSettings, simplicity: int = 0) -> None:
        self.problem, self.settings, self.simplicity = problem, settings, simplicity
        self.champion, self.pool = baseline_of(problem), Pool()

    def steps(self, *, shared: bool = True) -> list[Step]:
        """All of them; simplifications with one margin for all (``shared``), or a whole one for each."""
        found, conceded = [], 0.0
        for number, edit in enumerate(self.problem.components):
            candidate = {**self.champion, edit: "on"}
            order = shuffled(self.problem.search, candidate=str(number), seed=self.problem.seed)
            evaluation, decision = self._decided(candidate, order, conceded if shared else 0.0)
            before, after = self.problem.truth(self.champion), self.problem.truth(candidate)
            rollouts = sum(map(len, (*evaluation.candidate.values(), *evaluation.champion.values())))
            found.append(Step(decision, rollouts, before, after))
            self.pool = settle(self.pool, evaluation, decision, self.settings)
            if decision.verdict is Verdict.keep:
                self.champion, conceded = candidate, conceded + decision.conceded
        return found

    def _decided(self, candidate: Assignment, order: Sequence[str], conceded: float) -> tuple[Evaluation, Decision]:
        evaluation, doubted = Evaluation({}, {}), False
        while True:
            ask = plan(self.pool, evaluation, self.settings, order)
            evaluation = Evaluation(
                self._run(evaluation.candidate, candidate, ask.candidate),
                self._run(evaluation.champion, self.champion, ask.champion),
            )
            answer = decide(
                self.pool,
                evaluation,
                self.settings,
                order,
                Objective(),
                baseline=Costs(),
                simplicity=self.simplicity,
                conceded=conceded,
                doubted=doubted,
                last=not ask,
            )
            doubted = answer.doubted
            if answer.decision is not None:
                return evaluation, answer.decision

    def _run(
        self, had: Mapping[str, tuple[float, ...]], harness: Assignment, wanted: Sequence[tuple[str, int]]
    ) -> dict[str, tuple[float, ...]]:
        grown = dict(had)
        for task, repeat in wanted:
            grown[task] = (*grown.get(task, ()), self.problem.score(harness, task, repeat))
        return grown
