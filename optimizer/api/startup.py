"""The first draws of an objective: which parameters it asks for, when, and what its values are like."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from optimizer.api.objectives import MARK, START_UP, Asking, Failed, answered
from optimizer.api.parameters import Parameter, conditions_of, parameters_of
from optimizer.errors import SettingsError
from search_space.dimensions.base import Condition
from search_space.domains import Scalar

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

AGAIN = "start-up, again"
"""The second call for the best parameters, which tells whether the objective is deterministic."""
SHARE = 4
"""No more than this part (a quarter) of the trials is spent on finding parameters and their choices."""


@dataclass(frozen=True, slots=True)
class Bend:
    """Values that may be any number as scores in (0, 1), more being better: ``middle`` is 0.5, and a value that is
    better by ``step`` 0.75; beyond that it grows ever more slowly and never ends (z / (1 + |z|))."""

    middle: float
    step: float

    def score(self, value: float) -> float:
        z = (value - self.middle) / self.step
        return 0.5 + 0.5 * z / (1.0 + abs(z))


@dataclass(frozen=True, slots=True)
class Start:
    """What the start-up found. ``params`` are the best that it met, ``bend`` follows from its values (the median, and
    how much better the best one is), ``deterministic`` whether the best parameters gave the same value twice."""

    parameters: Mapping[str, Parameter]
    conditions: Mapping[str, Condition]
    params: Mapping[str, Any]
    bend: Bend
    deterministic: bool

    @property
    def assignment(self) -> dict[str, Scalar]:
        """Every component's value at the start, also of those that are not there then."""
        return {
            name: parameter.inner(self.params[name]) if name in self.params else parameter.middle()
            for name, parameter in self.parameters.items()
        }

    def outer(self, assignment: Mapping[str, Scalar]) -> dict[str, Any]:
        """Optuna's parameters for what the space reads."""
        return {name: self.parameters[name].outer(value) for name, value in assignment.items()}


def start_up(asking: Asking, *, draws: int, n_trials: int, deterministic: bool | None) -> Start:
    """Draw parameters at random until there are ``draws`` trials and each choice of each parameter was met, with at
    most a quarter of ``n_trials`` for that. What the study holds already counts.

    Raises :class:`SettingsError` when the objective never gives a value, or asks for no parameter.
    """
    most, failure = max(draws, n_trials // SHARE), ""
    begun = any(trial.user_attrs.get(MARK, START_UP) not in (START_UP, AGAIN) for trial in _trials(asking.study))
    if not begun:
        asking.finish_waiting()
    while not begun:
        drawn = ran(asking.study)
        wanted = next_draw(drawn)
        if len(drawn) >= most or (len(drawn) >= draws and not wanted):
            break
        try:
            asking.call(wanted, START_UP, draw=len(drawn))
        except Failed as error:
            failure = str(error)
    best = best_of(asking.study)
    if best is None:
        raise SettingsError(
            f"objective: got no value in {len(ran(asking.study))} draws, expected one from some of them: {failure}",
            hint="call it once by hand: objective(study.ask())",
        )
    if deterministic is None:
        deterministic = _same_again(asking, best)
    return _start(ran(asking.study), best, asking.study, deterministic)


def ran(study: Study) -> list[FrozenTrial]:
    """The trials of the start-up, and of before it, in which the objective answered."""
    return [trial for trial in _trials(study) if answered(trial) and trial.user_attrs.get(MARK, START_UP) == START_UP]


def next_draw(trials: list[FrozenTrial]) -> dict[str, Any]:
    """What to set in the next draw so that a choice is met that was not yet; empty when each was. A parameter that is
    asked for on some paths only is met on one that is known to lead to it."""
    parameters = parameters_of(trial.distributions for trial in trials)
    left: dict[str, Any] = {}
    for name, parameter in parameters.items():
        values = parameter.values() or _ends(parameter)
        met = {parameter.inner(trial.params[name]) for trial in trials if name in trial.params}
        if unmet := [value for value in values if value not in met]:
            left[name] = parameter.outer(unmet[0])
    if not left:
        return {}
    target = next(iter(left))
    path = next(trial.params for trial in trials if target in trial.params)
    before = list(path)[: list(path).index(target)]
    return {**{name: path[name] for name in before}, **{name: left[name] for name in left if name not in before}}


def best_of(study: Study) -> FrozenTrial | None:
    """The start-up's trial with the best value; the first one of those that are equal."""
    from optuna.study import StudyDirection

    better = max if study.direction is StudyDirection.MAXIMIZE else min
    with_value = [trial for trial in ran(study) if trial.value is not None and math.isfinite(trial.value)]
    return better(with_value, key=lambda trial: trial.value or 0.0) if with_value else None


def _ends(parameter: Parameter) -> tuple[Scalar, ...]:
    """The ends of a long range of whole numbers: a count decides how many others there are."""
    component = parameter.component
    low, high = getattr(component, "low", None), getattr(component, "high", None)
    return (low, high) if isinstance(low, int) and isinstance(high, int) else ()


def _same_again(asking: Asking, best: FrozenTrial) -> bool:
    known = [trial.value for trial in _trials(asking.study) if trial.user_attrs.get(MARK) == AGAIN]
    if not known:
        with suppress(Failed):
            known = [asking.call(best.params, AGAIN)]
    return known == [best.value]


def _start(drawn: list[FrozenTrial], best: FrozenTrial, study: Study, deterministic: bool) -> Start:
    from optuna.study import StudyDirection

    parameters = parameters_of(trial.distributions for trial in drawn)
    if not parameters:
        raise SettingsError("objective: it asked for no parameter that can be more than one thing, expected some")
    assert best.value is not None
    middle = median(trial.value for trial in drawn if trial.value is not None and math.isfinite(trial.value))
    step = best.value - middle or (abs(middle) or 1.0) * (1 if study.direction is StudyDirection.MAXIMIZE else -1)
    params = {name: value for name, value in best.params.items() if name in parameters}
    return Start(parameters, conditions_of(parameters, drawn), params, Bend(middle, step), deterministic)


def _trials(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False)
