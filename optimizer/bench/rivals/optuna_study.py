"""Optuna's TPE over the components, as its users drive it, with or without the pruner made for sets of tasks.

TPE models where in the space the better trials lie and where the others (Bergstra et al. 2011, "Algorithms for
hyper-parameter optimization", section 4). The baseline is enqueued as the first trial, as Optuna's tutorial advises
for values known by hand. The incumbent is the study's best trial.

``wilcoxon`` adds ``optuna.pruners.WilcoxonPruner`` in the way that its reference page shows: tasks in a fresh order in
each trial, each score reported under its task's number, and a pruned trial returning the mean of what it saw.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.bench.rivals.base import BudgetSpent, Finding, Metered
from optimizer.bench.rivals.record import Record, batch_size

if TYPE_CHECKING:
    from optuna.trial import Trial

STARTUP_STEPS = 14
"""Pairs that the Wilcoxon test needs before it may prune. Below 14 SciPy computes the exact null distribution, which
takes long on tied scores."""

P_THRESHOLD = 0.1
"""The pruner's default."""


@dataclass(frozen=True)
class OptunaStudy:
    """One trial is one run over ``tasks`` search tasks, drawn afresh for each trial (None: all of them)."""

    name: str
    tasks: int | None
    pruned: bool = False
    multivariate: bool = False

    @property
    def settings(self) -> Mapping[str, object]:
        shown: dict[str, object] = {
            "sampler": f"TPESampler(multivariate={self.multivariate})",
            "tasks a trial": "all search tasks" if self.tasks is None else self.tasks,
            "first trial": "the baseline",
        }
        if self.pruned:
            shown["pruner"] = f"WilcoxonPruner(p_threshold={P_THRESHOLD}, n_startup_steps={STARTUP_STEPS})"
        return shown

    def run(self, metered: Metered, *, seed: int) -> Finding:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sampler = optuna.samplers.TPESampler(seed=seed, multivariate=self.multivariate)
            pruner = (
                optuna.pruners.WilcoxonPruner(p_threshold=P_THRESHOLD, n_startup_steps=STARTUP_STEPS)
                if self.pruned
                else optuna.pruners.NopPruner()
            )
            study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
            objective = _Objective(Record(metered, seed=seed), self.tasks, seed)
            study.enqueue_trial(dict(objective.record.champion))
            try:
                study.optimize(objective)
            except BudgetSpent:
                return objective.record.finding()
        raise AssertionError("a study without a number of trials ends with the budget only")


class _Objective:
    """What a trial is: an assignment, run on its tasks, each score reported to the pruner."""

    def __init__(self, record: Record, tasks: int | None, seed: int) -> None:
        self.record, self._order = record, random.Random(f"order {seed}")
        self._size = batch_size(record.problem, tasks)

    def __call__(self, trial: Trial) -> float:
        record, problem = self.record, self.record.problem
        chosen = {name: trial.suggest_categorical(name, options) for name, options in problem.components.items()}
        value = self._run(trial, chosen)
        if trial.number == 0:
            record.start(value)
            return value
        record.offer(chosen)
        if value > record.best:
            record.keep(chosen, value)
        return value

    def _run(self, trial: Trial, chosen: Mapping[str, str]) -> float:
        search, scores = self.record.problem.search, list[float]()
        for place in self._order.sample(range(len(search)), self._size):
            scores.append(self.record.score(chosen, search[place]))
            trial.report(scores[-1], place)
            if trial.should_prune():
                break
        return sum(scores) / len(scores)


def tpe() -> OptunaStudy:
    """TPE alone."""
    return OptunaStudy("tpe", tasks=None)


def wilcoxon() -> OptunaStudy:
    """TPE with the Wilcoxon pruner."""
    return OptunaStudy("wilcoxon", tasks=None, pruned=True)
