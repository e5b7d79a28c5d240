"""One change at a time, in order: each other value of each dimension is tried once a round.

The plainest search there is (one factor at a time: Czitrom 1999, "One-factor-at-a-time versus designed experiments",
The American Statistician 53:2), and the one to take when somebody has written down a list of edits and wants each of
them looked at. What is kept stays on for those after it. When all were tried a new round begins: the champion is
another one by now, so that each change not in it is a new variant, and so is each change taken out of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from optimizer.proposers.base import Past, Situation
from optimizer.proposers.draws import Tried, at, finish, same_value, size
from optimizer.records import Proposal
from search_space.domains import Choice, Domain
from search_space.space import Scalar, Space


@dataclass(frozen=True, slots=True)
class SweepProposer:
    """Tries each value of each dimension but the champion's own, in declared order. A range is tried at ``levels``
    values, both ends among them, evenly spaced on its own scale. ``seed`` shuffles the order of all changes, the same
    way in every round; ``rounds`` is the most rounds that are begun, None for as many as offer something new.

    Where it stands is known from the history's ``source``: what is kept between asks only saves time.
    """

    levels: int = 5
    seed: int | None = None
    rounds: int | None = None
    name: str = "sweep"
    _tried: Tried = field(default_factory=Tried, repr=False, compare=False)
    _listed: list[tuple[Space, list[tuple[str, Scalar]]]] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.levels < 2:
            raise ValueError(f"levels: got {self.levels}, expected 2 or more")

    def propose(self, situation: Situation) -> Proposal | None:
        """The next change in order; None when a whole round has nothing that was not tried."""
        self._tried.update(situation.history)
        now, changes = situation.assignment, self._changes(situation.space)
        active = set(situation.space.active(now))
        for number, place in self._ahead(situation.history, len(changes)):
            name, value = changes[place]
            if name not in active or (name in now and same_value(now[name], value)):
                continue
            if self._tried.variant({**now, name: value}):
                continue
            source = f"{self.name}:{number}:{place}"
            if proposal := finish(situation, {name: value}, self._tried, self.name, source=source):
                return proposal
        return None

    def _changes(self, space: Space) -> list[tuple[str, Scalar]]:
        """All of them, in order; listed once for a space."""
        if not self._listed or self._listed[0][0] is not space:
            self._listed[:] = [(space, self._ordered(space))]
        return self._listed[0][1]

    def _ordered(self, space: Space) -> list[tuple[str, Scalar]]:
        changes = [(name, value) for name in space.names for value in _values(space.domain(name), self.levels)]
        if self.seed is not None:
            random.Random(self.seed).shuffle(changes)
        return changes

    def _ahead(self, history: Sequence[Past], count: int) -> Iterator[tuple[int, int]]:
        """The rest of the round that is under way, then the next one: (round, place)."""
        reached = next((past.source for past in reversed(history) if past.source.startswith(f"{self.name}:")), "")
        number, place = map(int, reached.split(":")[1:]) if reached else (1, -1)
        rest, another = ((number, each) for each in range(place + 1, count)), number + 1
        if self.rounds is not None and another > self.rounds:
            return rest
        return chain(rest, ((another, each) for each in range(count)))


def _values(domain: Domain, levels: int) -> list[Scalar]:
    """All values of a choice or a short range, else ``levels`` of them."""
    if isinstance(domain, Choice):
        return list(domain.values)
    count = int(min(levels, size(domain)))
    values: list[Scalar] = []
    for value in (at(domain, step / max(1, count - 1)) for step in range(count)):
        if not any(same_value(value, known) for known in values):
            values.append(value)
    return values
