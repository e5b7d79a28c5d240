"""Random proposals: one or two dimensions of the champion moved to another value."""

from __future__ import annotations

from dataclasses import dataclass, field

from optimizer.proposers.base import Situation
from optimizer.proposers.draws import Tried, drawn, finish, movable, seeded, shuffled_by_kind
from optimizer.records import Proposal


@dataclass(frozen=True, slots=True)
class RandomProposer:
    """Draws edits evenly over kinds of dimensions; knows the history only in order not to repeat it.

    ``two`` is the share of proposals that change two dimensions, 0 to 1; ``attempts`` how often to draw again when a
    draw was tried before or is not valid, before it gives up for now.
    """

    two: float = 0.3
    attempts: int = 60
    name: str = "random"
    _tried: Tried = field(default_factory=Tried, repr=False, compare=False)

    def propose(self, situation: Situation) -> Proposal | None:
        """One proposal, None when no untried edit was found in ``attempts`` draws."""
        rng = seeded(situation, self.name)
        names = movable(situation.space, situation.assignment)
        if not names:
            return None
        self._tried.update(situation.history)
        for attempt in range(self.attempts):
            # When most single changes are used up, more is changed at once.
            count = 1 + (rng.random() < self.two) + attempt // 20
            chosen = shuffled_by_kind(names, rng)[:count]
            changes = drawn(situation, chosen, rng)
            if proposal := finish(situation, changes, self._tried, self.name):
                return proposal
        return None
