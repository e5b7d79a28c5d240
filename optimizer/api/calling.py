"""A user's evaluator as a score function: what it is called with, and what its answer is worth."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from optimizer.api.examples import Examples
from optimizer.errors import SettingsError
from optimizer.evaluation.in_process import Score
from optimizer.evaluation.scores import described

Evaluator = Callable[..., object]
"""``evaluator(candidate, example)``, or ``evaluator(candidate)`` where there are no examples: the score, or a pair of
it and feedback. One with a parameter ``seed`` is handed the rollout's seed by that name."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The evaluator's own unit: ``worst`` is score 0, ``best`` is score 1, and either may be the larger number."""

    worst: float = 0.0
    best: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.worst) and math.isfinite(self.best)) or self.worst == self.best:
            raise SettingsError(f"worst, best: got {self.worst!r} and {self.best!r}, expected two different numbers")

    def score(self, value: float) -> float:
        """The score in [0, 1], when ``value`` lies between the two."""
        return (value - self.worst) / (self.best - self.worst)

    def value(self, score: float) -> float:
        """What :meth:`score` gives ``score`` for."""
        return self.worst + score * (self.best - self.worst)

    def gain(self, difference: float) -> float:
        """A difference of scores in the evaluator's unit."""
        return difference * (self.best - self.worst)


def score_of(evaluator: Evaluator, examples: Examples, fixed: Mapping[str, Any], scale: Scale) -> Score:
    """The score function of a campaign. ``fixed`` are the components that nothing may change.

    Raises :class:`SettingsError` for an evaluator that cannot be called so; the function does for an answer that is no
    number between the two ends of ``scale``.
    """
    with_example = any(example is not None for example in examples.by_id.values())
    with_seed = _checked(evaluator, 2 if with_example else 1)

    def score(candidate: Mapping[str, Any], task: str, seed: int) -> tuple[float, str]:
        given = [{**fixed, **candidate}, *([examples.by_id[task]] if with_example else [])]
        answer = evaluator(*given, **({"seed": seed} if with_seed else {}))
        value, feedback = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, "")
        number = float(value) if isinstance(value, Real) else math.nan
        scored = scale.score(number)
        if not -ROUNDING <= scored <= 1 + ROUNDING:  # not-a-number is neither
            raise SettingsError(
                f"evaluator: got {described(value)} for {task}, expected a number from {scale.worst:g} to "
                f"{scale.best:g}",
                hint="say what its worst and best score are (worst=, best=); what cannot be scored should raise, and "
                "counts as the worst. What was measured so far stands",
            )
        return min(1.0, max(0.0, scored)), _words(feedback)

    return score


ROUNDING = 1e-9


def _checked(evaluator: Evaluator, places: int) -> bool:
    """Whether the evaluator wants a seed."""
    expected = "evaluator(candidate, example)" if places == 2 else "evaluator(candidate), since there is no trainset"
    if not callable(evaluator):
        raise SettingsError(f"evaluator: got {described(evaluator)}, expected a function {expected}")
    if inspect.iscoroutinefunction(evaluator):
        raise SettingsError(
            "evaluator: got an async function, expected a plain one",
            hint="hand over one that calls asyncio.run(...)",
        )
    try:
        signature = inspect.signature(evaluator)
    except (TypeError, ValueError):  # builtins need not tell
        return False
    seed = signature.parameters.get("seed")
    with_seed = seed is not None and seed.kind in (seed.KEYWORD_ONLY, seed.POSITIONAL_OR_KEYWORD)
    try:
        signature.bind(*range(places), **({"seed": 0} if with_seed else {}))
    except TypeError as error:
        raise SettingsError(f"evaluator: got {signature} ({error}), expected a function {expected}") from None
    return with_seed


def _words(feedback: object) -> str:
    """Feedback as text; side information in a mapping as JSON."""
    if isinstance(feedback, str):
        return feedback
    return "" if feedback is None else json.dumps(feedback, default=str)
