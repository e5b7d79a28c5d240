"""Candidate against champion: the plain paired difference, and what all the evidence together makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.acceptance.distributions import normal_cdf, t_quantile
from optimizer.acceptance.effects import LEAST, TASK_SD, Effects, Seen
from optimizer.acceptance.evidence import TIE, Estimate, clustered, difference
from optimizer.acceptance.pool import Pool, seen
from optimizer.acceptance.presets import WorkingSettings
from optimizer.records import Evaluation

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float64]


def priors(pool: Pool, settings: WorkingSettings) -> dict[str, list[float]]:
    """Prior mean and standard deviation of the candidate's terms, for those that are new: its options share
    ``pooled`` of an edit's variance and all of its mean, the edit itself has the rest; an edit without options has both
    to itself. A term ``edit...`` is an edit's own."""
    changed = {*pool.candidate} ^ {*pool.terms}
    pooled = 0.0 if all(is_own(term) for term in changed) else settings.pooled
    option = [settings.prior_mean, settings.prior_sd * math.sqrt(pooled)]
    alone = [0.0 if pooled else settings.prior_mean, settings.prior_sd * math.sqrt(1.0 - pooled)]
    new = [term for term in (*pool.terms, *pool.candidate) if term not in pool.effects.places]
    return {term: alone if is_own(term) else option for term in new}


def is_own(term: str) -> bool:
    """Whether a term is an edit's own, not an option's."""
    return term.partition(":")[0] == "edit" and "=" not in term


def measure(pool: Pool, evaluation: Evaluation, settings: WorkingSettings) -> Estimate | None:
    """The estimate as of now, on the tasks of which ``min_champion`` rollouts are known; None without any.

    ``raw``, ``se`` and what is counted compare the candidate's means with what is believed of the champion on the same
    tasks; the posterior is that of the effect given everything.
    """
    compared = [
        task
        for task, scores in evaluation.candidate.items()
        if scores and known(pool, task, settings) + len(evaluation.champion.get(task, ())) >= settings.min_champion
    ]
    if not compared:
        return None
    exact = settings.deterministic
    joint = _Joint.of(pool, compared, evaluation, settings)
    champion = joint.champion(0.0 if exact else pool.noise, evaluation)
    ours = seen(pool.candidate, {task: evaluation.candidate[task] for task in compared})
    noise = [0.0 if exact else pool.noise / count for count in ours.counts]
    own = pool.with_own(evaluation.champion) if exact else {}
    levels = [own[task].mean for task in compared] if exact else [float(level) for level in champion.levels]
    differences = [difference(mean, level) for mean, level in zip(ours.means, levels, strict=True)]
    common = 0.0 if exact else champion.common
    rerun = math.fsum(n + max(0.0, v - common) for n, v in zip(noise, champion.variances, strict=True)) / len(compared)
    raw, se, degrees = clustered(differences, rerun=rerun, pseudo_tasks=settings.pseudo_tasks)
    # Only what the noise of running again does not explain, give or take two standard errors of a variance.
    excess = se**2 * len(compared) - rerun * (1.0 + 2.0 * math.sqrt(2.0 / degrees)) if math.isfinite(se) else 0.0
    uneven = max(0.0, excess)
    se = math.hypot(se, math.sqrt(common))
    # Where nothing is noise, rounding must not decide about what makes no difference at all.
    same = exact and not any(differences)
    mean, sd = (0.0, 0.0) if same else champion.effect(ours, [n + uneven for n in noise])
    half = t_quantile(0.975, degrees) * se
    return Estimate(
        raw=raw,
        se=se,
        degrees=degrees,
        low=raw - half,
        high=raw + half,
        shrunken=mean,
        posterior=_above_zero(mean, sd),
        tasks=len(compared),
        better=sum(one > TIE for one in differences),
        worse=sum(one < -TIE for one in differences),
        sd=sd,
        uneven=uneven,
    )


def known(pool: Pool, task: str, settings: WorkingSettings) -> float:
    """The rollouts on ``task`` that tell of the champion's level there: of the champion itself where every harness has
    its own exact score, else of all that was compared."""
    return pool.next_repeat(task) if settings.deterministic else pool.weight(task)


