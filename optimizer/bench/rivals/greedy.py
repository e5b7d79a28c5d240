"""The rule of autoresearch: change one thing, run it once, keep it when the number is better than the recorded one.

Taken from the loop that autoresearch's program.md prescribes: the metric of one run against that of the commit it
stands on; better is kept, equal or worse is reset. With ``rerun`` the incumbent is measured again beside each
candidate, which is what people do who have noticed that the recorded score is partly luck.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.bench.rivals.base import BudgetSpent, Finding, Metered
from optimizer.bench.rivals.edits import Edits
from optimizer.bench.rivals.record import Record


@dataclass(frozen=True)
class Greedy:
    """One edit to the champion, one run over the search tasks, kept when above the champion's score."""

    rerun: bool = False

    @property
    def name(self) -> str:
        return "greedy-rerun" if self.rerun else "greedy"

    @property
    def settings(self) -> Mapping[str, object]:
        against = "the incumbent's score, measured again each time" if self.rerun else "the incumbent's recorded score"
        return {"tasks a run": "all search tasks", "keep": f"above {against}"}

    def run(self, metered: Metered, *, seed: int) -> Finding:
        record, edits = Record(metered, seed=seed), Edits(metered.problem, seed=seed)
        try:
            record.start(record.mean(record.champion, metered.problem.search))
            while (candidate := edits.next(record.champion)) is not None:
                self._try(candidate, record)
        except BudgetSpent:
            pass
        return record.finding()

    def _try(self, candidate: Mapping[str, str], record: Record) -> None:
        search = record.problem.search
        bar = record.mean(record.champion, search) if self.rerun else record.best
        score = record.mean(candidate, search)
        record.offer(candidate)
        if score > bar:
            record.keep(candidate, score)


def greedy() -> Greedy:
    """Against the recorded score."""
    return Greedy()


def greedy_rerun() -> Greedy:
    """Against the incumbent measured again."""
    return Greedy(rerun=True)
