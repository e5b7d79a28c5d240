"""Many optimizers on many problems, seed by seed, in worker processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context

from optimizer.bench.intervals import Figure
from optimizer.bench.measuring import Measured, figures, run_one
from optimizer.bench.roster import problem_of, rival_of


@dataclass(frozen=True)
class Comparison:
    """What to compare: names of problems and optimizers, ``seeds`` campaigns each, from ``seed_base`` on; ``budget`` in
    rollouts a campaign, each problem's own when None."""

    problems: Sequence[str]
    optimizers: Sequence[str]
    seeds: int = 20
    seed_base: int = 1000
    budget: int | None = None


@dataclass(frozen=True)
class Row:
    """One optimizer on one problem. ``budget`` is in rollouts a campaign."""

    problem: str
    optimizer: str
    seeds: int
    seed_base: int
    budget: int
    settings: Mapping[str, object]
    campaigns: Sequence[Measured]
    figures: Mapping[str, Figure]

    def to_json(self) -> dict[str, object]:
        """Plain values: one line of ``ratchet bench --json``."""
        told = {name: figure.to_json() for name, figure in self.figures.items()}
        return {
            "problem": self.problem,
            "optimizer": self.optimizer,
            "seeds": self.seeds,
            "seed_base": self.seed_base,
            "budget": self.budget,
            **told,
            "settings": dict(self.settings),
        }


def compare(wanted: Comparison, *, workers: int | None = None) -> Iterator[Row]:
    """A row for each problem and optimizer, in the order asked for, each as soon as its campaigns are done.

    ``workers`` processes (as many as there are cores when None) run one campaign at a time; the rows do not depend on
    their number. Raises SettingsError for an unknown name or a missing package, before anything runs.
    """
    settings = {name: dict(rival_of(name).settings) for name in wanted.optimizers}
    budgets = {name: wanted.budget or _budget_of(name, wanted.seed_base) for name in wanted.problems}
    seeds = range(wanted.seed_base, wanted.seed_base + wanted.seeds)
    pairs = [(problem, optimizer) for problem in wanted.problems for optimizer in wanted.optimizers]
    # Spawned, since a process that has threads must not be forked; and what they print is no part of what is asked for.
    with ProcessPoolExecutor(
        workers or _cores(), mp_context=get_context("spawn"), initializer=_print_to_stderr
    ) as pool:
        try:
            jobs = {pair: [pool.submit(_campaign, *pair, seed, budgets[pair[0]]) for seed in seeds] for pair in pairs}
            for problem, optimizer in pairs:
                found = [job.result() for job in jobs[problem, optimizer]]
                yield Row(
                    problem=problem,
                    optimizer=optimizer,
                    seeds=wanted.seeds,
                    seed_base=wanted.seed_base,
                    budget=budgets[problem],
                    settings=settings[optimizer],
                    campaigns=found,
                    figures=figures(found),
                )
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _budget_of(problem: str, seed: int) -> int:
    with closing(problem_of(problem, seed)) as instance:
        return instance.budget


def _campaign(problem: str, optimizer: str, seed: int, budget: int) -> Measured:
    with closing(problem_of(problem, seed)) as instance:
        return run_one(instance, rival_of(optimizer), budget)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _print_to_stderr() -> None:
    os.dup2(2, 1)
