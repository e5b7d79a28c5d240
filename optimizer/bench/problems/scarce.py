"""A stream of edits of which few help: what a long campaign on a grown harness meets.

70% of the edits do next to nothing, 20% harm by 2 to 10 points, 10% help by 1 to 6; gains shrink as the head-room does,
and every effect is uneven over the tasks. ``null`` and ``null-harm`` are the same stream without anything that helps.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from optimizer.bench.problems.base import Assignment
from optimizer.bench.problems.chances import KNOWN, ChanceProblem, Chances, Sizes


@dataclass(frozen=True)
class ScarceWorld:
    """``helpful`` and ``harmful`` are shares of the ``edits``; the others have a true effect around zero with standard
    deviation ``tiny_sd``, exactly zero when that is 0. Helpful ones gain ``gain_low`` to ``gain_high`` and harmful ones
    lose ``loss_low`` to ``loss_high`` at the start of a campaign."""

    edits: int = 500
    helpful: float = 0.10
    harmful: float = 0.20
    tiny_sd: float = 0.002
    gain_low: float = 0.01
    gain_high: float = 0.06
    loss_low: float = 0.02
    loss_high: float = 0.10
    sizes: Sizes = field(default_factory=lambda: Sizes(search=50, certify=20, holdout=100, population=1_000))


NULL = ScarceWorld(helpful=0.0, harmful=0.0, tiny_sd=0.0)
NULL_HARM = replace(NULL, harmful=0.25)


class Edit(NamedTuple):
    """``effect`` on the true score at the start; ``uneven``: the weight of each task in it."""

    effect: float
    uneven: Chances


class Scarce(ChanceProblem):
    """Edits that are ``off`` or ``on``, applied in declared order to tasks whose chances are spread over (0, 1)."""

    name = "scarce"
    budget = 20_000
    stream = True

    def __init__(self, seed: int, world: ScarceWorld | None = None) -> None:
        self.world = world = world or ScarceWorld()
        super().__init__(seed, {f"edit-{n:03}": ("off", "on") for n in range(world.edits)}, world.sizes)
        rng = np.random.default_rng([seed, 2])
        self.start = rng.beta(1.0, 1.0, world.sizes.population)
        self.edits = {name: _drawn(rng, world) for name in self.components}
        self._after: dict[tuple[str, ...], Chances] = {(): self.start}

    def chances(self, assignment: Assignment) -> Chances:
        on = tuple(name for name in self.components if assignment[name] == "on")
        done = len(on)
        while on[:done] not in self._after:
            done -= 1
        chances = self._after[on[:done]]
        for name in on[done:]:
            chances = self._moved(chances, self.edits[name])
        if len(self._after) >= KNOWN:
            self._after = {(): self.start}
        self._after[on] = chances
        return chances

    def _moved(self, chances: Chances, edit: Edit) -> Chances:
        """The chances after one more edit. Gains are spread by each task's head-room and scaled by all of it, losses by
        what there is to lose."""
        room, at_start = (1.0 - chances, 1.0 - self.start) if edit.effect > 0 else (chances, self.start)
        effect = edit.effect * room.mean() / at_start.mean()
        weight = edit.uneven * room
        return np.asarray(np.clip(chances + effect * weight / max(weight.mean(), 1e-9), 0.0, 1.0))


class Null(Scarce):
    """Nothing is better and nothing is worse."""

    name = "null"

    def __init__(self, seed: int) -> None:
        super().__init__(seed, NULL)


class NullHarm(Scarce):
    """A quarter of the edits harm, the others do nothing at all."""

    name = "null-harm"

    def __init__(self, seed: int) -> None:
        super().__init__(seed, NULL_HARM)


def _drawn(rng: np.random.Generator, world: ScarceWorld) -> Edit:
    draw = rng.random()
    if draw < world.helpful:
        effect = rng.uniform(world.gain_low, world.gain_high)
    elif draw < world.helpful + world.harmful:
        effect = -rng.uniform(world.loss_low, world.loss_high)
    else:
        effect = rng.normal(0.0, world.tiny_sd)
    return Edit(float(effect), rng.gamma(1.0, 1.0, world.sizes.population))
