"""Pruning: which of the changes that a search has kept pay, told by leaving them out in many combinations.

After the search, variants of the champion are run in which each *doubtful* change is left out with chance 1/2, always
two of them together, of which one has just what the other lacks: a random factorial design with its fold-over (Box,
Hunter & Hunter 2005, "Statistics for experimenters", 2nd ed., chapters 5 and 6). So every rollout says something about
every doubtful change at once, where leaving out one change at a time would give each but its own. What comes of it
moves the posterior that the search has made (:mod:`~optimizer.acceptance.effects`).

A change *pays* when its effect is above ``least``. It is doubtful while the probability of that is neither small nor
near 1. When the evidence is in, the champion is taken apart one change at a time, the least sure one first (backward
elimination), until what stays pays with probability ``stay_at``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optimizer.acceptance.distributions import normal_cdf, normal_quantile
from optimizer.acceptance.effects import LEAST, Effects
from optimizer.acceptance.presets import PruningSettings

Subset = frozenset[str]


@dataclass(frozen=True, slots=True)
class Whole:
    """What may be taken apart. ``units`` are the changes, in a fixed order. ``terms`` are those by which the posterior
    knows a harness that has a subset of them, ``closed`` that subset without the units which cannot stand in it because
    they need one that is not there. ``margins`` says of a unit by how much it may harm and still stay, where it was
    kept for something else than its score."""

    units: tuple[str, ...]
    terms: Callable[[Subset], Sequence[str]]
    closed: Callable[[Subset], Subset]
    margins: Sequence[tuple[str, float]] = ()

    def least(self, unit: str, settings: PruningSettings) -> float:
        """The effect above which a unit pays."""
        return next((-margin for name, margin in self.margins if name == unit), settings.least)


@dataclass(frozen=True, slots=True)
class Stake:
    """What is believed of one unit: the ``effect`` of having it rather than not, in score points as a fraction, beside
    the others that are there; its standard deviation; its 95% interval; and the probability that it pays."""

    unit: str
    effect: float
    sd: float
    low: float
    high: float
    pays: float


def stakes(effects: Effects, whole: Whole, there: Subset, settings: PruningSettings) -> list[Stake]:
    """What is believed of each unit that is ``there``, in the order of the units."""
    present = whole.terms(whole.closed(there))
    found = []
    for unit in whole.units:
        if unit in there:
            without = whole.terms(whole.closed(there - {unit}))
            found.append(stake(unit, *effects.gain(present, over=without), whole.least(unit, settings)))
    return found


def stake(unit: str, effect: float, sd: float, least: float) -> Stake:
    """A stake from the mean and the standard deviation of a normal posterior."""
    half = normal_quantile(0.975) * sd
    exact = sd <= math.sqrt(LEAST)
    pays = float(effect > least) if exact else normal_cdf((effect - least) / sd)
    return Stake(unit, effect, sd, effect - half, effect + half, pays)


def plan_pruning(
    effects: Effects, whole: Whole, settings: PruningSettings, *, seed: int, turn: int
) -> tuple[Subset, ...]:
    """The subsets to be run next, each closed and different from the others; empty when nothing is doubtful.

    ``turn`` counts the rounds: the same arguments give the same subsets."""
    everything = frozenset(whole.units)
    first = stakes(effects, whole, everything, settings)
    there = whole.closed(everything - {one.unit for one in first if one.pays <= settings.out_at})
    now = stakes(effects, whole, there, settings)
    doubtful = [one.unit for one in now if settings.out_at < one.pays < settings.sure_at]
    if not doubtful:
        return ()
    # What was bad beside something that goes, and is no longer: it is run like one that is sure.
    sure = there - set(doubtful)
    subsets: list[Subset] = []
    for pair in range(settings.variants // 2):
        chosen = {unit for unit in doubtful if _coin(f"{seed}|{turn}|{pair}|{unit}")}
        subsets += [whole.closed(sure | chosen), whole.closed(sure | (set(doubtful) - chosen))]
    return tuple(dict.fromkeys(subsets))


def staying(effects: Effects, whole: Whole, settings: PruningSettings) -> Subset:
    """What stays: from all units, the one that pays with the least probability is left out as long as that is under
    ``stay_at``; one that may well pay, only while what is left is believed to gain as much as the whole did, but for
    ``most_lost`` of it. (What harms is left out first, so that as a rule something has been won to give up.)"""
    none: Subset = frozenset()
    there = whole.closed(frozenset(whole.units))
    whole_gain, _ = effects.gain(whole.terms(there), over=whole.terms(none))
    while there:
        weakest = min(stakes(effects, whole, there, settings), key=lambda one: one.pays)
        if weakest.pays >= settings.stay_at:
            break
        fewer = whole.closed(there - {weakest.unit})
        gain, _ = effects.gain(whole.terms(fewer), over=whole.terms(none))
        if weakest.pays > 0.5 and gain < (1.0 - settings.most_lost) * whole_gain:
            break
        there = fewer
    return there


def in_order(effects: Effects, whole: Whole, there: Subset, settings: PruningSettings) -> list[Stake]:
    """The units ``there`` one on top of the other, the best first, each as it is in its place: beside those before it.
    So their effects add up to the gain of the whole. One that needs another comes after it."""
    done: Subset = frozenset()
    order: list[Stake] = []
    while left := [unit for unit in whole.units if unit in there and unit not in done]:
        present, possible = whole.terms(done), []
        for unit in left:
            grown = whole.closed(done | {unit})
            if unit in grown:
                found = effects.gain(whole.terms(grown), over=present)
                possible.append(stake(unit, *found, whole.least(unit, settings)))
        if not possible:
            raise ValueError(f"got {', '.join(left)}, which cannot be put back one by one; expected a closed subset")
        order.append(max(possible, key=lambda one: one.effect))
        done |= {order[-1].unit}
    return order


def _coin(text: str) -> bool:
    return bool(hashlib.sha256(text.encode()).digest()[0] & 1)
