"""Optuna's parameters here and there: values go back and forth, and conditions are read from trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial

from optimizer.api.parameters import conditions_of, parameters_of
from optimizer.assemble.components import harness_of

CHOICES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
LOW, SIZE = st.integers(-9, 9), st.integers(1, 99)
DISTRIBUTIONS = st.one_of(
    st.builds(lambda low, size, step: IntDistribution(low, low + size, step=step), LOW, SIZE, st.integers(1, 3)),
    st.builds(lambda low, size: IntDistribution(low, low + size, log=True), st.integers(1, 9), SIZE),
    st.builds(lambda low, size: FloatDistribution(low, low + size / 7), st.floats(-9, 9), SIZE),
    st.builds(lambda low, size: FloatDistribution(low, low + size / 7, log=True), st.floats(1e-6, 1), SIZE),
    st.builds(lambda low, size, step: FloatDistribution(low, low + size, step=step), LOW, SIZE, st.floats(0.1, 3)),
    st.lists(CHOICES, min_size=2, max_size=6, unique_by=repr).map(CategoricalDistribution),
)


@given(DISTRIBUTIONS, st.integers(0, 99))
def test_values_go_there_and_back_and_stay_within(distribution: BaseDistribution, seed: int) -> None:
    sampler = RandomSampler(seed=seed)
    study = optuna.create_study(sampler=sampler)
    value = sampler.sample_independent(study, study.ask(), "p", distribution)  # type: ignore[arg-type]
    parameters = parameters_of([{"p": distribution}])
    if distribution.single():
        assert not parameters
        return
    parameter = parameters["p"]
    space, files = harness_of({"p": parameter.component}, {"p": parameter.inner(value)})
    assert space.domain("p").contains(parameter.middle())
    for one in parameter.values():
        assert distribution._contains(distribution.to_internal_repr(parameter.outer(one)))
    again = parameter.outer(space.read(files)["p"])
    assert repr(again) == repr(value) or again == pytest.approx(value)
    assert distribution._contains(distribution.to_internal_repr(again))


def trials_of(objective: Callable[[optuna.Trial], Any], count: int = 40) -> list[FrozenTrial]:
    study = optuna.create_study(sampler=RandomSampler(seed=1))
    study.optimize(lambda trial: objective(trial) or 0.0, n_trials=count)
    return study.get_trials()


def test_a_condition_is_read_from_the_trials() -> None:
    def objective(trial: optuna.Trial) -> None:
        kind = trial.suggest_categorical("kind", ["a", "b", "c"])
        if kind != "a":
            trial.suggest_float("rate", 0, 1)
        if kind == "c":
            for layer in range(trial.suggest_int("layers", 1, 4)):
                trial.suggest_float(f"units {layer}", 0, 1)

    found = trials_of(objective)
    parameters = parameters_of(trial.distributions for trial in found)
    told = {name: (one.parent, one.values) for name, one in conditions_of(parameters, found).items()}
    assert told == {
        "rate": ("kind", ("b", "c")),
        "layers": ("kind", ("c",)),
        "units 0": ("kind", ("c",)),
        "units 1": ("layers", (2, 3, 4)),
        "units 2": ("layers", (3, 4)),
        "units 3": ("layers", (4,)),
    }


def test_what_two_parameters_decide_together_counts_as_always_there() -> None:
    def objective(trial: optuna.Trial) -> None:
        flags = [trial.suggest_categorical(name, [False, True]) for name in ("one", "two")]
        if all(flags):
            trial.suggest_float("rare", 0, 1)

    found = trials_of(objective)
    assert conditions_of(parameters_of(trial.distributions for trial in found), found) == {}


def test_a_range_that_changes_is_what_all_allow() -> None:
    changing = [IntDistribution(1, 9), IntDistribution(3, 12)]
    (found,) = parameters_of({"k": one} for one in changing).values()
    assert (found.component.low, found.component.high) == (3, 9)  # type: ignore[union-attr]
