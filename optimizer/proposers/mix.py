"""Several proposers as one: a weighted choice for each experiment, falling through when one has nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.proposers.base import Proposer, Situation
from optimizer.proposers.draws import number_of
from optimizer.records import Proposal


@dataclass(frozen=True, slots=True)
class MixProposer:
    """``parts`` are proposers with weights above zero; those of ``first`` are asked before any choice, in order.

    A person's proposals belong in ``first``: they should not wait for a lucky draw.
    """

    parts: Sequence[tuple[Proposer, float]]
    first: Sequence[Proposer] = ()
    name: str = "mix"

    def __post_init__(self) -> None:
        for proposer, weight in self.parts:
            if not (weight > 0 and math.isfinite(weight)):
                raise ValueError(f"weight of {proposer.name}: got {weight!r}, expected a number above 0")
        if not self.parts and not self.first:
            raise ValueError("got no proposer, expected at least one")

    def propose(self, situation: Situation) -> Proposal | None:
        """The proposal of the first that has one, in an order that the seed and the number decide."""
        for proposer in [*self.first, *self._order(situation)]:
            if proposal := proposer.propose(situation):
                return proposal
        return None

    def _order(self, situation: Situation) -> list[Proposer]:
        # Exponential keys draw without replacement in proportion to the weights (Efraimidis & Spirakis 2006).
        keyed = []
        for place, (proposer, weight) in enumerate(self.parts):
            chance = (number_of(situation.seed, situation.number, self.name, place) + 0.5) / 2.0**64
            keyed.append((-math.log(chance) / weight, place, proposer))
        return [proposer for _, _, proposer in sorted(keyed, key=lambda entry: entry[:2])]
