"""What the drawing proposers share: seeded numbers, which dimensions to touch, values, the finished proposal."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterable, Mapping, Sequence

from optimizer.likeness import same
from optimizer.proposers.base import Past, Situation
from optimizer.records import Proposal, Verdict
from search_space.domains import Choice, Domain, FloatRange, IntRange
from search_space.errors import InvalidEdit
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
        real = math.exp(rng.uniform(math.log(domain.low), math.log(domain.high)))
    else:
        real = rng.uniform(domain.low, domain.high)
    return min(domain.high, max(domain.low, float(f"{real:.4g}")))


def same_value(one: Scalar, other: Scalar) -> bool:
    """Equality that tells ``True`` from ``1``."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def finish(situation: Situation, changes: Assignment, proposer: str) -> Proposal | None:
    """The proposal that makes ``changes``; None when it would change nothing, is refused, or was tried before.

    Changes of dimensions that the others switch off are dropped.
    """
    space, now = situation.space, situation.assignment
    wanted = {name: value for name, value in changes.items() if name not in now or not same_value(value, now[name])}
    active = set(space.active({**now, **wanted}))
    wanted = {name: wanted[name] for name in space.names if name in wanted and name in active}
    if not wanted or refused(wanted, situation.history):
        return None
    try:
        edit = space.edit(situation.files, wanted)
        after = assignment_after(situation, wanted, active) or space.read(edit.apply(situation.files))
    except InvalidEdit:
        return None
    if tried(after, wanted, situation.history):
        return None
    return Proposal(edit=edit, hypothesis=hypothesis(space, wanted), proposer=proposer, changes=wanted)


def assignment_after(situation: Situation, changes: Mapping[str, Scalar], active: Iterable[str]) -> Assignment | None:
    """How the variant will read, where that follows from the champion alone; None when a dimension is switched on."""
    after: dict[str, Scalar] = {}
    for name in active:
        if name in changes:
            after[name] = changes[name]
        elif name in situation.assignment:
            after[name] = situation.assignment[name]
        else:
            return None
    return after


def tried(after: Assignment, changes: Assignment, history: Sequence[Past]) -> bool:
    """Whether a variant that reads as ``after`` is a near-copy of one in ``history``.

    The changed dimensions are compared first: almost every past experiment differs in one of them.
    """
    for past in history:
        known = past.assignment
        if all(name in known and same({name: value}, {name: known[name]}) for name, value in changes.items()) and same(
            after, known
        ):
            return True
    return False


def refused(changes: Assignment, history: Sequence[Past]) -> bool:
    """Whether these very changes were found invalid before."""
    return any(past.verdict in REFUSED and same(changes, past.changes) for past in history)


def hypothesis(space: Space, changes: Assignment) -> str:
    """What is tried and hoped for, in plain words."""
    what = space.describe(changes).strip().rstrip(".")
    return f"The agent may do better with this: {what}."
