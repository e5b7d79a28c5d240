"""Optuna's parameters as components: what each may be, when it is there at all, and its values there and here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.assemble.components import Component
from optimizer.errors import SettingsError
from search_space.dimensions.base import Condition
from search_space.domains import FloatRange, IntRange, Scalar, same

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

FEW = 16
"""A whole number of more values than this is not asked for the value on which another parameter depends."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. ``options`` are the choices of a categorical one as values of a component, ``step``, ``low``
    and ``high`` place the grid of a real one that has a step."""

    name: str
    component: Component
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    step: float = 0.0
    high: float = 0.0

    def inner(self, value: Any) -> Scalar:
        """Optuna's value as the component's."""
        if self.choices:
            place = next(place for place, choice in enumerate(self.choices) if _equal(choice, value))
            return self.values()[place]
        if self.step:
            return round((float(value) - self.low) / self.step)
        number: Scalar = value
        return number

    def outer(self, value: Scalar) -> Any:
        """The component's value as Optuna's."""
        if self.choices:
            place = next(place for place, option in enumerate(self.values()) if same(option, value))
            return self.choices[place]
        if self.step and isinstance(value, int | float):
            return min(self.high, self.low + self.step * value)
        return value

    def values(self) -> tuple[Scalar, ...]:
        """All its values where there are few enough, else none."""
        if isinstance(self.component, IntRange):
            grid = range(self.component.low, self.component.high + 1, self.component.step)
            return tuple(grid) if len(grid) <= FEW else ()
        return () if isinstance(self.component, FloatRange) else tuple(self.component)

    def middle(self) -> Scalar:
        """What it is where nothing else says it."""
        component = self.component
        if isinstance(component, FloatRange):
            return math.sqrt(component.low * component.high) if component.log else (component.low + component.high) / 2
        if isinstance(component, IntRange):
            return component.low + (component.high - component.low) // (2 * component.step) * component.step
        return component[0]


def parameters_of(distributions: Iterable[Mapping[str, BaseDistribution]]) -> dict[str, Parameter]:
    """The parameters that trials asked for, in the order in which they first did; one that can have a single value is
    none. A range that differed from trial to trial is what all of them allow. Raises :class:`SettingsError` where that
    is nothing."""
    met: dict[str, BaseDistribution] = {}
    for trial in distributions:
        for name, distribution in trial.items():
            met[name] = _both(name, met[name], distribution) if name in met else distribution
    return {name: _parameter(name, distribution) for name, distribution in met.items() if not distribution.single()}


def conditions_of(parameters: Mapping[str, Parameter], trials: Sequence[FrozenTrial]) -> dict[str, Condition]:
    """The parameters that are asked for only beside some values of another one, as far as the trials tell: the first
    one before it whose values part the trials with it from those without. One for which there is no such other counts
    as always there: its value means nothing where the objective does not ask for it."""
    found: dict[str, Condition] = {}
    for place, name in enumerate(parameters):
        having = [trial.params for trial in trials if name in trial.params]
        lacking = [trial.params for trial in trials if name not in trial.params]
        if not lacking:
            continue
        for parent in list(parameters.values())[:place]:
            if values := _parting(parent, having, lacking):
                found[name] = Condition(parent.name, values)
                break
    return found


def _parting(
    parent: Parameter, having: Sequence[Mapping[str, Any]], lacking: Sequence[Mapping[str, Any]]
) -> tuple[Scalar, ...]:
    """The parent's values beside which the parameter is there; empty when they do not decide it."""
    if not parent.values() or not all(parent.name in params for params in having):
        return ()
    there = {parent.inner(params[parent.name]) for params in having}
    gone = {parent.inner(params[parent.name]) for params in lacking if parent.name in params}
    if not gone or there & gone:
        return ()
    if isinstance(parent.component, IntRange):  # a count, mostly: from one value on
        numbers, others = [_number(value) for value in there], [_number(value) for value in gone]
        if min(numbers) > max(others):
            return tuple(value for value in parent.values() if _number(value) > max(others))
        if max(numbers) < min(others):
            return tuple(value for value in parent.values() if _number(value) < min(others))
    return tuple(value for value in parent.values() if value in there)


def _number(value: Scalar) -> float:
    assert isinstance(value, int | float)
    return value


def _parameter(name: str, distribution: BaseDistribution) -> Parameter:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(distribution, CategoricalDistribution):
        choices = tuple(distribution.choices)
        return Parameter(name, _options(choices), choices)
    if isinstance(distribution, IntDistribution):
        return Parameter(name, IntRange(distribution.low, distribution.high, distribution.step, distribution.log))
    assert isinstance(distribution, FloatDistribution), "Optuna has three kinds"
    if distribution.step is None:
        return Parameter(name, FloatRange(distribution.low, distribution.high, distribution.log))
    count = round((distribution.high - distribution.low) / distribution.step)
    return Parameter(name, IntRange(0, count), low=distribution.low, step=distribution.step, high=distribution.high)


def _options(choices: Sequence[Any]) -> tuple[Scalar, ...]:
    """The choices themselves where a file can hold them and they differ; else what they look like, numbered."""
    plain = all(isinstance(one, str | bool | int) or (isinstance(one, float) and math.isfinite(one)) for one in choices)
    if plain and not any(same(one, other) for place, one in enumerate(choices) for other in choices[:place]):
        return tuple(choices)
    return tuple(f"{place}: {choice!r}" for place, choice in enumerate(choices))


def _both(name: str, one: BaseDistribution, other: BaseDistribution) -> BaseDistribution:
    """What both allow."""
    from optuna.distributions import FloatDistribution, IntDistribution

    if one == other:
        return one
    if isinstance(one, IntDistribution) and isinstance(other, IntDistribution):
        low, high = max(one.low, other.low), min(one.high, other.high)
        if low <= high and (one.step, one.log) == (other.step, other.log):
            return IntDistribution(low, high, log=one.log, step=one.step)
    if isinstance(one, FloatDistribution) and isinstance(other, FloatDistribution):
        least, most = max(one.low, other.low), min(one.high, other.high)
        if least <= most and (one.step, one.log) == (other.step, other.log):
            return FloatDistribution(least, most, log=one.log, step=one.step)
    raise SettingsError(
        f"objective: got the parameter '{name}' as {one} and as {other}, expected the same one each time",
        hint="call what depends on another parameter by different names",
    )


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other or (one != one and other != other))
