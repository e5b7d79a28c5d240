"""Draws from what the gate believes of options, and the edit that would be best if the draw were the truth.

Thompson sampling (Thompson 1933, Biometrika 25:285; Russo et al. 2018, "A tutorial on Thompson sampling", sections 3
and 4): what is known to be bad is hardly tried again; what is hardly known, or may still be better, is tried as often
as it may be the best. The draw is joint, so that a gain that two options were only ever seen to make together is not
believed of both. A near-miss comes up again by itself once the champion is another one: what was learnt of it stays.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from optimizer.proposers.base import Situation
from optimizer.proposers.draws import Tried, at, finish, movable, same_value, seeded, share_of, shuffled_by_kind
from optimizer.proposers.random import RandomProposer
from optimizer.proposers.suspects import Suspects
from optimizer.records import Proposal
from optimizer.terms import LEVELS, is_cut, option, part
from search_space.domains import Choice, Domain, FloatRange
from search_space.space import Assignment, Scalar, Space

NEARBY = 1 / (2 * LEVELS)
"""How far a small move of a number goes at most: half of a part of its range."""

Draw = Mapping[str, float]


@dataclass(slots=True)
class ThompsonProposer:
    """Edits of the champion that a draw from the situation's beliefs says are best; random ones without beliefs.

    ``most`` is how many dimensions are changed at once, ``attempts`` how often to draw again when a draw agrees with
    the champion or was tried, before it falls back to a random edit.
    """

    most: int = 6
    attempts: int = 12
    name: str = "thompson"
    _tried: Tried = field(default_factory=Tried, repr=False, compare=False)
    _suspects: Suspects | None = field(default=None, repr=False, compare=False)
    _options: tuple[Space, Assignment, Options] | None = field(default=None, repr=False, compare=False)
    _random: RandomProposer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError(f"most: got {self.most}, expected 1 or more")
        self._random = RandomProposer(name=self.name)

    def propose(self, situation: Situation) -> Proposal | None:
        """One proposal, None when no untried edit was found."""
        names = movable(situation.space, situation.assignment)
        if names and situation.beliefs is not None:
            rng = seeded(situation, self.name)
            self._tried.update(situation.history)
            view = _view(situation, names, self._listed(situation), self._known(situation), rng)
            for draw in islice(situation.beliefs.draws(view.terms, rng.getrandbits(48)), self.attempts):
                changes = _changes(view, draw, self.most, rng)
                if changes and (proposal := finish(situation, changes, self._tried, self.name)):
                    return proposal
        return self._random.propose(situation)

    def _listed(self, situation: Situation) -> Options:
        space, baseline = situation.space, situation.baseline
        if self._options is None or self._options[0] is not space or self._options[1] != baseline:
            self._options = (space, dict(baseline), _options(space, baseline))
        return self._options[2]

    def _known(self, situation: Situation) -> Suspects:
        if self._suspects is None or not self._suspects.continues(situation):
            self._suspects = Suspects(situation.space)
        self._suspects.update(situation.history)
        return self._suspects


@dataclass(frozen=True, slots=True)
class _Option:
    """What a dimension can be: the term that it adds by, empty for the baseline's, which adds nothing; the value, or
    the place of the part where a range is cut; and what it is known as."""

    term: str
    value: Scalar
    known_as: str


Options = Mapping[str, Sequence[_Option]]
"""By dimension."""


@dataclass(frozen=True, slots=True)
class _View:
    """The space as seen from the champion: the options of each dimension, and the champion's own terms."""

    situation: Situation
    movable: Sequence[str]
    suspects: Suspects
    options: Options
    present: Mapping[str, str]

    @property
    def terms(self) -> list[str]:
        """All that the options and the champion add by, each once."""
        mentioned = [*self.present.values(), *(each.term for several in self.options.values() for each in several)]
        return [term for term in dict.fromkeys(mentioned) if term]


def _view(
    situation: Situation, names: Sequence[str], options: Options, suspects: Suspects, rng: random.Random
) -> _View:
    space, now, baseline = situation.space, situation.assignment, situation.baseline
    present: dict[str, str] = {}
    for name, value in now.items():
        here = option(name, space.domain(name), value)
        plain = name in baseline and here == option(name, space.domain(name), baseline[name])
        present[name] = "" if plain else here
    suspected = suspects.leave_out(rng)
    if suspected:
        options = {
            name: [each for each in several if each.known_as not in suspected] for name, several in options.items()
        }
    return _View(situation, names, suspects, options, present)


