"""Campaigns of one optimizer on one problem, held against the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from optimizer.bench.intervals import Figure, mean_of, ratio_of, share_of
from optimizer.bench.problems.base import Assignment, Problem, baseline_of
from optimizer.bench.rivals.base import Finding, Metered, Rival

HARMFUL_BELOW = -0.003
"""A kept step whose true effect is under -0.3 points is harmful."""

WORTHY = 0.01
"""Power is counted over candidates whose true effect is at least a point."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One campaign. Gains are fractions of the scale, against the baseline, on the task population.

    ``over_claimed`` is what was claimed less the true gain, None when nothing was claimed; ``working_gain`` is that of
    the best of the search before pruning. ``judged`` says whether single steps were held against the truth: of the
    ``keeps`` on the branch handed over ``false`` do nothing and ``harmful`` harm; of the ``worthy`` candidates offered
    ``worthy_kept`` stand on it. ``wrong``: certified though no better than the baseline.
    """

    seed: int
    true_gain: float
    over_claimed: float | None
    working_gain: float
    judged: bool
    keeps: int
    false: int
    harmful: int
    worthy: int
    worthy_kept: int
    certified: bool
    wrong: bool
    candidates: int
    rollouts: int
    repeats: int
    own_s: float


def run_one(problem: Problem, rival: Rival, budget: int | None = None) -> Measured:
    """One campaign of ``rival`` with the problem's seed; ``budget`` in rollouts, the problem's own when None."""
    metered = Metered(problem, problem.budget if budget is None else budget)
    return measured(problem, metered, rival.run(metered, seed=problem.seed))


def measured(problem: Problem, metered: Metered, finding: Finding) -> Measured:
    """What ``finding`` is worth in truth."""
    baseline = baseline_of(problem)
    if dict(finding.chain[0]) != baseline:
        raise ValueError("a chain has to begin with the baseline")
    start = problem.truth(baseline)
    gain = problem.truth(finding.champion) - start
    working = finding.champion if finding.working is None else finding.working
    truths = [problem.truth(one) for one in finding.chain] if problem.exact else []
    steps = [after - before for before, after in pairwise(truths)]
    offered = finding.offered if problem.exact else ()
    worthy = [pair for pair in offered if problem.truth(pair[1]) - problem.truth(pair[0]) >= WORTHY]
    return Measured(
        seed=problem.seed,
        true_gain=gain,
        over_claimed=None if finding.claimed is None else finding.claimed - gain,
        working_gain=problem.truth(working) - start,
        judged=problem.exact,
        keeps=len(finding.chain) - 1,
        false=sum(step <= problem.false_up_to for step in steps),
        harmful=sum(step < HARMFUL_BELOW for step in steps),
        worthy=len(worthy),
        worthy_kept=sum(_kept(before, after, finding.chain) for before, after in worthy),
        certified=finding.certified,
        wrong=finding.certified and gain <= 0,
        candidates=finding.candidates,
        rollouts=metered.spent,
        repeats=metered.repeats,
        own_s=finding.own_s,
    )


def _kept(before: Assignment, after: Assignment, chain: Sequence[Assignment]) -> bool:
    """Whether some champion of the chain holds all that the candidate changed."""
    changed = [(component, option) for component, option in after.items() if before[component] != option]
    return any(all(one[component] == option for component, option in changed) for one in chain[1:])


def figures(campaigns: Sequence[Measured]) -> Mapping[str, Figure]:
    """Every figure over the campaigns, with its interval: means with Student's t, shares of campaigns with Wilson's,
    ratios of sums with a bootstrap. See :class:`Measured` for the parts."""
    candidates = [one.candidates for one in campaigns]
    judged = [one for one in campaigns if one.judged]
    steps = [one.keeps for one in judged]
    return {
        "true_gain": mean_of([one.true_gain for one in campaigns]),
        "claimed_minus_true": mean_of([one.over_claimed for one in campaigns if one.over_claimed is not None]),
        "keeps": mean_of([one.keeps for one in campaigns], least=0.0),
        "false_share": ratio_of([one.false for one in judged], steps),
        "harmful_share": ratio_of([one.harmful for one in judged], steps),
        "certified_share": share_of([one.certified for one in campaigns]),
        "power": ratio_of([one.worthy_kept for one in campaigns], [one.worthy for one in campaigns]),
        "rollouts_per_candidate": ratio_of([one.rollouts for one in campaigns], candidates),
        "own_ms_per_candidate": ratio_of([1000 * one.own_s for one in campaigns], candidates),
        "working_gain": mean_of([one.working_gain for one in campaigns]),
        "gain_kept": ratio_of([one.true_gain for one in campaigns], [one.working_gain for one in campaigns]),
        "wrong_share": share_of([one.wrong for one in campaigns]),
        "claimed_share": share_of([one.over_claimed is not None for one in campaigns]),
        "candidates": mean_of(candidates, least=0.0),
        "rollouts": mean_of([one.rollouts for one in campaigns], least=0.0),
        "repeats": mean_of([one.repeats for one in campaigns], least=0.0),
    }
