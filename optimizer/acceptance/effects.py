"""What all rollouts of a campaign say together: one normal posterior of tasks, options and edits.

The score of a rollout is the level of its task plus what the terms of its harness add, plus noise. A harness is known
by its *terms*: the options in which it differs from the baseline (``method.plan=long``), and one term for each kept
edit (``edit:17``), for what it does beyond its options. The task levels and the terms have a joint normal prior;
every rollout, also of what was discarded, moves the joint posterior: a mixed linear model with crossed random effects
(Gelman et al., "Bayesian Data Analysis", 3rd ed., chapter 15), updated as the evidence comes in (the normal linear
update: section 14.8; Kalman 1960). So a champion is known from all that was compared with it, a component that comes up
again is met with what is already known of it, and many estimates of the same kind are drawn together, which is what
keeps the best of them from looking better than it is (chapter 5; Efron & Morris 1977, "Stein's paradox").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float64]

LEVEL_MEAN, LEVEL_SD, TASK_SD = 0.5, 0.3, 0.3
"""The prior of a task's level: half the tasks solved, give or take, and tasks that differ as widely."""
MOST_TERMS = 240
"""So many terms are remembered; beyond, those met longest ago are forgotten, unless the champion has them."""
FIRST_NOISE, FIRST_DEGREES = 0.2, 10.0
"""What is believed of the variance of a rollout run again before any was: that of a success in 28 of 100, which weighs
as much as 10 rollouts."""
LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Seen:
    """The rollouts of one harness: its terms, and for each task their number and mean score. ``uneven`` is the variance
    from task to task of what sets this harness apart."""

    terms: tuple[str, ...]
    tasks: tuple[str, ...]
    counts: tuple[float, ...]
    means: tuple[float, ...]
    uneven: float = 0.0


