"""Random search: assignments drawn uniformly, each run once over the search tasks; the best recorded score wins."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.bench.rivals.base import BudgetSpent, Finding, Metered
from optimizer.bench.rivals.record import Record


@dataclass(frozen=True)
class Uniform:
    """The floor: whatever an optimizer gains beyond this, it gains by thinking."""

    name: str = "random"

    @property
    def settings(self) -> Mapping[str, object]:
        return {"tasks a run": "all search tasks", "draws": "uniform, every component at once"}

    def run(self, metered: Metered, *, seed: int) -> Finding:
        record, draws = Record(metered, seed=seed), random.Random(f"uniform {seed}")
        components, search = metered.problem.components, metered.problem.search
        try:
            record.start(record.mean(record.champion, search))
            while True:
                candidate = {name: draws.choice(options) for name, options in components.items()}
                score = record.mean(candidate, search)
                record.offer(candidate)
                if score > record.best:
                    record.keep(candidate, score)
        except BudgetSpent:
            return record.finding()
