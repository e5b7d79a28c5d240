"""The worlds are what their descriptions say: how much helps, harms or does nothing."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.bench.problems.base import baseline_of
from optimizer.bench.problems.chances import Sizes
from optimizer.bench.problems.deterministic import Deterministic
from optimizer.bench.problems.interaction import Interaction
from optimizer.bench.problems.rich import Rich, RichWorld
from optimizer.bench.problems.trap import Trap


@pytest.mark.parametrize("seed", range(12))
def test_rich_goes_from_start_to_optimum_by_additive_effects(seed: int) -> None:
    rich = Rich(seed)
    baseline = baseline_of(rich)
    best = {component: max(effects, key=effects.__getitem__) for component, effects in rich.effects.items()}
    assert (rich.truth(baseline), rich.truth(best)) == (0.26, 0.94)
    for component, effects in rich.effects.items():
        gains = sorted(rich.truth({**baseline, component: option}) - 0.26 for option in effects)
        assert gains == pytest.approx(sorted(effects.values()))
        assert gains[0] < 0 == gains[1] == gains[2] == gains[3] < gains[4] < gains[5]
    worst = {component: min(effects, key=effects.__getitem__) for component, effects in rich.effects.items()}
    for one in (baseline, best, worst):
        assert 0 <= rich.chances(one).min() < rich.chances(one).max() <= 1
    assert rich.truth(worst) == pytest.approx(0.26 + sum(min(effects.values()) for effects in rich.effects.values()))


def test_what_rich_leaves_out_changes_no_chance() -> None:
    rich = Rich(1)
    baseline = baseline_of(rich)
    nothing = {name: [option for option, effect in row.items() if not effect][-1] for name, row in rich.effects.items()}
    assert nothing != baseline
    assert np.array_equal(rich.chances(nothing), rich.chances(baseline))


def test_the_sizes_of_rich_are_parameters() -> None:
    rich = Rich(2, RichWorld(components=3, options=4, start=0.5, optimum=0.6, width=0.0, sizes=Sizes(5, 3, 2, 40)))
    assert [len(options) for options in rich.components.values()] == [4, 4, 4]
    assert (len(rich.search), len(rich.certify), len(rich.holdout)) == (5, 3, 2)
    assert np.allclose(rich.chances(baseline_of(rich)), 0.5)


@pytest.mark.parametrize("seed", range(6))
def test_a_trap_lifts_the_search_tasks_and_nothing_else(seed: int) -> None:
    trap = Trap(seed)
    baseline = baseline_of(trap)
    before = trap.chances(baseline)
    assert len(trap.traps) == 16 and len(trap.gains) == 3
    for component, option in trap.traps:
        after = trap.chances({**baseline, component: option})
        assert trap.truth({**baseline, component: option}) == trap.truth(baseline)
        assert np.count_nonzero(after != before) == 6 and (after - before)[:60].mean() > 0.02
    for component, option in trap.gains:
        assert 0.03 < trap.truth({**baseline, component: option}) - trap.truth(baseline) < 0.09
    everything = {**baseline, **dict(trap.traps.keys())}
    assert trap.truth(everything) == trap.truth(baseline)
    assert trap.chances(everything)[:60].mean() > before[:60].mean() + 0.15


@pytest.mark.parametrize("seed", range(6))
def test_half_a_pair_never_pays(seed: int) -> None:
    problem = Interaction(seed)
    baseline = baseline_of(problem)
    alone = [
        problem.truth({**baseline, component: option}) - 0.26
        for component, options in problem.components.items()
        for option in options[1:]
    ]
    assert set(np.round(alone, 9)) == {0.0, -0.01}
    whole = dict(baseline)
    for pair in problem.pairs:
        both = dict((pair.first, pair.second))
        assert problem.truth({**baseline, **both}) == pytest.approx(0.26 + pair.worth)
        whole |= both
    assert (problem.truth(baseline), problem.truth(whole)) == (0.26, 0.90)


@pytest.mark.parametrize("seed", range(6))
def test_in_a_deterministic_suite_a_task_is_passed_or_not(seed: int) -> None:
    problem = Deterministic(seed)
    baseline = baseline_of(problem)
    assert problem.truth(baseline) == pytest.approx(0.26, abs=0.002)
    for task in problem.search:
        assert len({problem.score(baseline, task, n) for n in range(3)}) == 1
    effects = {
        (component, option): problem.truth({**baseline, component: option}) - problem.truth(baseline)
        for component, options in problem.components.items()
        for option in options[1:]
    }
    assert sum(effect > 0.01 for effect in effects.values()) >= 8
    assert sum(effect < -0.01 for effect in effects.values()) >= 2
    assert sum(effect == 0.0 for effect in effects.values()) >= 8
