"""What the history says of single options beside scores: which are suspect, and which number of a range was best."""

from __future__ import annotations

import random
from collections.abc import Sequence

from optimizer.proposers.base import Past, Situation
from optimizer.proposers.draws import begins_with
from optimizer.records import Verdict
from optimizer.terms import option
from search_space.space import Scalar, Space

BROKEN = frozenset({Verdict.crash, Verdict.timeout, Verdict.invalid, Verdict.checks_failed})
"""Verdicts that make the changed options suspects, as a clearly violated constraint does. A few rollouts that score 0
move a belief by little where the score is low anyway, and what was never run moves none."""


class Suspects:
    """Grown as the history grows, and nothing but a function of it."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._seen: list[Past] = []
        self._blame: dict[str, float] = {}
        self._cleared: dict[str, int] = {}
        self._best: dict[str, tuple[float, Scalar]] = {}

    def continues(self, situation: Situation) -> bool:
        """Whether the situation's history only adds to what was seen, in the same space."""
        return situation.space is self._space and begins_with(situation.history, self._seen)

    def update(self, history: Sequence[Past]) -> None:
        """Takes in what is new in ``history``."""
        known = set(self._space.names)
        for past in history[len(self._seen) :]:
            self._seen.append(past)
            changes = {name: value for name, value in past.changes.items() if name in known}
            for name, value in changes.items():
                self._add(past, option(name, self._space.domain(name), value), value, 1.0 / len(changes))

    def leave_out(self, rng: random.Random) -> frozenset[str]:
        """The options to leave out this time: always one that broke a variant by itself, in a third of all cases one of
        three that did; less often with each variant that could be measured with it."""
        return frozenset(
            term
            for term, blame in self._blame.items()
            if rng.random() < min(1.0, blame) / (1 + self._cleared.get(term, 0))
        )

    def best(self, term: str) -> Scalar:
        """The number in a part of a range whose variant was estimated best, None when there is none."""
        return self._best[term][1] if term in self._best else None

    def _add(self, past: Past, term: str, value: Scalar, share: float) -> None:
        if past.refused or past.verdict in BROKEN:
            self._blame[term] = self._blame.get(term, 0.0) + share
        elif past.value is not None:
            self._cleared[term] = self._cleared.get(term, 0) + 1
            if term not in self._best or past.value > self._best[term][0]:
                self._best[term] = (past.value, value)