def _options(space: Space, baseline: Assignment) -> Options:
    found: dict[str, list[_Option]] = {}
    for name in space.names:
        domain = space.domain(name)
        plain = option(name, domain, baseline[name]) if name in baseline else None
        found[name] = [_Option("" if term == plain else term, value, term) for term, value in _terms(name, domain)]
    return found


def _terms(name: str, domain: Domain) -> list[tuple[str, Scalar]]:
    """The terms of a dimension, each with its value or its place."""
    if is_cut(domain):
        return [(part(name, place), place) for place in range(LEVELS)]
    if isinstance(domain, Choice):
        values: Sequence[Scalar] = domain.values
    else:
        values = [domain.low] if isinstance(domain, FloatRange) else range(domain.low, domain.high + 1, domain.step)
    return [(option(name, domain, value), value) for value in values]


def _changes(view: _View, draw: Draw, most: int, rng: random.Random) -> dict[str, Scalar]:
    """Where the draw disagrees with the champion, on a few dimensions taken at random; else a small move."""
    space, now = view.situation.space, view.situation.assignment
    better = _better(view, draw)
    order = list(better)
    rng.shuffle(order)
    picked: dict[str, Scalar] = {}
    for name in order:
        value = _value(view, name, better[name], rng)
        # What was possible beside the champion's other values may not be beside those just picked.
        if space.allowed(name, {**now, **picked}).contains(value):
            picked[name] = value
        if len(picked) == most:
            break
    if not picked:
        return _nearby(view, rng)
    below = _below(view, picked, draw, rng) if rng.random() < 0.5 else {}
    return {**picked, **below}


def _better(view: _View, draw: Draw) -> dict[str, _Option]:
    """The best option by the draw of each movable dimension whose present one is not the best."""
    space, now = view.situation.space, view.situation.assignment
    found: dict[str, _Option] = {}
    for name in view.movable:
        allowed = space.allowed(name, now)
        narrowed = isinstance(allowed, Choice) and allowed is not space.domain(name)
        decides = name in space.deciding
        here = view.present.get(name)
        best = draw.get(here, 0.0) if here else 0.0
        for each in view.options[name]:
            if each.term == here or (narrowed and not allowed.contains(each.value)):
                continue
            adds = draw.get(each.term, 0.0)
            if decides:
                adds -= _switched_off(view, name, each.value, draw)
            if adds > best:
                found[name], best = each, adds
    return found


def _switched_off(view: _View, name: str, value: Scalar, draw: Draw) -> float:
    """What the dimensions add that would no longer be active. Of those that would come to be, nothing is known before
    they have values."""
    space, now = view.situation.space, view.situation.assignment
    active = set(space.active({**now, name: value}))
    return sum(draw.get(view.present[other], 0.0) for other in now if other not in active)


def _below(view: _View, picked: Assignment, draw: Draw, rng: random.Random) -> dict[str, Scalar]:
    """The best values by the draw for the dimensions that the picked ones switch on; without them, their defaults."""
    space, now = view.situation.space, view.situation.assignment
    if space.deciding.isdisjoint(picked):
        return {}
    found: dict[str, Scalar] = {}
    for name in space.active({**now, **picked}):
        if name not in now and name not in picked and view.options[name]:
            best = max(view.options[name], key=lambda each: draw.get(each.term, 0.0))
            found[name] = _value(view, name, best, rng)
    return found


def _value(view: _View, name: str, chosen: _Option, rng: random.Random) -> Scalar:
    """The value of an option. In a part of a range half the time the best that was met there, else any in it."""
    domain = view.situation.space.domain(name)
    if isinstance(domain, Choice) or not is_cut(domain):
        return chosen.value
    place = int(chosen.value or 0)
    term = part(name, place)
    met = view.suspects.best(term)
    if met is not None and rng.random() < 0.5:
        return met
    drawn: Scalar = None
    for _ in range(8):  # rounding to what there is may lead out of a narrow part
        drawn = at(domain, (place + rng.random()) / LEVELS)
        if option(name, domain, drawn) == term:
            break
    return drawn


def _nearby(view: _View, rng: random.Random) -> dict[str, Scalar]:
    """A small move of one number of a range that is cut; nothing where there is none."""
    space, now = view.situation.space, view.situation.assignment
    for name in shuffled_by_kind(view.movable, rng):
        domain, here = space.domain(name), now.get(name)
        if isinstance(domain, Choice) or not is_cut(domain) or not isinstance(here, int | float):
            continue
        value = at(domain, min(1.0, max(0.0, share_of(domain, here) + rng.uniform(-NEARBY, NEARBY))))
        if not same_value(value, here):
            return {name: value}
    return {}
