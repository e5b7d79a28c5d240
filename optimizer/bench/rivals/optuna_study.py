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
from optimizer.bench.rivals.record import Record, batch_size, batch_words

if TYPE_CHECKING:
    from optuna.trial import Trial

STARTUP_STEPS = 14
"""Pairs that the Wilcoxon test needs before it may prune. Below 14 SciPy computes the exact null distribution, which
takes long on tied scores."""

P_THRESHOLD = 0.1
"""The pruner's default."""


@dataclass(frozen=True)
class OptunaStudy:
    """One trial is one run over search tasks drawn afresh for it: all of them, or with ``trials`` as many as leave the
    budget that many trials."""

    name: str
    trials: int | None
    pruned: bool = False
    multivariate: bool = True

    @property
    def settings(self) -> Mapping[str, object]:
        shown: dict[str, object] = {
            "sampler": f"TPESampler(multivariate={self.multivariate})",
            "tasks a trial": batch_words(self.trials),
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
            record = Record(metered, seed=seed)
            objective = _Objective(record, batch_size(metered, self.trials), seed, pruned=self.pruned)
            study.enqueue_trial(dict(record.champion))
            try:
                study.optimize(objective)
            except BudgetSpent:
                return record.finding()
        raise AssertionError("a study without a number of trials ends with the budget only")


class _Objective:
    """What a trial is: an assignment, run on its tasks, with each score reported when there is a pruner."""

    def __init__(self, record: Record, size: int, seed: int, *, pruned: bool) -> None:
        self._record, self._size, self._pruned = record, size, pruned
        self._order = random.Random(f"order {seed}")

    def __call__(self, trial: Trial) -> float:
        record, components = self._record, self._record.problem.components
        chosen = {name: trial.suggest_categorical(name, options) for name, options in components.items()}
        value = self._run(trial, chosen)
        if trial.number == 0:
            record.start(value)
            return value
        record.offer(chosen)
        if value > record.best:
            record.keep(chosen, value)
        return value

    def _run(self, trial: Trial, chosen: Mapping[str, str]) -> float:
        search = self._record.problem.search
        places = self._order.sample(range(len(search)), self._size)
        if not self._pruned:
            return self._record.mean(chosen, [search[place] for place in places])
        scores: list[float] = []
        for place in places:
            scores.append(self._record.score(chosen, search[place]))
            trial.report(scores[-1], place)
            if trial.should_prune():
                break
        return sum(scores) / len(scores)


def tpe() -> OptunaStudy:
    """TPE alone. Optuna's table of samplers gives 100 to 1,000 trials as what TPE is for."""
    return OptunaStudy("tpe", trials=150)


def wilcoxon() -> OptunaStudy:
    """TPE with the Wilcoxon pruner, which needs the same tasks in every trial and saves what it can itself."""
    return OptunaStudy("wilcoxon", trials=None, pruned=True)
