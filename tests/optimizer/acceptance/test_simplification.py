"""What simplicity decides: not worse is good enough for what only takes away, and only once in a while."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.evidence import Estimate, probability_better, shrink
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import CAREFUL, FAST, WorkingSettings
from optimizer.acceptance.simplification import largest_loss, not_worse, weigh
from optimizer.records import Decision, Verdict
from optimizer.standing import Standing

SETTINGS = FAST.working


def estimate(raw: float, se: float) -> Estimate:
    posterior = probability_better(raw, se, SETTINGS.prior_sd)
    shrunken = shrink(raw, se, SETTINGS.prior_sd)
    return Estimate(raw, se, 20.0, raw - 2 * se, raw + 2 * se, shrunken, posterior, 20, 5, 5)


def answer(found: Estimate, verdict: Verdict) -> Decision:
    return Decision(verdict, "as measured", effect=found.shrunken, posterior=found.posterior)


def weighed(
    found: Estimate,
    verdict: Verdict,
    *,
    simplicity: int = 1,
    at_cap: bool = True,
    last: bool = False,
    conceded: float = 0.0,
    settings: WorkingSettings = SETTINGS,
) -> Decision | None:
    return weigh(
        answer(found, verdict),
        found,
        settings,
        simplicity=simplicity,
        conceded=conceded,
        at_cap=at_cap,
        last=last,
    )


def test_an_unclear_keep_that_is_less_simple_is_discarded() -> None:
    unclear, clear = estimate(0.01, 0.03), estimate(0.06, 0.02)
    assert unclear.posterior < SETTINGS.keep_at <= clear.posterior
    refused = weighed(unclear, Verdict.keep, simplicity=-1)
    assert refused is not None and refused.verdict is Verdict.discard and refused.reason.endswith("and less simple")
    for simplicity in (0, 1):
        assert weighed(unclear, Verdict.keep, simplicity=simplicity) == answer(unclear, Verdict.keep)
    assert weighed(clear, Verdict.keep, simplicity=-1) == answer(clear, Verdict.keep)


def test_a_simplification_that_is_not_worse_is_kept_at_the_cap_alone() -> None:
    even = estimate(-0.002, 0.02)
    kept = weighed(even, Verdict.discard)
    assert kept is not None and kept.verdict is Verdict.keep and kept.simplification
    assert kept.reason == "worse by 2.3 points at most (85% confidence), 3.0 allowed"
    assert kept.conceded == pytest.approx(largest_loss(even, SETTINGS)) and kept.effect == even.shrunken
    assert weighed(even, Verdict.discard, simplicity=0) == answer(even, Verdict.discard)
    assert weighed(even, Verdict.discard, at_cap=False) is None, "it waits until it has had all its rollouts"
    assert weighed(even, Verdict.discard, at_cap=False, last=True) == answer(even, Verdict.discard)
    off = replace(SETTINGS, simpler_margin=0.0)
    assert weighed(even, Verdict.discard, settings=off) == answer(even, Verdict.discard)


def test_what_may_lose_more_than_the_margin_is_discarded_and_early_when_it_is_likely_to() -> None:
    wide, worse = estimate(0.0, 0.04), estimate(-0.06, 0.04)
    told = weighed(wide, Verdict.discard)
    assert told is not None and told.verdict is Verdict.discard and not told.simplification
    assert told.reason == "a simplification, but it may lose 4.3 points (85% confidence), 3.0 allowed"
    assert weighed(worse, Verdict.discard, at_cap=False) == answer(worse, Verdict.discard)


def test_what_was_conceded_before_is_not_there_again() -> None:
    even = estimate(-0.002, 0.02)
    spent = weighed(even, Verdict.discard, conceded=0.01)
    assert spent is not None and spent.verdict is Verdict.discard and "2.0 allowed" in spent.reason
    surely_no_worse = estimate(0.025, 0.02)
    free = weighed(surely_no_worse, Verdict.discard, conceded=0.03)
    assert free is not None and free.simplification and free.conceded == 0.0


@pytest.mark.parametrize(("raw", "expected"), [(-0.01, 1.0), (-0.05, 0.0)])
def test_without_any_noise_the_margin_alone_decides(raw: float, expected: float) -> None:
    assert not_worse(estimate(raw, 0.0), 0.03) == expected
    kept = weighed(estimate(raw, 0.0), Verdict.discard)
    assert kept is not None and kept.simplification == bool(expected)


RAW, SE = st.floats(-0.3, 0.3), st.floats(0.001, 0.3)


@given(RAW, SE, st.sampled_from([Verdict.keep, Verdict.discard]), st.booleans(), st.integers(-1, 1))
def test_only_what_is_open_changes_sides(
    raw: float, se: float, verdict: Verdict, at_cap: bool, simplicity: int
) -> None:
    found = estimate(raw, se)
    before = answer(found, verdict)
    after = weighed(found, verdict, at_cap=at_cap, simplicity=simplicity)
    if after is None:
        assert simplicity == 1 and verdict is Verdict.discard and not at_cap
    elif after.verdict is not before.verdict:
        assert simplicity == (1 if after.verdict is Verdict.keep else -1)
        assert after.effect == before.effect, "the evidence stays what it is"
    else:
        assert replace(after, reason=before.reason) == before


@given(RAW, SE, st.floats(0.0, 0.2), st.floats(0.0, 0.2))
def test_the_confidence_of_being_no_worse(raw: float, se: float, better: float, margin: float) -> None:
    found = estimate(raw, se)
    sure = not_worse(found, margin)
    assert 0.0 <= sure <= 1.0
    assert not_worse(estimate(raw + better, se), margin) >= sure - 1e-9
    assert not_worse(found, margin + better) >= sure - 1e-9
    loss = largest_loss(found, SETTINGS)
    assert not_worse(found, loss) >= SETTINGS.keep_at - 1e-9, "the limit is where the confidence is reached"
    assert largest_loss(replace(found, se=math.inf), SETTINGS) == math.inf


@given(
    st.lists(st.tuples(RAW, SE, st.sampled_from(["edit", "edit", "edit", "passed", "failed", "unclear"])), max_size=40),
    st.sampled_from([SETTINGS, CAREFUL.working, replace(SETTINGS, simpler_margin=0.07)]),
)
def test_a_row_of_simplifications_never_concedes_more_than_one_margin(
    row: list[tuple[float, float, str]], settings: WorkingSettings
) -> None:
    """Whatever comes and whatever is kept: between two certificates the losses that were not ruled out, and so the
    losses believed, add up to the margin at most."""
    standing, believed = Standing.at_baseline("tree", "commit"), 0.0
    for raw, se, what in row:
        match what:
            case "passed":
                standing, believed = standing.passed_exam(), 0.0
            case "failed":
                standing, believed = standing.failed_exam(), 0.0
            case "unclear":
                standing = standing.unclear_exam(0, 10)
            case _:
                found = estimate(raw, se)
                told = weighed(found, Verdict.discard, conceded=standing.conceded, settings=settings)
                assert told is not None
                if told.verdict is Verdict.keep:
                    standing = standing.kept("next", "commit", Pool(), told)
                    believed += max(0.0, -found.shrunken)
        assert believed <= standing.conceded + 1e-9
        assert standing.conceded <= settings.simpler_margin + 1e-9
    assert Standing.from_json(standing.to_json()) == standing


@pytest.mark.parametrize("settings", [SETTINGS, CAREFUL.working])
def test_what_costs_the_margin_passes_as_seldom_as_is_said(settings: WorkingSettings) -> None:
    rng = random.Random(5)
    passed = 0
    for _ in range(2_000):
        found = estimate(rng.gauss(-settings.simpler_margin, 0.02), 0.02)
        told = weighed(replace(found, degrees=1e6), Verdict.discard, settings=settings)
        passed += told is not None and told.simplification
    assert passed / 2_000 <= 1.0 - settings.keep_at + 0.02
    assert passed / 2_000 >= (1.0 - settings.keep_at) / 2, "and the test is not more timid than that"
