"""Beliefs to propose from, without a gate."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Believing:
    """Believes that terms add what ``adds`` says, give or take ``sd``, and all others ``other``."""

    adds: Mapping[str, float] = field(default_factory=dict)
    sd: float = 0.0
    other: float = 0.0

    def draws(self, terms: Sequence[str], seed: int) -> Iterator[Mapping[str, float]]:
        assert len(set(terms)) == len(terms) and "" not in terms
        rng = random.Random(seed)
        while True:
            yield {term: rng.gauss(self.adds.get(term, self.other), self.sd) for term in terms}
