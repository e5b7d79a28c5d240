"""What an optimizer of the bench is: it runs on a meter, and says what it found."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from optimizer.bench.problems.base import Assignment, Keys, Problem, check_options


class BudgetSpent(Exception):
    """No rollout is left."""


class Metered:
    """The only road to a score: counts every rollout of one optimizer on one problem and refuses those beyond the
    budget and those on holdout tasks.

    ``repeats`` are rollouts of an assignment on a task on which it had been run before; ``evaluation_s`` is the time
    spent in rollouts, by the clock.
    """

    def __init__(self, problem: Problem, budget: int) -> None:
        """``budget`` is in rollouts, zero or more."""
        self.problem, self.budget = problem, budget
        self.spent, self.repeats, self.evaluation_s = 0, 0, 0.0
        self._allowed = frozenset(problem.search) | frozenset(problem.certify)
        self._key = Keys(problem)
        self._seen: dict[tuple[str, ...], set[str]] = {}

    @property
    def left(self) -> int:
        """Rollouts that may still be asked for."""
        return self.budget - self.spent

    def score(self, assignment: Assignment, task: str, seed: int) -> float:
        """One rollout of ``assignment`` on a task of ``search`` or ``certify``; in [0, 1]. Raises :class:`BudgetSpent`
        when none is left, ValueError for a task or an assignment that is not the problem's to give."""
        if self.spent >= self.budget:
            raise BudgetSpent(f"all {self.budget} rollouts are spent")
        if task not in self._allowed:
            raise ValueError(f"task {task!r} is neither a search nor a certify task of problem {self.problem.name}")
        began = time.perf_counter()
        key = self._key(assignment)
        seen = self._seen.get(key)
        if seen is None:
            check_options(self.problem, assignment)
            seen = self._seen[key] = set()
        score = self.problem.score(assignment, task, seed)
        self.spent += 1
        self.repeats += task in seen
        seen.add(task)
        self.evaluation_s += time.perf_counter() - began
        return score


@dataclass(frozen=True)
class Finding:
    """What an optimizer hands over at the end of one campaign.

    ``chain``: the baseline, then every champion kept, in order, as they stand on the branch that is handed over.
    ``champion``: what is handed over and claimed. ``claimed``: the gain over the baseline that the optimizer itself
    reports, as a fraction; None when it claims none. ``certified``: whether it says that the champion is proven better
    (an optimizer without such a notion: ``claimed > 0``). ``working``: the best of the search before pruning; None when
    that is the champion. ``offered``: (champion then, candidate) of every candidate tried. ``candidates``: how many
    were tried. ``own_s``: seconds of its own work, evaluations not counted.
    """

    chain: tuple[Assignment, ...]
    champion: Assignment
    claimed: float | None
    certified: bool
    working: Assignment | None
    offered: tuple[tuple[Assignment, Assignment], ...]
    candidates: int
    own_s: float


class Rival(Protocol):
    """An optimizer. ``settings`` are shown in the tables."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, object]: ...

    def run(self, metered: Metered, *, seed: int) -> Finding:
        """One campaign on ``metered``, until its budget ends or nothing is left to do. All chance comes from ``seed``.
        :class:`BudgetSpent` never leaves it."""
        ...
