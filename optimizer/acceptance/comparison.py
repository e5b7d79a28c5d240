"""Candidate against champion: the plain paired difference, and what all the evidence together makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.acceptance.distributions import normal_cdf
from optimizer.acceptance.effects import LEAST, TASK_SD, Effects, Seen
from optimizer.acceptance.evidence import TIE, Estimate, clustered, difference
from optimizer.acceptance.pool import Pool, seen
from optimizer.acceptance.presets import WorkingSettings
from optimizer.records import Evaluation

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float64]


ODD_SHARE, ODD_SD = 0.001, 0.3
"""An edit in 1,000 is of another kind: it breaks the harness, or mends what was broken, and does to the score what has
this standard deviation. So few, that only evidence beyond doubt makes an edit one of them."""


def priors(pool: Pool, settings: WorkingSettings, odd: float = 0.0) -> dict[str, list[float]]:
    """Prior mean and standard deviation of the candidate's terms, for those that are new: each of its options has
    ``pooled`` of an edit's variance and its mean, the edit itself has the rest; an edit without options has both to
    itself. ``odd`` is the variance that the candidate has beside (:attr:`Estimate.odd`), which its new options and the
    edit share likewise."""
    changed = {*pool.candidate} ^ {*pool.terms}
    pooled = 0.0 if all(is_own(term) for term in changed) else settings.pooled
    new = [term for term in (*pool.terms, *pool.candidate) if term not in pool.effects.places]
    options = [term for term in new if term not in pool.terms and not is_own(term)]
    shared = odd * settings.pooled / len(options) if options else 0.0
    more = dict.fromkeys(options, shared) | {
        term: odd - shared * len(options) for term in new if term not in pool.terms and is_own(term)
    }
    option, alone = (settings.prior_mean, pooled), (0.0 if pooled else settings.prior_mean, 1.0 - pooled)
    found = {}
    for term in new:
        mean, share = alone if is_own(term) else option
        found[term] = [mean, math.sqrt(settings.prior_sd**2 * share + more.get(term, 0.0))]
    return found


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
    odd = champion.odd(raw, se)
    mean, sd = (0.0, 0.0) if same else champion.effect(ours, [n + uneven for n in noise], odd)
    return Estimate(
        raw=raw,
        se=se,
        degrees=degrees,
        shrunken=mean,
        posterior=_above_zero(mean, sd),
        tasks=len(compared),
        better=sum(one > TIE for one in differences),
        worse=sum(one < -TIE for one in differences),
        sd=sd,
        uneven=uneven,
        odd=odd,
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

    def odd(self, raw: float, se: float) -> float:
        """The variance that the effect has beside what was expected of it: that of an edit of another kind, where the
        difference that was measured makes that kind the likelier one, else 0. (Two normals, a narrow and a wide one:
        Box & Tiao 1968, "A Bayesian approach to some outlier problems".)

        A normal that nearly all edits come from, taken for the only one, would put a large effect down to the tasks:
        after an edit that breaks everything the champion would be taken for worse than it is, and after one that mends
        everything for as bad as the one before it."""
        if not math.isfinite(se):
            return 0.0
        narrow = float(self.cov[-1, -1]) + se**2 + LEAST
        wide, away = narrow + ODD_SD**2, (raw - float(self.mean[-1])) ** 2
        ratio = 0.5 * (math.log(narrow / wide) + away / narrow - away / wide)
        return ODD_SD**2 if ratio > math.log((1.0 - ODD_SHARE) / ODD_SHARE) else 0.0

    def effect(self, ours: Seen, variances: Sequence[float], odd: float) -> tuple[float, float]:
        """Mean and standard deviation of the effect after the candidate's rollouts."""
        cov = self.cov.copy()
        cov[-1, -1] += odd
        prior = _Joint(self.tasks, self.mean, cov)
        after = prior._updated(range(len(self.tasks)), (len(self.tasks),), ours.means, variances)
        return float(after.mean[-1]), math.sqrt(max(0.0, float(after.cov[-1, -1])))

    @property
    def levels(self) -> Floats:
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
