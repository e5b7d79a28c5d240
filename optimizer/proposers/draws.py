"""What the drawing proposers share: seeded numbers, which dimensions to touch, values, the finished proposal."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Hashable, Sequence

from optimizer.likeness import likeness
from optimizer.proposers.base import Past, Situation
from optimizer.records import Proposal, Verdict
from search_space.domains import Choice, Domain, FloatRange, IntRange
from search_space.errors import SearchSpaceError
from search_space.space import Assignment, Scalar, Space

REFUSED = frozenset({Verdict.invalid, Verdict.checks_failed})
"""Verdicts that the same changes will meet again, whatever the champion."""


def seeded(situation: Situation, *parts: object) -> random.Random:
    """A generator that depends on the situation's seed and ``parts`` only."""
    return random.Random(number_of(situation.seed, *parts))


def number_of(*parts: object) -> int:
    """A 64-bit number from the text of ``parts``, the same in every process."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:8], "big")


def kind_of(name: str) -> str:
    """The kind of a dimension: its name up to the first dot (``tool`` for ``tool.grep``)."""
    return name.partition(".")[0]


def shuffled_by_kind(names: Sequence[str], rng: random.Random) -> list[str]:
    """``names`` in random order, such that no kind drowns the others.

    A kind of n dimensions stands in front with a chance in proportion to the square root of n, not to n; within a kind
    all are alike. (Weighted sampling without replacement by exponential keys: Efraimidis & Spirakis 2006.)
    """
    sizes: dict[str, int] = {}
    for name in names:
        sizes[kind_of(name)] = sizes.get(kind_of(name), 0) + 1
    keys = {name: rng.expovariate(1.0) * math.sqrt(sizes[kind_of(name)]) for name in names}
    return sorted(names, key=lambda name: keys[name])


def movable(space: Space, assignment: Assignment) -> list[str]:
    """The active dimensions that have a second value to move to, in declared order."""
    return [name for name in space.active(assignment) if size(space.allowed(name, assignment)) > 1]


def size(domain: Domain) -> float:
    """How many values a domain has."""
    if isinstance(domain, Choice):
        return len(domain.values)
    if isinstance(domain, IntRange):
        return (domain.high - domain.low) // domain.step + 1
    return math.inf if domain.high > domain.low else 1


def drawn(situation: Situation, names: Sequence[str], rng: random.Random) -> dict[str, Scalar]:
    """Other values than the champion's for ``names``, which must be :func:`movable`."""
    space, now = situation.space, situation.assignment
    return {name: draw(space.allowed(name, now), now.get(name), rng) for name in names}


def draw(domain: Domain, current: Scalar, rng: random.Random) -> Scalar:
    """A value of ``domain``, evenly drawn (on a logarithmic scale where the domain asks for one), not ``current``.

    ``domain`` must have a second value.
    """
    if isinstance(domain, Choice):
        return rng.choice([value for value in domain.values if not same_value(value, current)])
    for _ in range(64):
        value = _drawn(domain, rng)
        if not same_value(value, current):
            return value
    return domain.low if not same_value(domain.low, current) else domain.high


def _drawn(domain: IntRange | FloatRange, rng: random.Random) -> Scalar:
    if isinstance(domain, IntRange):
        if domain.log:
            value = round(math.exp(rng.uniform(math.log(domain.low), math.log(domain.high))))
            return min(domain.high, max(domain.low, value))
        return rng.randrange(domain.low, domain.high + 1, domain.step)
    if domain.log:
        return tidy(domain, math.exp(rng.uniform(math.log(domain.low), math.log(domain.high))))
    return tidy(domain, rng.uniform(domain.low, domain.high))


def at(domain: IntRange | FloatRange, share: float) -> Scalar:
    """The value that lies at ``share``, 0 to 1, of the way from the low to the high end, on the domain's own scale."""
    low, high = float(domain.low), float(domain.high)
    if domain.log:
        return tidy(domain, math.exp(math.log(low) + share * (math.log(high) - math.log(low))))
    return tidy(domain, low + share * (high - low))


def share_of(domain: IntRange | FloatRange, value: float) -> float:
    """Where ``value`` lies: the inverse of :func:`at`, 0 or 1 beyond the ends."""
    low, high, here = float(domain.low), float(domain.high), min(float(domain.high), max(float(domain.low), value))
    if domain.log:
        low, high, here = math.log(low), math.log(high), math.log(here)
    return (here - low) / (high - low) if high > low else 0.0


def tidy(domain: Domain, value: Scalar) -> Scalar:
    """A real number as a value of the domain: with four significant digits, or rounded to the nearest whole number that
    there is. Any other value as it is."""
    if not isinstance(value, float) or isinstance(domain, Choice):
        return value
    if isinstance(domain, IntRange):
        nearest = domain.low + domain.step * round((value - domain.low) / domain.step)
        return min(domain.high, max(domain.low, nearest))
    return min(domain.high, max(domain.low, float(f"{value:.4g}")))


def same_value(one: Scalar, other: Scalar) -> bool:
    """Equality that tells ``True`` from ``1``."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


class Tried:
    """What was tried, to be asked quickly: grown as the history grows, and nothing but a function of it."""

    def __init__(self) -> None:
        self._seen: list[Past] = []
        self._variants: set[Hashable] = set()
        self._refused: set[Hashable] = set()

    def update(self, history: Sequence[Past]) -> None:
        """Takes in what is new in ``history``; starts anew when it does not begin with what was seen."""
        if not begins_with(history, self._seen):
            self._seen, self._variants, self._refused = [], set(), set()
        for past in history[len(self._seen) :]:
            self._seen.append(past)
            self._variants.add(likeness(past.assignment))
            if past.verdict in REFUSED:
                self._refused.add(likeness(past.changes))

    def variant(self, assignment: Assignment) -> bool:
        """Whether a variant that reads as ``assignment`` is a near-copy of one that was tried."""
        return likeness(assignment) in self._variants

    def refused(self, changes: Assignment) -> bool:
        """Whether these very changes were found invalid before."""
        return likeness(changes) in self._refused


def begins_with(history: Sequence[Past], seen: Sequence[Past]) -> bool:
    """Whether ``history`` is ``seen`` and what came after."""
    return len(history) >= len(seen) and all(
        one is other or one == other for one, other in zip(seen, history, strict=False)
    )


def finish(
    situation: Situation, changes: Assignment, tried: Tried, proposer: str, *, source: str = ""
) -> Proposal | None:
    """The proposal that makes ``changes``; None when it would change nothing, is refused, or was tried before.

    Changes of dimensions that the others switch off are dropped.
    """
    space, now = situation.space, situation.assignment
    wanted = {name: value for name, value in changes.items() if name not in now or not same_value(value, now[name])}
    active = set(space.active({**now, **wanted}))
    wanted = {name: wanted[name] for name in space.names if name in wanted and name in active}
    if not wanted or tried.refused(wanted):
        return None
    try:
        edit = space.edit(situation.files, wanted)
        after = space.read(edit.apply(situation.files))
    except SearchSpaceError:
        return None
    if tried.variant(after) or likeness(after) == likeness(now):
        return None
    return Proposal(edit=edit, hypothesis=hypothesis(space, wanted), proposer=proposer, changes=wanted, source=source)


def hypothesis(space: Space, changes: Assignment) -> str:
    """What is tried and hoped for, in plain words."""
    what = space.describe(changes).strip().rstrip(".")
    return f"The agent may do better with this: {what}."
