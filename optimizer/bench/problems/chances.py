"""Rollouts that pass by chance: what a problem is whose every harness has a known chance of success on every task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from optimizer.bench.problems.base import Assignment, Keys

Chances = NDArray[np.float64]
"""One chance of success in [0, 1] for every task of the population."""

KNOWN = 2048
"""Harnesses whose chances are kept at a time."""

_DRAW = Struct("<QQQ")
_WORD = (1 << 64) - 1


@dataclass(frozen=True)
class Sizes:
    """How many tasks there are: of the population the first are ``search``, then come ``certify`` and ``holdout``; the
    rest is seen by nobody."""

    search: int = 60
    certify: int = 40
    holdout: int = 100
    population: int = 1_000

    def __post_init__(self) -> None:
        if min(self.search, self.certify, self.holdout) < 1:
            raise ValueError(f"got {self}, expected at least one task of each split")
        if self.search + self.certify + self.holdout > self.population:
            raise ValueError(f"got {self}, expected a population that holds all of its splits")


@dataclass(frozen=True, slots=True)
class _Known:
    """A harness: what its draws begin with, its chances on the tasks that can be run (times 2**64), and the truth."""

    mark: int
    limits: list[float]
    truth: float


class ChanceProblem(ABC):
    """A problem made of chances. A rollout is a draw by a counter-based hash of problem, harness, task and seed, so
    that it does not matter in which order, or in which process, rollouts are asked for."""

    name: str
    budget = 3_000
    stream = False
    deterministic = False
    false_up_to = 0.003
    exact = True

    def __init__(self, seed: int, components: Mapping[str, tuple[str, ...]], sizes: Sizes) -> None:
        self.seed, self.components, self.sizes = seed, dict(components), sizes
        self.search = _tasks("search", sizes.search)
        self.certify = _tasks("certify", sizes.certify)
        self.holdout = _tasks("holdout", sizes.holdout)
        self._place = {task: n for n, task in enumerate((*self.search, *self.certify, *self.holdout))}
        self._key = Keys(self)
        self._known: dict[tuple[str, ...], _Known] = {}

    @abstractmethod
    def chances(self, assignment: Assignment) -> Chances:
        """The chance of success on every task of the population, those of ``search``, ``certify`` and ``holdout``
        first."""

    def score(self, assignment: Assignment, task: str, seed: int) -> float:
        """One rollout: 1.0 when it passes, else 0.0. Any whole number is a seed."""
        known = self._of(assignment)
        place = self._place[task]
        drawn = blake2b(_DRAW.pack(known.mark, place, seed & _WORD), digest_size=8).digest()
        return 1.0 if int.from_bytes(drawn, "little") < known.limits[place] else 0.0

    def truth(self, assignment: Assignment) -> float:
        """The mean chance of success over the whole population."""
        return self._of(assignment).truth

    def close(self) -> None:  # noqa: B027 (not for subclasses to fill in)
        """Nothing runs."""

    def true_mean(self, chances: Chances) -> float:
        """What :meth:`truth` makes of the chances."""
        return float(chances.mean())

    def _of(self, assignment: Assignment) -> _Known:
        key = self._key(assignment)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= KNOWN:
                del self._known[next(iter(self._known))]
            known = self._known[key] = self._measured(assignment, key)
        return known

    def _measured(self, assignment: Assignment, key: tuple[str, ...]) -> _Known:
        said = "\0".join((self.name, str(self.seed), *key)).encode()
        mark = int.from_bytes(blake2b(said, digest_size=8).digest(), "little")
        chances = self.chances(assignment)
        limits = chances[: len(self._place)] * 2.0**64
        return _Known(mark, limits.tolist(), self.true_mean(chances))


def _tasks(split: str, count: int) -> tuple[str, ...]:
    return tuple(f"{split}-{n:03}" for n in range(count))
