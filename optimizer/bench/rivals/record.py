"""What a peer has seen in one campaign: the account that all peers of the bench keep in the same way.

A peer believes its own recorded scores. Its champion is whatever scored best in its record, its chain is the series of
those, and the gain that it reports is the best recorded score less the baseline's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from optimizer.bench.problems.base import Assignment, baseline_of
from optimizer.bench.rivals.base import BudgetSpent, Finding, Metered

SEEDS_A_CAMPAIGN = 10_000_000
"""Room for the rollouts of one campaign: seeds of different campaigns never meet."""


class Record:
    """The incumbents, the candidates offered and the time of one campaign. The clock of a peer's own work starts here,
    so make one after the imports."""

    def __init__(self, metered: Metered, *, seed: int) -> None:
        self.metered, self.problem = metered, metered.problem
        self._first_seed = seed * SEEDS_A_CAMPAIGN
        self._chain: list[Assignment] = []
        self._offered: list[tuple[Assignment, Assignment]] = []
        self._baseline_score = self.best = 0.0
        self._began, self._evaluated_s = time.perf_counter(), metered.evaluation_s

    @property
    def started(self) -> bool:
        """Whether the baseline has a recorded score."""
        return bool(self._chain)

    @property
    def champion(self) -> Assignment:
        """The incumbent; the baseline before anything was kept."""
        return self._chain[-1] if self._chain else baseline_of(self.problem)

    def score(self, assignment: Assignment, task: str) -> float:
        """One rollout with a seed of its own. Raises BudgetSpent."""
        return self.metered.score(assignment, task, self._first_seed + self.metered.spent)

    def scores(self, assignment: Assignment, tasks: Sequence[str]) -> list[float]:
        """One run over ``tasks``. Raises BudgetSpent, with nothing spent, when the budget would end within it."""
        if self.metered.left < len(tasks):
            raise BudgetSpent(f"{self.metered.left} rollouts are left, a run over {len(tasks)} tasks was asked for")
        return [self.score(assignment, task) for task in tasks]

    def mean(self, assignment: Assignment, tasks: Sequence[str]) -> float:
        """The mean score of one run over ``tasks``. Raises BudgetSpent as ``scores`` does."""
        return sum(self.scores(assignment, tasks)) / len(tasks)

    def start(self, score: float) -> None:
        """The baseline's recorded score."""
        self._chain = [baseline_of(self.problem)]
        self._baseline_score = self.best = score

    def offer(self, candidate: Assignment) -> None:
        """A candidate that the peer tries against its present champion."""
        self._offered.append((self.champion, dict(candidate)))

    def keep(self, candidate: Assignment, score: float) -> None:
        """The candidate is the champion from here on, with this recorded score."""
        self._chain.append(dict(candidate))
        self.best = score

    def finding(self) -> Finding:
        """What the peer hands over: its last champion, with the gain that its own record shows."""
        claimed = self.best - self._baseline_score
        elapsed = time.perf_counter() - self._began
        return Finding(
            chain=tuple(self._chain) or (self.champion,),
            champion=self.champion,
            claimed=claimed,
            certified=claimed > 0,
            working=None,
            offered=tuple(self._offered),
            candidates=len(self._offered),
            own_s=elapsed - (self.metered.evaluation_s - self._evaluated_s),
        )


FEWEST_TASKS = 10
"""A run over fewer tasks says next to nothing, whatever the budget."""


def batch_size(metered: Metered, runs: int | None) -> int:
    """How many search tasks one run is over: as many as leave the budget ``runs`` runs, at least ten; all of them for
    None, and when there are fewer."""
    tasks = len(metered.problem.search)
    return tasks if runs is None else min(tasks, max(FEWEST_TASKS, metered.left // runs))


def batch_words(runs: int | None) -> str:
    """The same for a table of settings."""
    return "all search tasks" if runs is None else f"as many as leave {runs} runs, {FEWEST_TASKS} to all"
