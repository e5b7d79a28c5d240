"""Draws from what the gate believes of options."""

from __future__ import annotations

import statistics
from itertools import islice

import pytest

from optimizer.acceptance.beliefs import Posterior
from optimizer.acceptance.effects import Effects, Seen
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import WorkingSettings
from optimizer.acceptance.working import settle
from optimizer.records import Decision, Evaluation, Verdict

SETTINGS = WorkingSettings(prior_mean=-0.01, prior_sd=0.04, pooled=0.75)
TASKS = tuple(f"t{n}" for n in range(20))


def together() -> Effects:
    """Two options that were only ever seen to gain together, and one that lost."""
    start = Effects.prior(TASKS).with_terms({"a=1": (0.0, 0.1), "b=1": (0.0, 0.1), "c=1": (0.0, 0.1)})
    many = (40.0,) * len(TASKS)

    def seen(terms: tuple[str, ...], mean: float) -> Seen:
        return Seen(terms, TASKS, many, (mean,) * len(TASKS))

    return start.absorb([seen((), 0.5), seen(("a=1", "b=1"), 0.7), seen(("c=1",), 0.4)])


def test_draws_are_joint_and_what_was_never_met_has_its_prior() -> None:
    drawn = list(islice(Posterior(together(), SETTINGS).draws(["new=1", "b=1", "c=1", "a=1"], 7), 2_000))
    assert set(drawn[0]) == {"new=1", "b=1", "c=1", "a=1"}
    a, b, c, new = ([each[term] for each in drawn] for term in ("a=1", "b=1", "c=1", "new=1"))
    for term, values in (("a=1", a), ("c=1", c)):
        mean, sd = together().gain((term,))
        assert statistics.fmean(values) == pytest.approx(mean, abs=4 * sd / 2_000**0.5)
        assert statistics.stdev(values) == pytest.approx(sd, rel=0.1)
    assert statistics.correlation(a, b) < -0.9, "one of them explains the gain, or the other"
    assert statistics.fmean(new) == pytest.approx(-0.01, abs=0.004)
    assert statistics.stdev(new) == pytest.approx(0.04 * 0.75**0.5, rel=0.1)


def test_the_same_seed_gives_the_same_draws_and_another_one_others() -> None:
    beliefs = Posterior(together(), SETTINGS)
    first, again, other = (list(islice(beliefs.draws(["a=1", "new=1"], seed), 3)) for seed in (1, 1, 2))
    assert first == again and first[0] != first[1] and first != other
    assert next(beliefs.draws([], 1)) == {}


def test_a_covariance_that_rounding_made_a_little_negative_is_still_drawn_from() -> None:
    effects = together()
    place = effects.places["a=1"]
    effects.cov[place, :] = effects.cov[:, place] = 0.0
    effects.cov[place, place] = -1e-7
    assert next(Posterior(effects, SETTINGS).draws(["a=1", "b=1"], 3))["a=1"] == pytest.approx(
        effects.mean[place], abs=0.01
    )


@pytest.mark.parametrize("verdict", [Verdict.crash, Verdict.timeout, Verdict.discard])
def test_rollouts_that_crash_teach_as_scores_of_zero(verdict: Verdict) -> None:
    pool = Pool().absorb(dict.fromkeys(TASKS, (1.0, 0.0, 1.0))).meets(("a=1", "edit:4"))
    after = settle(pool, Evaluation(dict.fromkeys(TASKS, (0.0,)), {}), Decision(verdict, ""), SETTINGS)
    drawn = list(islice(Posterior(after.effects, SETTINGS).draws(["a=1"], 5), 500))
    assert statistics.fmean(each["a=1"] for each in drawn) < SETTINGS.prior_mean - 0.02
