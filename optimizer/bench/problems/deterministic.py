"""A deterministic suite: a harness passes a task or it does not, however often it runs; options flip tasks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.bench.problems.base import Assignment
from optimizer.bench.problems.chances import ChanceProblem, Chances, Sizes


@dataclass(frozen=True)
class DeterministicWorld:
    """A task is passed when a harness's strength on it is above zero. The baseline's is normal over tasks with standard
    deviation 1 and so placed that it passes ``start`` of the population. Of the ``options`` (5 or more) of each of the
    ``components`` one adds ``gain`` to the strength, give or take ``contrast``, one 0.3 to 0.7 of that, one takes half
    of it away, one only shuffles, and the rest do nothing at all. What an option does varies over tasks with standard
    deviation ``churn``: also one that helps fails tasks that were passed."""

    components: int = 8
    options: int = 6
    start: float = 0.26
    gain: float = 0.35
    contrast: float = 0.7
    churn: float = 0.4
    sizes: Sizes = field(default_factory=Sizes)


class Deterministic(ChanceProblem):
    """The true score is the share of the population that is passed."""

    name = "deterministic"
    deterministic = True
    false_up_to = 0.0005

    def __init__(self, seed: int, world: DeterministicWorld | None = None) -> None:
        self.world = world = world or DeterministicWorld()
        names = {f"part-{n}": tuple(f"option-{m}" for m in range(world.options)) for n in range(world.components)}
        super().__init__(seed, names, world.sizes)
        rng = np.random.default_rng([seed, 5])
        plain = rng.normal(0.0, 1.0, world.sizes.population)
        self._strength = plain - np.quantile(plain, 1.0 - world.start)
        self._moves: dict[tuple[str, str], NDArray[np.float64]] = {}
        for component, options in self.components.items():
            gain = world.gain * rng.uniform(1.0 - world.contrast, 1.0 + world.contrast)
            means = (gain, gain * rng.uniform(0.3, 0.7), -0.5 * gain, 0.0)
            drawn = [options[n] for n in rng.permutation(np.arange(1, world.options))]
            for option, mean in zip(drawn, means, strict=False):
                self._moves[component, option] = rng.normal(mean, world.churn, world.sizes.population)

    def chances(self, assignment: Assignment) -> Chances:
        strength = self._strength.copy()
        for pair in assignment.items():
            if pair in self._moves:
                strength += self._moves[pair]
        return (strength > 0).astype(np.float64)
