"""An Optuna objective, called for one set of parameters: each call is a trial of the study."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from optimizer.errors import SettingsError
from optimizer.evaluation.scores import described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial, TrialState

MARK = "ratchet"
"""The user attribute that says what a trial was for: ``start-up``, or the task whose rollout it was."""
START_UP = "start-up"
WHY = "ratchet failed"
"""The user attribute that says why a trial has no value."""

Objective = Callable[["Trial"], Any]


class Failed(Exception):
    """The objective gave no value: it raised, was pruned, or answered with something that is no finite number."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Calls ``objective`` and tells ``study`` of it."""

    objective: Objective
    study: Study
    seed: int

    def call(self, params: Mapping[str, Any], purpose: str, *, draw: int = 0) -> float:
        """The value for ``params``. A parameter that is asked for and not among them is drawn at random by seed and
        ``draw``: always the same. Raises :class:`Failed`, and SettingsError for more than one value."""
        with self._sampler(draw):
            self.study.enqueue_trial(dict(params), user_attrs={MARK: purpose})
            return self._told(self.study.ask())

    def finish_waiting(self) -> None:
        """Call it for what a person had enqueued in the study."""
        from optuna.trial import TrialState

        waiting = self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        for draw in range(len(waiting)):
            with self._sampler(draw), suppress(Failed):
                trial = self.study.ask()
                trial.set_user_attr(MARK, START_UP)
                self._told(trial)

    def _told(self, trial: Trial) -> float:
        """The objective's value for the trial, of which the study is told."""
        from optuna.exceptions import TrialPruned
        from optuna.trial import TrialState

        try:
            value = self.objective(trial)
        except TrialPruned as error:
            raise self._failed(trial, f"pruned{f': {error}' if str(error) else ''}", TrialState.PRUNED) from None
        except Exception as error:
            raise self._failed(trial, f"{type(error).__name__}: {error}", TrialState.FAIL) from error
        except BaseException:  # Ctrl-C is no answer: the call is made again
            self.study.tell(trial, state=TrialState.FAIL)
            raise
        if isinstance(value, Sequence) and not isinstance(value, str):
            self.study.tell(trial, state=TrialState.FAIL)
            raise several(len(value))
        if not isinstance(value, Real) or not math.isfinite(float(value)):
            raise self._failed(trial, f"got {described(value)}, expected a number", TrialState.FAIL)
        self.study.tell(trial, float(value))
        return float(value)

    def _failed(self, trial: Trial, why: str, state: TrialState) -> Failed:
        trial.set_user_attr(WHY, why)
        self.study.tell(trial, state=state)
        return Failed(why)

    @contextmanager
    def _sampler(self, draw: int) -> Iterator[None]:
        """Nobody's sampler but a seeded one has a say; the study keeps its own."""
        from optuna.samplers import RandomSampler

        own = self.study.sampler
        self.study.sampler = RandomSampler(seed=(self.seed * 1_000_003 + draw) % 2**32)
        try:
            yield
        finally:
            self.study.sampler = own


def several(count: int) -> SettingsError:
    """What to say to an objective with more than one value."""
    return SettingsError(
        f"objective: got {count} values, expected one: several objectives are not weighed against each other here",
        hint="return the one that counts, or a weighted sum",
    )


def known_trial(trials: Sequence[FrozenTrial], params: Mapping[str, Any]) -> FrozenTrial | None:
    """The first trial that ended with the values of ``params`` for what it asked: the objective, if it is
    deterministic, would answer so again. A parameter that is not in ``params`` has one value only."""
    for trial in trials:
        if answered(trial) and all(params.get(name, value) == value for name, value in trial.params.items()):
            return trial
    return None


def answered(trial: FrozenTrial) -> bool:
    """Whether the objective was called to its end, also when it gave no value; a trial of somebody else's is, once it
    has ended."""
    ours = MARK in trial.user_attrs
    return trial.state.is_finished() and (trial.value is not None or WHY in trial.user_attrs or not ours)


def value_of(trial: FrozenTrial) -> float:
    """Its value. Raises :class:`Failed` where it has none."""
    if trial.value is None or not math.isfinite(trial.value):
        raise Failed(str(trial.user_attrs.get(WHY, trial.state.name.lower())))
    return trial.value
