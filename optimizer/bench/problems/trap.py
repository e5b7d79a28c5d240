"""A space full of traps: options that lift a few search tasks, and nothing that anybody will meet later."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.bench.problems.base import Assignment
from optimizer.bench.problems.chances import ChanceProblem, Chances, Sizes
from optimizer.bench.problems.spread import around, difficulties


@dataclass(frozen=True)
class TrapWorld:
    """``components`` of ``options`` each. In ``real`` of the components one option gains ``gain_low`` to ``gain_high``
    everywhere; in all of them ``traps`` options take ``lift`` of what is missing to certain success on ``lifted`` of
    the search tasks; the rest do nothing at all. ``start`` is the true score of the baseline on all tasks, ``width``
    the spread of their difficulty (the leanings of ``spread.around``)."""

    components: int = 8
    options: int = 6
    real: int = 3
    traps: int = 2
    gain_low: float = 0.04
    gain_high: float = 0.08
    lifted: int = 6
    lift: float = 0.8
    start: float = 0.40
    width: float = 0.9
    sizes: Sizes = field(default_factory=Sizes)


class Trap(ChanceProblem):
    """The population is what the search does not see: the tasks of ``certify`` and ``holdout`` and the unseen ones."""

    name = "trap"

    def __init__(self, seed: int, world: TrapWorld | None = None) -> None:
        self.world = world = world or TrapWorld()
        names = {f"part-{n}": tuple(f"option-{m}" for m in range(world.options)) for n in range(world.components)}
        super().__init__(seed, names, world.sizes)
        rng = np.random.default_rng([seed, 3])
        self._difficulty = difficulties(rng, world.sizes.population, world.width)
        self.gains: dict[tuple[str, str], float] = {}
        self.traps: dict[tuple[str, str], NDArray[np.intp]] = {}
        real = set(rng.permutation(world.components)[: world.real])
        for place, (component, options) in enumerate(self.components.items()):
            drawn = [options[n] for n in rng.permutation(np.arange(1, world.options))]
            if place in real:
                self.gains[component, drawn.pop()] = float(rng.uniform(world.gain_low, world.gain_high))
            for option in drawn[: world.traps]:
                self.traps[component, option] = rng.permutation(world.sizes.search)[: world.lifted]

    def chances(self, assignment: Assignment) -> Chances:
        chosen = [(component, assignment[component]) for component in self.components]
        chances = around(self.world.start + sum(self.gains.get(pair, 0.0) for pair in chosen), self._difficulty)
        for pair in chosen:
            if pair in self.traps:
                lifted = self.traps[pair]
                chances[lifted] += self.world.lift * (1.0 - chances[lifted])
        return chances

    def true_mean(self, chances: Chances) -> float:
        return float(chances[self.world.sizes.search :].mean())
