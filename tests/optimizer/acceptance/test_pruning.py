from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.acceptance.effects import Effects, Seen
from optimizer.acceptance.presets import PruningSettings
from optimizer.acceptance.pruning import Subset, Whole, in_order, plan_pruning, stakes, staying

SETTINGS = PruningSettings()
beliefs = st.lists(st.tuples(st.floats(-0.1, 0.1), st.floats(0.001, 0.05)), min_size=1, max_size=9)


def whole_of(
    count: int, needs: dict[str, str] | None = None, margins: Sequence[tuple[str, float]] = ()
) -> tuple[Whole, tuple[str, ...]]:
    """Units ``u0``, ``u1`` and so on, each with a term of its own; ``needs`` maps a unit to the one it needs."""
    units = tuple(f"u{n}" for n in range(count))

    def closed(subset: Subset) -> Subset:
        there = subset
        while gone := {unit for unit in there if (needs or {}).get(unit, unit) not in there}:
            there -= gone
        return there

    return Whole(units, lambda subset: tuple(unit for unit in units if unit in subset), closed, margins), units


def believing(found: Sequence[tuple[float, float]]) -> Effects:
    return Effects.prior(("a", "b")).with_terms({f"u{n}": belief for n, belief in enumerate(found)})


@given(found=beliefs, seed=st.integers(0, 99), turn=st.integers(0, 99))
def test_a_round_leaves_out_what_is_doubtful_and_nothing_else(
    found: list[tuple[float, float]], seed: int, turn: int
) -> None:
    whole, units = whole_of(len(found))
    effects = believing(found)
    subsets = plan_pruning(effects, whole, SETTINGS, seed=seed, turn=turn)
    assert subsets == plan_pruning(effects, whole, SETTINGS, seed=seed, turn=turn)
    pays = {one.unit: one.pays for one in stakes(effects, whole, frozenset(units), SETTINGS)}
    doubtful = {unit for unit in units if SETTINGS.out_at < pays[unit] < SETTINGS.sure_at}
    assert bool(subsets) == bool(doubtful)
    for subset in subsets:
        assert {unit for unit in units if pays[unit] >= SETTINGS.sure_at} <= subset
        assert not {unit for unit in units if pays[unit] <= SETTINGS.out_at} & subset
        rest = subset - doubtful
        assert rest | (doubtful - subset) in subsets, "each comes with the one that has what it lacks"


@given(found=beliefs)
def test_what_stays_pays_or_is_needed_for_the_gain(found: list[tuple[float, float]]) -> None:
    whole, units = whole_of(len(found))
    effects = believing(found)
    there = staying(effects, whole, SETTINGS)
    everything, kept = sum(mean for mean, _ in found), effects.gain(tuple(there))[0]
    for one in stakes(effects, whole, frozenset(units), SETTINGS):
        if one.pays >= SETTINGS.stay_at:
            assert one.unit in there
        if one.pays <= 0.5:
            assert one.unit not in there
    unsure = [one for one in stakes(effects, whole, there, SETTINGS) if one.pays < SETTINGS.stay_at]
    if unsure:
        weakest = min(unsure, key=lambda one: one.pays)
        assert kept - weakest.effect < (1 - SETTINGS.most_lost) * everything + 1e-9
    bold = PruningSettings(most_lost=1.0)
    if everything <= 0:
        return
    assert all(one.pays >= bold.stay_at for one in stakes(effects, whole, staying(effects, whole, bold), bold))


@given(found=beliefs)
def test_put_back_one_by_one_the_effects_add_up_to_the_gain(found: list[tuple[float, float]]) -> None:
    needs = {"u1": "u0", "u3": "u1"}
    whole, units = whole_of(len(found), needs)
    effects = believing(found)
    order = in_order(effects, whole, frozenset(units), SETTINGS)
    names = [one.unit for one in order]
    assert sorted(names) == sorted(units)
    assert math.isclose(sum(one.effect for one in order), effects.gain(units)[0], abs_tol=1e-9)
    for unit, needed in needs.items():
        if unit in names:
            assert names.index(needed) < names.index(unit)
    assert all(one.low <= one.effect <= one.high and 0 <= one.pays <= 1 for one in order)


def test_what_needs_another_goes_with_it() -> None:
    whole, units = whole_of(3, {"u1": "u0"})
    effects = believing([(-0.05, 0.01), (0.02, 0.002), (0.05, 0.01)])
    found = {one.unit: one for one in stakes(effects, whole, frozenset(units), SETTINGS)}
    assert found["u0"].effect == pytest.approx(-0.03), "it is u0 and u1 that are lost with u0"
    assert staying(effects, whole, SETTINGS) == {"u2"}
    with pytest.raises(ValueError, match="u1"):
        in_order(effects, whole, frozenset({"u1"}), SETTINGS)


def test_a_simplification_stays_unless_it_costs_too_much() -> None:
    found = [(0.0, 0.01), (0.0, 0.01), (-0.06, 0.01), (0.05, 0.01)]
    whole, _ = whole_of(4, margins=(("u0", 0.03), ("u2", 0.03)))
    assert staying(believing(found), whole, SETTINGS) == {"u0", "u3"}


@pytest.mark.parametrize("seed", range(4))
def test_in_a_simulated_world_what_pays_stays_and_what_does_not_goes(seed: int) -> None:
    """12 changes, of which 5 gain 4 points and 2 harm: each begins with a belief as uncertain as after a search."""
    draw = random.Random(seed)
    truth = {f"u{n}": effect for n, effect in enumerate([0.04] * 5 + [0.0] * 5 + [-0.04] * 2)}
    tasks = [f"t{n}" for n in range(40)]
    level = {task: draw.uniform(0.1, 0.6) for task in tasks}
    whole, units = whole_of(len(truth))
    effects = Effects.prior(tasks).with_terms({unit: (truth[unit] + draw.gauss(0, 0.025), 0.025) for unit in units})
    every = tuple(20.0 for _ in tasks)
    effects = effects.absorb([Seen((), tuple(tasks), every, tuple(level[task] for task in tasks))])
    turn = 0
    while turn < 120 and (subsets := plan_pruning(effects, whole, SETTINGS, seed=seed, turn=turn)):
        batch = []
        for subset in subsets:
            chosen = draw.sample(tasks, SETTINGS.rollouts)
            chances = [level[task] + sum(truth[unit] for unit in subset) for task in chosen]
            scores = tuple(float(draw.random() < chance) for chance in chances)
            batch.append(Seen(whole.terms(subset), tuple(chosen), (1.0,) * len(chosen), scores))
        effects = effects.absorb(batch)
        turn += 1
    there = staying(effects, whole, SETTINGS)
    assert sum(truth[unit] == 0.04 for unit in there) >= 4
    assert sum(truth[unit] <= 0 for unit in there) <= 1


@settings(max_examples=20)
@given(low=st.floats(0.06, 0.4), high=st.floats(0.93, 0.99))
def test_the_sizes_are_checked(low: float, high: float) -> None:
    assert PruningSettings(out_at=low, sure_at=high).out_at == low
    for wrong in ({"out_at": high}, {"sure_at": low}, {"variants": 3}, {"variants": 1}, {"least": -low}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            PruningSettings(**wrong)  # type: ignore[arg-type]
