"""A space in which nothing pays alone: options come in pairs, and half a pair does nothing or costs a little."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from optimizer.bench.problems.base import Assignment
from optimizer.bench.problems.chances import ChanceProblem, Chances, Sizes
from optimizer.bench.problems.spread import around, difficulties


@dataclass(frozen=True)
class InteractionWorld:
    """``pairs`` of components of ``options`` each. One option of the first and one of the second lift the true score
    together; all pairs from ``start`` to ``optimum``, each worth its share give or take ``contrast``. Without its
    partner the first one costs ``alone`` and the second does nothing; all other options do nothing at all. ``width`` is
    the spread of the tasks' difficulty (the leanings of ``spread.around``)."""

    pairs: int = 4
    options: int = 4
    start: float = 0.26
    optimum: float = 0.90
    contrast: float = 0.5
    alone: float = 0.01
    width: float = 0.9
    sizes: Sizes = field(default_factory=Sizes)


@dataclass(frozen=True)
class Pair:
    """(component, option) of either side, and what both are worth together."""

    first: tuple[str, str]
    second: tuple[str, str]
    worth: float


class Interaction(ChanceProblem):
    """The true score is ``start`` plus what the complete pairs are worth, less what the halves cost, exactly."""

    name = "interaction"
    false_up_to = 0.0005

    def __init__(self, seed: int, world: InteractionWorld | None = None) -> None:
        self.world = world = world or InteractionWorld()
        names = {f"part-{n}": tuple(f"option-{m}" for m in range(world.options)) for n in range(2 * world.pairs)}
        super().__init__(seed, names, world.sizes)
        rng = np.random.default_rng([seed, 4])
        self._difficulty = difficulties(rng, world.sizes.population, world.width)
        weights = rng.uniform(1.0 - world.contrast, 1.0 + world.contrast, world.pairs)
        worths = (world.optimum - world.start) * weights / weights.sum()
        order = [list(self.components)[n] for n in rng.permutation(len(self.components))]

        def chosen(component: str) -> tuple[str, str]:
            return component, self.components[component][rng.integers(1, world.options)]

        self.pairs = [
            Pair(chosen(first), chosen(second), float(worth))
            for first, second, worth in zip(order[::2], order[1::2], worths, strict=True)
        ]

    def chances(self, assignment: Assignment) -> Chances:
        mean = self.world.start
        for pair in self.pairs:
            if assignment[pair.first[0]] == pair.first[1]:
                mean += pair.worth if assignment[pair.second[0]] == pair.second[1] else -self.world.alone
        return around(mean, self._difficulty)

    def true_mean(self, chances: Chances) -> float:
        return round(float(chances.mean()), 12)  # the sum's last digits are no effect
