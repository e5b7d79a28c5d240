"""Several proposals drawn for each experiment, of which the one that a cheap prediction likes best is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from optimizer.proposers.base import Proposer, Situation
from optimizer.proposers.draws import number_of
from optimizer.records import Proposal
from search_space.errors import SearchSpaceError

Predict = Callable[[Mapping[str, bytes], Mapping[str, bytes]], float | None]
"""What an edit that makes the second files of the first ones is predicted to gain; None where nothing can be said."""


@dataclass(frozen=True, slots=True)
class ScreenedProposer:
    """Asks ``inner`` up to ``candidates`` times. A first proposal of which nothing can be said passes untouched, and so
    does one that a person made."""

    inner: Proposer
    predict: Predict
    candidates: int
    name: str = "screened"

    def propose(self, situation: Situation) -> Proposal | None:
        """The proposal with the highest prediction, which it carries; the first of them among equals."""
        first = self.inner.propose(situation)
        if first is None or (gain := self._gain(first, situation)) is None:
            return first
        best, drawn, seen = (gain, first), 1, {_key(first)}
        for number in range(1, self.candidates):
            seed = number_of(situation.seed, situation.number, self.name, number)
            other = self.inner.propose(replace(situation, seed=seed % 2**48))
            if other is None or _key(other) in seen or (gain := self._gain(other, situation)) is None:
                continue
            seen.add(_key(other))
            drawn += 1
            if gain > best[0]:
                best = (gain, other)
        return replace(best[1], predicted=best[0], drawn=drawn)

    def _gain(self, proposal: Proposal, situation: Situation) -> float | None:
        if proposal.source or proposal.problem:
            return None
        try:
            return self.predict(situation.files, proposal.edit.apply(situation.files))
        except SearchSpaceError:
            return None  # what is wrong with it is found where every edit is applied


def _key(proposal: Proposal) -> str:
    return repr(sorted(proposal.changes.items())) if proposal.changes else proposal.edit.describe()
