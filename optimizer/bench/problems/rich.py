"""A rich space with additive truth: every component has something that helps, and much that does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from optimizer.bench.problems.base import Assignment
from optimizer.bench.problems.chances import ChanceProblem, Chances, Sizes
from optimizer.bench.problems.spread import Leanings, around, difficulties


@dataclass(frozen=True)
class RichWorld:
    """``components`` of ``options`` each (4 or more): the baseline's, one that helps best, one that helps less, one
    that harms, and the rest do nothing at all. The best ones lift the true score from ``start`` to ``optimum``; what a
    component is worth varies by ``contrast`` around the mean, in [0, 1). The lesser option is worth 0.3 to 0.7 of the
    best, the harmful one costs 0.25 to 0.37 of it, which keeps every chance above zero. ``width`` spreads the tasks'
    difficulty, ``unevenness`` is the standard deviation over tasks of what an option does (both in the leanings of
    ``spread.around``)."""

    components: int = 8
    options: int = 6
    start: float = 0.26
    optimum: float = 0.94
    contrast: float = 0.7
    width: float = 0.9
    unevenness: float = 0.2
    sizes: Sizes = field(default_factory=Sizes)


class Rich(ChanceProblem):
    """The true score is ``start`` plus the effects of the chosen options, exactly."""

    name = "rich"
    false_up_to = 0.0005

    def __init__(self, seed: int, world: RichWorld | None = None) -> None:
        self.world = world = world or RichWorld()
        names = {f"part-{n}": tuple(f"option-{m}" for m in range(world.options)) for n in range(world.components)}
        super().__init__(seed, names, world.sizes)
        rng = np.random.default_rng([seed, 1])
        self.effects = _effects(rng, self.components, world)
        self._difficulty = difficulties(rng, world.sizes.population, world.width)
        self._uneven = _uneven(rng, self.effects, world)

    def chances(self, assignment: Assignment) -> Chances:
        mean, leanings = self.world.start, self._difficulty.copy()
        for component, option in assignment.items():
            effect = self.effects[component][option]
            if effect:
                mean += effect
                leanings += self._uneven[component, option]
        return around(mean, leanings)

    def true_mean(self, chances: Chances) -> float:
        return round(float(chances.mean()), 12)  # the sum's last digits are no effect


def _effects(
    rng: np.random.Generator, components: Mapping[str, tuple[str, ...]], world: RichWorld
) -> dict[str, dict[str, float]]:
    """Component -> option -> what it adds to the true score."""
    weights = rng.uniform(1.0 - world.contrast, 1.0 + world.contrast, len(components))
    worths = (world.optimum - world.start) * weights / weights.sum()
    found = {}
    for (component, options), worth in zip(components.items(), worths, strict=True):
        best, lesser, harmful = rng.permutation(np.arange(1, len(options)))[:3]
        effects = dict.fromkeys(options, 0.0)
        effects[options[best]] = float(worth)
        effects[options[lesser]] = float(worth * rng.uniform(0.3, 0.7))
        effects[options[harmful]] = float(-worth * rng.uniform(0.25, 0.37))
        found[component] = effects
    return found


def _uneven(
    rng: np.random.Generator, effects: Mapping[str, Mapping[str, float]], world: RichWorld
) -> dict[tuple[str, str], Leanings]:
    """What each option that does something does beside its mean, on every task."""
    size = world.sizes.population
    return {
        (component, option): rng.normal(0.0, world.unevenness, size)
        for component, options in effects.items()
        for option, effect in options.items()
        if effect
    }
