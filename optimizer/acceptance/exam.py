"""Tier 2: the exam that makes the working champion a certified one, on tasks that tier 1 never saw.

Both sides run every ``certify`` task with the same fresh seeds, repeat by repeat; after each repeat the likelihood
ratio between "a gain of ``hope_share`` of what is hoped for" and "no gain" decides. An
:class:`~optimizer.records.Evaluation` holds this exam's rollouts: ``candidate`` the working champion's, ``champion``
the last certified one's. The caller's loop::

    while ask := plan_exam(tasks, evaluation, settings, first_repeat=first):
        evaluation = <evaluation with the rollouts of ask>
        if result := look_exam(evaluation, settings, hoped=hoped):
            break
    else:
        result = look_exam(evaluation, settings, hoped=hoped, last=True)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from optimizer.acceptance.distributions import normal_quantile, t_quantile
from optimizer.acceptance.evidence import TIE, clustered, within
from optimizer.acceptance.presets import ExamSettings
from optimizer.acceptance.words import points
from optimizer.acceptance.working import Ask
from optimizer.records import Evaluation


class Outcome(StrEnum):
    """``passed``: certified. ``failed``: fall back to the last certified champion. ``unclear``: go on, ask later."""

    passed = "passed"
    failed = "failed"
    unclear = "unclear"


@dataclass(frozen=True, slots=True)
class ExamResult:
    """What an exam said. ``effect`` is the mean difference in score points as a fraction; ``low`` to ``high`` is its
    interval, which stays valid although the exam stopped when it liked: at least 95%, and above zero exactly when
    the exam passed. ``log_ratio`` is the natural logarithm of the likelihood ratio at the end."""

    outcome: Outcome
    reason: str
    effect: float
    low: float
    high: float
    log_ratio: float
    hoped: float
    repeats: int
    tasks: int
    better: int
    worse: int
    rollouts: int


def exam_due(settings: ExamSettings, *, hoped: float, held: int) -> bool:
    """Whether to hold an exam now, in the middle of a campaign; one of the planned exams is left for the end.

    ``hoped`` is what the champion is believed to be better by than the certified one, ``held`` the exams held so far.
    """
    return hoped >= settings.threshold and held < settings.planned - 1


def final_due(settings: ExamSettings, *, hoped: float, held: int) -> bool:
    """Whether to hold one at the end of a campaign: anything is hoped for, over the baseline."""
    return hoped > 0 and held < settings.planned


def plan_exam(tasks: Sequence[str], evaluation: Evaluation, settings: ExamSettings, *, first_repeat: int = 0) -> Ask:
    """The next repeat of every task for both sides; empty when ``max_repeats`` are done.

    The first Ask holds ``min_repeats`` repeats, since nothing is decided before. ``first_repeat`` is the first repeat
    index of this exam: give each exam of a campaign a range of its own (:func:`first_repeat_of`), so that its rollouts
    are fresh. What is missing of half an Ask is asked again.
    """
    whole = min((_have(evaluation, task) for task in tasks), default=0)
    if whole >= settings.max_repeats or not tasks:
        return Ask()
    target = max(settings.min_repeats, whole + 1)

    def needs(scores: Mapping[str, Sequence[float]]) -> tuple[tuple[str, int], ...]:
        return tuple(
            (task, first_repeat + repeat)
            for repeat in range(target)
            for task in tasks
            if repeat >= len(scores.get(task, ()))
        )

    return Ask(needs(evaluation.candidate), needs(evaluation.champion))


def first_repeat_of(exam: int, settings: ExamSettings) -> int:
    """The first repeat index of the campaign's exam number ``exam`` (0, 1, ...). One rollout a task is all that a
    deterministic suite has to say: there every exam has the same, and what was run is not run again."""
    return exam * settings.max_repeats if settings.max_repeats > 1 else 0


def look_exam(
    evaluation: Evaluation, settings: ExamSettings, *, hoped: float, last: bool = False, final: bool = False
) -> ExamResult | None:
    """Passed, failed, or None for another repeat. ``last`` says that no more can be had: then unclear instead of None.

    The ratio is Wald's (1947, "Sequential Analysis", chapter 3) for the mean of paired differences with an estimated
    variance, as Fishtest uses it for engines (Li, Liu & Ying 2014, "Generalized sequential probability ratio test for
    separate families of hypotheses"), averaged over several gains between no gain and all that is hoped for (Robbins
    1970, "Statistical methods related to the law of the iterated logarithm"). Under no gain it is a martingale that
    starts at 1, so it ever reaches 1/a with probability at most a (Ville 1939), however often it is looked at; a is
    this exam's share of ``alpha``. The variance is clustered by task and never taken below what re-running alone
    explains; its being estimated from few tasks is paid for by t quantiles in place of normal ones.

    An exam that more repeats can hardly decide, because the tasks differ among each other by more than that, ends
    early; not the ``final`` one of a campaign, whose budget is of no other use. Nor does that one pass before all of it
    is spent: an estimate taken as soon as it looks good enough leans high, one of a size fixed before does not. The
    ratio is valid at any time, so that waiting costs nothing but the chance that it falls under the bar again.
    """
    tasks = sorted(task for task in evaluation.candidate if _have(evaluation, task) >= settings.min_repeats)
    if not tasks:
        return _unseen(evaluation, hoped) if last else None
    pairs = [_paired(evaluation, task) for task in tasks]
    repeats = min(len(values) for values in pairs)
    test = _Test.of(pairs, repeats, settings, hoped)
    over = last or repeats >= settings.max_repeats
    if test.log_ratio(test.effect) >= test.bar and (over or not final):
        outcome = Outcome.passed
    elif test.log_ratio(test.effect) <= settings.fail_log_ratio:
        outcome = Outcome.failed
    elif over or (not final and test.hopeless(settings.max_repeats / repeats, settings)):
        outcome = Outcome.unclear
    else:
        return None
    return _result(outcome, test, pairs, repeats, settings, hoped)


@dataclass(frozen=True, slots=True)
class _Test:
    """One look: the mean difference, its squared standard error, the part of it that more repeats would shrink, the
    gains that the ratio is averaged over, and the bar that its logarithm must reach."""

    effect: float
    variance: float
    rerun: float
    gains: tuple[float, ...]
    bar: float

    @classmethod
    def of(cls, pairs: Sequence[Sequence[float]], repeats: int, settings: ExamSettings, hoped: float) -> _Test:
        squares, degrees = within(pairs)
        rerun = squares / degrees / repeats if degrees else 0.0
        means = [math.fsum(values) / len(values) for values in pairs]
        effect, se, free = clustered(means, rerun=rerun, pseudo_tasks=settings.pseudo_tasks)
        variance = max(se**2, rerun / len(pairs))
        level = 1.0 - settings.alpha_each
        widened = (t_quantile(level, free) / normal_quantile(level)) ** 2
        hope = max(hoped, settings.min_hope)
        return cls(
            effect,
            variance * widened,
            rerun / len(pairs) * widened,
            tuple(share * hope for share in settings.hope_shares),
            -math.log(settings.alpha_each),
        )

    def log_ratio(self, effect: float, variance: float | None = None) -> float:
        """log of the mean over gains g of N(effect; g, variance) / N(effect; 0, variance); it rises with ``effect``."""
        variance = self.variance if variance is None else variance
        leads = [gain * (effect - 0.5 * gain) for gain in self.gains]
        if variance <= 0.0:
            return math.copysign(math.inf, max(leads)) if max(leads) else 0.0
        top = max(leads) / variance
        return top + math.log(math.fsum(math.exp(lead / variance - top) for lead in leads) / len(leads))

    def hopeless(self, more: float, settings: ExamSettings) -> bool:
        """Whether ``more`` times the repeats would leave it undecided even if the effect moved by one re-run error."""
        later = self.variance - self.rerun * (1.0 - 1.0 / more)
        move = math.sqrt(self.rerun)
        return (
            self.log_ratio(self.effect + move, later) < self.bar
            and self.log_ratio(self.effect - move, later) > settings.fail_log_ratio
        )

    def half_width(self) -> float:
        """How far the interval reaches on either side: gains outside it are those that this very test rejects.

        The test of "no gain" passes when the effect is that far above zero, so the interval is above zero exactly when
        the exam passes; its level is 1 - 2 ``alpha_each``.
        """
        low, high = 0.0, max(self.gains)
        while self.log_ratio(high) < self.bar:
            low, high = high, 2.0 * high
        for _ in range(80):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.log_ratio(middle) < self.bar else (low, middle)
        return high


def _result(
    outcome: Outcome,
    test: _Test,
    pairs: Sequence[Sequence[float]],
    repeats: int,
    settings: ExamSettings,
    hoped: float,
) -> ExamResult:
    effect, half, log_ratio = test.effect, test.half_width(), test.log_ratio(test.effect)
    means = [math.fsum(values) / len(values) for values in pairs]
    better, worse = sum(mean > TIE for mean in means), sum(mean < -TIE for mean in means)
    rollouts = 2 * sum(len(values) for values in pairs)
    level = 100 * (1 - 2 * settings.alpha_each)
    reason = (
        f"exam {outcome.value}: better on {better} of {len(pairs)} unseen tasks, worse on {worse}; "
        f"{points(effect)} points, {level:.3g}% interval {points(effect - half)} to {points(effect + half)}; "
        f"log-likelihood ratio {log_ratio:+.2f} (passes at {test.bar:+.2f}, fails at {settings.fail_log_ratio:+.2f}); "
        f"{repeats} repeats, {rollouts} rollouts"
    )
    return ExamResult(
        outcome=outcome,
        reason=reason,
        effect=effect,
        low=effect - half,
        high=effect + half,
        log_ratio=log_ratio,
        hoped=hoped,
        repeats=repeats,
        tasks=len(pairs),
        better=better,
        worse=worse,
        rollouts=rollouts,
    )


def _unseen(evaluation: Evaluation, hoped: float) -> ExamResult:
    rollouts = sum(len(v) for v in evaluation.candidate.values()) + sum(len(v) for v in evaluation.champion.values())
    return ExamResult(
        Outcome.unclear, "exam unclear: ended before it had its first repeats", 0.0, -1.0, 1.0, 0.0, hoped, 0, 0, 0, 0,
        rollouts,
    )  # fmt: skip


def _have(evaluation: Evaluation, task: str) -> int:
    return min(len(evaluation.candidate.get(task, ())), len(evaluation.champion.get(task, ())))


def _paired(evaluation: Evaluation, task: str) -> list[float]:
    sides = zip(evaluation.candidate[task], evaluation.champion[task], strict=False)
    return [candidate - champion for candidate, champion in sides]