def _above_zero(mean: float, sd: float) -> float:
    if sd <= math.sqrt(LEAST):
        return 0.5 if abs(mean) <= math.sqrt(LEAST) else float(mean > 0)
    return normal_cdf(mean / sd)


@dataclass(frozen=True)
class _Joint:
    """The champion's levels on the compared tasks and, last, the effect: mean and covariance, cut out of all that is
    known. Small: the number of compared tasks plus one."""

    tasks: tuple[str, ...]
    mean: Floats
    cov: Floats

    @classmethod
    def of(cls, pool: Pool, tasks: Sequence[str], evaluation: Evaluation, settings: WorkingSettings) -> _Joint:
        import numpy as np

        new = {name: (float(mean), float(sd)) for name, (mean, sd) in priors(pool, settings).items()}
        effects: Effects = pool.effects.with_terms({**{f"task:{task}": (0.0, TASK_SD) for task in tasks}, **new})
        rows = [effects.places[f"task:{task}"] for task in tasks]
        base = [0, *(effects.places[term] for term in pool.terms)]
        plus = [effects.places[term] for term in pool.candidate if term not in pool.terms]
        minus = [effects.places[term] for term in pool.terms if term not in pool.candidate]
        cov, size = effects.cov, len(tasks)
        beside = cov[:, base].sum(axis=1)
        apart = cov[:, plus].sum(axis=1) - cov[:, minus].sum(axis=1)
        out, mean = np.empty((size + 1, size + 1)), np.empty(size + 1)
        out[:size, :size] = cov[np.ix_(rows, rows)] + beside[rows][:, None] + beside[rows][None, :] + beside[base].sum()
        out[size, :size] = out[:size, size] = apart[rows] + apart[base].sum()
        out[size, size] = apart[plus].sum() - apart[minus].sum()
        mean[:size] = effects.mean[rows] + effects.mean[base].sum()
        mean[size] = effects.mean[plus].sum() - effects.mean[minus].sum()
        return cls(tuple(tasks), mean, out)

    def champion(self, noise: float, evaluation: Evaluation) -> _Joint:
        """After the champion's rollouts of this experiment."""
        fresh = seen((), {task: evaluation.champion.get(task, ()) for task in self.tasks})
        places = [self.tasks.index(task) for task in fresh.tasks]
        return self._updated(places, (), fresh.means, [noise / count for count in fresh.counts])

    def effect(self, ours: Seen, variances: Sequence[float]) -> tuple[float, float]:
        """Mean and standard deviation of the effect after the candidate's rollouts."""
        after = self._updated(range(len(self.tasks)), (len(self.tasks),), ours.means, variances)
        return float(after.mean[-1]), math.sqrt(max(0.0, float(after.cov[-1, -1])))

    @property
    def levels(self) -> NDArray[float]:  # type: ignore[type-var]
        return self.mean[:-1]

    @property
    def variances(self) -> list[float]:
        return [float(value) for value in self.cov.diagonal()[:-1]]

    @property
    def common(self) -> float:
        """The variance that the levels share: they err together by that much."""
        size = len(self.tasks)
        if size < 2:
            return 0.0
        levels = self.cov[:-1, :-1]
        return max(0.0, float(levels.sum() - levels.trace()) / (size * (size - 1)))

    def _updated(
        self, places: Sequence[int], also: Sequence[int], means: Sequence[float], variances: Sequence[float]
    ) -> _Joint:
        import numpy as np

        if not len(places):
            return self
        rows = np.asarray(places)
        gain = self.cov[:, rows]
        expected = self.mean[rows]
        for place in also:
            gain = gain + self.cov[:, [place]]
            expected = expected + self.mean[place]
        inner = gain[rows]
        for place in also:
            inner = inner + gain[[place]]
        inner[np.diag_indices_from(inner)] += np.asarray(variances) + LEAST
        weights = np.linalg.solve(inner, gain.T)
        return _Joint(self.tasks, self.mean + (np.asarray(means) - expected) @ weights, self.cov - gain @ weights)
