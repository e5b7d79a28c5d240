"""What simplifications cost: edits that only take away and do nothing, or harm, against known truth.

First alone: one edit of a known effect on a fresh champion, in the scarce world (tasks that pass by chance), and how it
is decided; beside it what the score alone decides. Then in a row: 40 such edits one after the other, each on the
champion that the last one left, and no exam between them; with the margin that all of them share, and with a whole
margin for each. ``simplify`` takes 200 edits alone and 20 rows of each kind; ``simplify:20`` a tenth of both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.acceptance.constraints import Costs
from optimizer.acceptance.objective import Objective, decide
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import PRESETS, WorkingSettings
from optimizer.acceptance.working import plan, settle, shuffled
from optimizer.bench.problems.base import Assignment, baseline_of
from optimizer.bench.problems.chances import Sizes
from optimizer.bench.problems.scarce import Scarce, ScarceWorld
from optimizer.records import Decision, Evaluation, Verdict
from tests.bench.tables import table

ALONE, ROW = 200, 40
WORLDS = (("fast", 50), ("fast", 200), ("careful", 200))
EFFECTS = (0.0, -0.01, -0.03, -0.06)
"""True effects on the task population, as fractions of the scale."""


def report(options: str = "") -> str:
    alone = int(options or ALONE)
    rows = max(1, alone // 10)
    head = (
        "preset",
        "search tasks",
        "true effect",
        "kept, by the score alone",
        "kept as better",
        "as a simplification",
    )
    return "\n\n".join(
        [
            table(
                (*head, "rollouts an edit, by the score alone", "rollouts an edit"),
                [_alone(preset, tasks, effect, alone) for preset, tasks in WORLDS for effect in EFFECTS],
            ),
            table(
                ("search tasks", "true effect", "margin", "kept as a simplification", "true loss by them", "worst row"),
                [
                    _row(tasks, effect, shared, rows)
                    for tasks in (50, 200)
                    for effect in EFFECTS[1:3]
                    for shared in (1, 0)
                ],
            ),
        ]
    )


def _alone(preset: str, tasks: int, effect: float, seeds: int) -> Sequence[str]:
    """One edit each, of so many seeds."""
    settings = PRESETS[preset].working
    plain, steps = (
        [_Row(_problem(seed, effect, 1, tasks), settings, simplicity).steps()[0] for seed in range(seeds)]
        for simplicity in (0, 1)
    )
    simpler = sum(step.decision.simplification for step in steps)
    return (
        preset,
        str(tasks),
        f"{100 * effect:+.0f}",
        _share(_kept(plain), seeds),
        _share(_kept(steps) - simpler, seeds),
        _share(simpler, seeds),
        *(f"{sum(step.rollouts for step in each) / seeds:.0f}" for each in (plain, steps)),
    )


def _row(tasks: int, effect: float, shared: int, rows: int) -> Sequence[str]:
    """Rows of edits; what those that were kept for being simpler have really cost, on the task population."""
    losses, kept = [], 0
    for seed in range(rows):
        row = _Row(_problem(seed, effect, ROW, tasks), PRESETS["fast"].working, 1)
        simpler = [step for step in row.steps(shared=bool(shared)) if step.decision.simplification]
        losses.append(math.fsum(step.before - step.after for step in simpler))
        kept += len(simpler)
    return (
        str(tasks),
        f"{100 * effect:+.0f}",
        "one for all" if shared else "one for each",
        f"{kept / rows:.1f} of {ROW}",
        f"{100 * math.fsum(losses) / rows:.1f}",
        f"{100 * max(losses):.1f}",
    )


def _problem(seed: int, effect: float, edits: int, tasks: int) -> Scarce:
    return Scarce(
        seed,
        ScarceWorld(
            edits=edits,
            helpful=0.0,
            harmful=1.0 if effect else 0.0,
            tiny_sd=0.0,
            loss_low=-effect,
            loss_high=-effect,
            sizes=Sizes(search=tasks, certify=20, holdout=100, population=1_000),
        ),
    )


@dataclass(frozen=True)
class _Step:
    """One edit decided: the rollouts of both sides, and the true scores without and with it."""

    decision: Decision
    rollouts: int
    before: float
    after: float


class _Row:
    """Edits one after the other by the gate's own functions, each a simplification where ``simplicity`` is 1."""

    def __init__(self, problem: Scarce, settings: WorkingSettings, simplicity: int) -> None:
        self.problem, self.settings, self.simplicity = problem, settings, simplicity
        self.champion, self.pool = baseline_of(problem), Pool()

    def steps(self, *, shared: bool = True) -> list[_Step]:
        """All of them; with one margin for all (``shared``), or a whole one for each."""
        found, conceded = [], 0.0
        order = shuffled(self.problem.search, champion="0", seed=self.problem.seed)
        for number, edit in enumerate(self.problem.components):
            candidate = {**self.champion, edit: "on"}
            evaluation, decision = self._decided(candidate, order, conceded if shared else 0.0)
            before, after = self.problem.truth(self.champion), self.problem.truth(candidate)
            rollouts = sum(map(len, (*evaluation.candidate.values(), *evaluation.champion.values())))
            found.append(_Step(decision, rollouts, before, after))
            self.pool = settle(self.pool, evaluation, decision, self.settings)
            if decision.verdict is Verdict.keep:
                self.champion, conceded = candidate, conceded + decision.conceded
                order = shuffled(self.problem.search, champion=str(number + 1), seed=self.problem.seed)
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


def _kept(steps: Sequence[_Step]) -> int:
    return sum(step.decision.verdict is Verdict.keep for step in steps)


def _share(some: int, seeds: int) -> str:
    return f"{some / seeds:.0%}"
