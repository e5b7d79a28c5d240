"""What simplicity decides: not worse is good enough for what only takes away, and only once in a while."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.distributions import t_quantile
from optimizer.acceptance.evidence import Estimate, probability_better, shrink
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import CAREFUL, FAST, WorkingSettings
from optimizer.acceptance.simplification import Answer, hope, largest_loss, weigh
from optimizer.records import Decision, Verdict
from optimizer.standing import Standing

SETTINGS = FAST.working


def estimate(raw: float, se: float) -> Estimate:
    posterior = probability_better(raw, se, SETTINGS.prior_sd)
    shrunken = shrink(raw, se, SETTINGS.prior_sd)
    return Estimate(raw, se, 20.0, shrunken, posterior, 20, 5, 5)


def answer(found: Estimate, verdict: Verdict) -> Decision:
    return Decision(verdict, "as measured", effect=found.shrunken, posterior=found.posterior)


def weighed(
    found: Estimate,
    verdict: Verdict | None,
    *,
    simplicity: int = 1,
    share: float = 1.0,
    last: bool = False,
    conceded: float = 0.0,
    doubted: bool = False,
    settings: WorkingSettings = SETTINGS,
) -> Answer:
    return weigh(
        None if verdict is None else answer(found, verdict),
        found,
        settings,
        simplicity=simplicity,
        conceded=conceded,
        share=share,
        rollouts=180,
        last=last,
        doubted=doubted,
    )


def kept(found: Estimate, **more: Any) -> Decision | None:
    """The simplification that becomes of a discard; None when it stays one."""
    decision = weighed(found, Verdict.discard, **more).decision
    assert decision is not None and decision.simplification == (decision.verdict is Verdict.keep)
    return decision if decision.simplification else None


def test_an_unclear_keep_that_is_less_simple_is_discarded() -> None:
    unclear, clear = estimate(0.01, 0.03), estimate(0.06, 0.02)
    assert unclear.posterior < SETTINGS.keep_at <= clear.posterior
    refused = weighed(unclear, Verdict.keep, simplicity=-1).decision
    assert refused is not None and refused.verdict is Verdict.discard and refused.reason.endswith("and less simple")
    for simplicity in (0, 1):
        assert weighed(unclear, Verdict.keep, simplicity=simplicity) == Answer(answer(unclear, Verdict.keep))
    assert weighed(clear, Verdict.keep, simplicity=-1).decision == answer(clear, Verdict.keep)


def test_a_simplification_that_is_not_worse_is_kept_with_all_its_rollouts_had() -> None:
    even = estimate(-0.002, 0.02)
    told = kept(even)
    assert told is not None and told.reason == "worse by 2.3 points at most (85% confidence), 3.0 allowed"
    assert told.conceded == pytest.approx(largest_loss(even, SETTINGS)) and told.effect == even.shrunken
    assert told.rollouts == 180
    assert weighed(even, Verdict.discard, simplicity=0) == Answer(answer(even, Verdict.discard))
    assert weighed(even, Verdict.discard, share=0.5) == Answer(None, doubted=True), "it waits"
    cut = weighed(even, Verdict.discard, share=0.5, last=True).decision
    assert cut is not None and cut.reason == "a simplification, but the end came before it could prove not worse"
    off = replace(SETTINGS, simpler_margin=0.0)
    assert weighed(even, Verdict.discard, settings=off) == Answer(answer(even, Verdict.discard))


def test_what_may_lose_more_than_the_margin_is_discarded_and_early_when_there_is_little_hope() -> None:
    told = weighed(estimate(0.0, 0.04), Verdict.discard).decision
    assert told is not None and told.verdict is Verdict.discard
    assert told.reason == "a simplification, but it may lose 4.3 points (85% confidence), 3.0 allowed"
    given_up = weighed(estimate(-0.06, 0.04), Verdict.discard, share=0.5).decision
    assert given_up is not None and given_up.reason == "a simplification, but too little hope that it proves not worse"


def test_what_the_score_alone_discarded_gets_no_second_chance_to_look_better() -> None:
    """Measured on for being simple, an edit that harms would come to look better often enough."""
    better = estimate(0.06, 0.03)
    assert better.posterior >= SETTINGS.keep_at
    assert weighed(better, Verdict.keep, share=0.5).decision == answer(better, Verdict.keep)
    assert weighed(better, Verdict.keep, share=0.5, doubted=True) == Answer(None, doubted=True)
    assert weighed(better, None, share=0.5, doubted=True) == Answer(None, doubted=True)
    told = weighed(better, Verdict.keep, doubted=True).decision
    assert told is not None and told.simplification, "in the end it is judged as what it is"


def test_what_was_conceded_before_is_not_there_again() -> None:
    even, surely_no_worse = estimate(-0.002, 0.02), estimate(0.025, 0.02)
    assert kept(even, conceded=0.005) and not kept(even, conceded=0.01)
    free = kept(surely_no_worse, conceded=0.03)
    assert free is not None and free.conceded == 0.0


@pytest.mark.parametrize(("raw", "expected"), [(-0.01, True), (-0.05, False)])
def test_without_any_noise_the_margin_alone_decides(raw: float, expected: bool) -> None:
    assert (kept(estimate(raw, 0.0)) is not None) == expected
    assert (weighed(estimate(raw, 0.0), Verdict.discard, share=0.5).decision is None) == expected


RAW, SE = st.floats(-0.3, 0.3), st.floats(0.001, 0.3)


@given(RAW, SE, st.sampled_from([*Verdict]), st.floats(0.05, 1.0), st.integers(-1, 1), st.booleans())
def test_only_what_is_open_changes_sides(
    raw: float, se: float, verdict: Verdict, share: float, simplicity: int, doubted: bool
) -> None:
    found, doubted = estimate(raw, se), doubted and simplicity > 0
    verdict = verdict if verdict is Verdict.keep else Verdict.discard
    before = answer(found, verdict)
    told = weighed(found, verdict, share=share, simplicity=simplicity, doubted=doubted)
    after = told.decision
    if after is None:
        assert told.doubted and simplicity == 1 and share < 1.0
    elif after.simplification:
        assert told.doubted and share == 1.0 and after.verdict is Verdict.keep
        assert not_ruled_out(found) <= SETTINGS.simpler_margin + 1e-12
    elif after.verdict is not verdict:
        assert after.verdict is Verdict.discard and (simplicity < 0 or doubted)
    assert after is None or after.effect == before.effect, "the evidence stays what it is"


def not_ruled_out(found: Estimate) -> float:
    """The loss at which a one-sided t test of the gate's confidence just rejects."""
    return 0.0 if found.se == 0 else max(0.0, t_quantile(SETTINGS.keep_at, found.degrees) * found.se - found.raw)


@given(RAW, SE, st.floats(0.0, 0.2), st.floats(0.0, 0.1), st.floats(0.01, 1.0))
def test_hope_and_loss(raw: float, se: float, better: float, margin: float, share: float) -> None:
    found, more = estimate(raw, se), estimate(raw + better, se)
    assert largest_loss(more, SETTINGS) <= largest_loss(found, SETTINGS)
    hoped = hope(found, SETTINGS, margin, share)
    assert 0.0 <= hoped <= 1.0
    assert hope(more, SETTINGS, margin, share) >= hoped - 1e-9 <= hope(found, SETTINGS, margin + better, share)
    assert hope(found, SETTINGS, margin, 1.0) == (raw >= not_ruled_out(estimate(0.0, se)) - margin)
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
                if told := kept(found, conceded=standing.conceded, settings=settings):
                    standing = standing.kept("next", "commit", Pool(), told, {})
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
        passed += kept(replace(found, degrees=1e6), settings=settings) is not None
    assert passed / 2_000 <= 1.0 - settings.keep_at + 0.02
    assert passed / 2_000 >= (1.0 - settings.keep_at) / 2, "and the test is not more timid than that"