@dataclass(frozen=True, eq=False)
class Effects:
    """The joint posterior: ``mean`` (length 1 + tasks + terms; the common level stands first) and ``cov`` beside it.

    Frozen: :meth:`absorb` and the others return a new one. ``places`` says where a task (``task:NAME``) or a term
    stands, in the order in which they were met. ``squares`` over ``degrees`` is the variance of one rollout run again,
    ``counts`` the rollouts seen on a task, of whatever harness.
    """

    mean: Floats
    cov: Floats
    places: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, float] = field(default_factory=dict)
    squares: float = FIRST_NOISE * FIRST_DEGREES
    degrees: float = FIRST_DEGREES

    @classmethod
    def prior(cls, tasks: Iterable[str] = ()) -> Effects:
        """What is believed of ``tasks`` before anything was run."""
        import numpy as np

        start = cls(np.array([LEVEL_MEAN]), np.array([[LEVEL_SD**2]]))
        return start.with_terms({_task(task): (0.0, TASK_SD) for task in tasks})

    def __eq__(self, other: object) -> bool:
        """Whether the two say the same, to the last digit."""
        if not isinstance(other, Effects):
            return NotImplemented
        ours, theirs = (
            (one.mean.tobytes(), one.cov.tobytes(), list(one.places.items()), one.counts, one.squares, one.degrees)
            for one in (self, other)
        )
        return ours == theirs

    __hash__ = None  # type: ignore[assignment]

    @property
    def noise(self) -> float:
        """The variance of one rollout run again, pooled over tasks and harnesses."""
        return self.squares / self.degrees

    def level(self, terms: Sequence[str], tasks: Iterable[str] | None = None) -> float:
        """The mean score believed of a harness over ``tasks`` (all that were met, when not given)."""
        chosen = [_task(task) for task in tasks] if tasks is not None else self._tasks()
        spread = [float(self.mean[self.places[name]]) for name in chosen if name in self.places]
        common = float(self.mean[0]) + sum(float(self.mean[self.places[term]]) for term in terms if term in self.places)
        return common + (sum(spread) / len(chosen) if chosen else 0.0)

    def gain(self, terms: Sequence[str], over: Sequence[str] = ()) -> tuple[float, float]:
        """What ``terms`` add beside ``over``: mean and standard deviation. Terms never met add nothing."""
        import numpy as np

        weights = np.zeros(len(self.mean))
        for sign, names in ((1.0, terms), (-1.0, over)):
            for name in names:
                if name in self.places:
                    weights[self.places[name]] += sign
        return float(weights @ self.mean), math.sqrt(max(0.0, float(weights @ self.cov @ weights)))

    def with_terms(self, priors: Mapping[str, tuple[float, float]]) -> Effects:
        """With every term of ``priors`` that was not met yet, by its prior mean and standard deviation."""
        import numpy as np

        new = {name: prior for name, prior in priors.items() if name not in self.places}
        if not new:
            return self
        size, wide = len(self.mean), len(self.mean) + len(new)
        mean, cov = np.zeros(wide), np.zeros((wide, wide))
        mean[:size], cov[:size, :size] = self.mean, self.cov
        places = dict(self.places)
        for place, (name, (middle, sd)) in enumerate(new.items(), start=size):
            places[name], mean[place], cov[place, place] = place, middle, sd**2
        return replace(self, mean=mean, cov=cov, places=places)

    def without(self, names: Iterable[str]) -> Effects:
        """With these terms forgotten (marginalised): what they taught of others stays."""
        import numpy as np

        gone = {name for name in names if name in self.places}
        if not gone:
            return self
        kept = [name for name in sorted(self.places, key=lambda name: self.places[name]) if name not in gone]
        stay = [0, *(self.places[name] for name in kept)]
        places = {name: place for place, name in enumerate(kept, start=1)}
        return replace(self, mean=self.mean[stay], cov=self.cov[np.ix_(stay, stay)], places=places)

    def absorb(self, seen: Sequence[Seen]) -> Effects:
        """The posterior after the rollouts of ``seen``, whose tasks and terms must be in ``places``."""
        import numpy as np

        seen = [one for one in seen if one.tasks]
        if not seen:
            return self
        gains, residuals, noise, rows = [], [], [], []
        for one in seen:
            common = [0, *(self.places[term] for term in one.terms)]
            tasks = [self.places[_task(task)] for task in one.tasks]
            gains.append(self.cov[:, tasks] + self.cov[:, common].sum(axis=1)[:, None])
            residuals.append(np.asarray(one.means) - self.mean[tasks] - self.mean[common].sum())
            noise.append(self.noise / np.asarray(one.counts) + one.uneven + LEAST)
            rows.append((common, tasks))
        gain = np.concatenate(gains, axis=1)
        inner = np.concatenate([gain[tasks] + gain[common].sum(axis=0)[None, :] for common, tasks in rows])
        inner[np.diag_indices_from(inner)] += np.concatenate(noise)
        weights = np.linalg.solve(inner, gain.T)
        cov = self.cov - gain @ weights
        counts = dict(self.counts)
        for one in seen:
            for task, count in zip(one.tasks, one.counts, strict=True):
                counts[task] = counts.get(task, 0.0) + count
        mean = self.mean + np.concatenate(residuals) @ weights
        return replace(self, mean=mean, cov=0.5 * (cov + cov.T), counts=counts)

    def uneven(self, tasks: Iterable[str], variance: float) -> Effects:
        """With the levels of ``tasks`` as much less sure as a new champion differs from the last from task to task."""
        if variance <= 0.0:
            return self
        cov = self.cov.copy()
        for task in tasks:
            place = self.places[_task(task)]
            cov[place, place] += variance
        return replace(self, cov=cov)

    def remembering(self, present: Iterable[str], lately: Sequence[str]) -> Effects:
        """At most ``MOST_TERMS`` terms: beyond, those met longest ago go, but none of ``present`` nor of ``lately``."""
        spare = {*present, *lately}
        terms = [name for name in self.places if not name.startswith("task:")]
        excess = len(terms) - MOST_TERMS
        return self.without([name for name in terms if name not in spare][:excess]) if excess > 0 else self

    def _tasks(self) -> list[str]:
        return [name for name in self.places if name.startswith("task:") and name[5:] in self.counts]


def _task(name: str) -> str:
    return f"task:{name}"
