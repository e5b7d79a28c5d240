"""Where the evidence does not decide, the simpler harness does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.evidence import Estimate, probability_better, shrink
from optimizer.acceptance.presets import FAST
from optimizer.acceptance.tiebreak import SIMPLICITY, break_tie, not_worse, simpler
from optimizer.records import Decision, Verdict

SETTINGS = FAST.working
SHORT = {"harness.toml": b'name = "x"\n', "prompts/system.md": b"Be brief.\n"}
LONG = {**SHORT, "prompts/system.md": b"Be brief.\nThink first, then answer, and then look again.\n"}


def estimate(raw: float, se: float) -> Estimate:
    posterior = probability_better(raw, se, SETTINGS.prior_sd)
    shrunken = shrink(raw, se, SETTINGS.prior_sd)
    return Estimate(raw, se, 20.0, raw - 2 * se, raw + 2 * se, shrunken, posterior, 20, 5, 5)


def answer(found: Estimate, verdict: Verdict) -> Decision:
    return Decision(verdict, "as measured", effect=found.shrunken, posterior=found.posterior)


def tools(text: str) -> dict[str, bytes]:
    return {**SHORT, "harness.toml": f'name = "x"\n[tools]\n{text}\n'.encode()}


def test_fewer_prompt_tokens_and_fewer_lines_are_simpler() -> None:
    for name in ("prompt_tokens", "lines"):
        assert (simpler(LONG, SHORT, [name]), simpler(SHORT, LONG, [name]), simpler(LONG, LONG, [name])) == (1, -1, 0)
    assert simpler(LONG, SHORT, []) == 0, "without tie-breaks nothing is simpler"
    described = tools('descriptions = { grep = "Finds a pattern in every file of the workspace." }')
    assert simpler(SHORT, described, ["prompt_tokens"]) == -1


def test_fewer_tools_offered_are_simpler() -> None:
    offered, off = tools('visibility = { grep = "offered" }'), tools('visibility = { grep = "off" }')
    assert simpler(offered, off, ["tools_offered"]) == 1
    assert simpler(SHORT, off, ["tools_offered"]) == 1, "a tool that is not named is offered by default"
    assert simpler(SHORT, offered, ["tools_offered"]) == 0
    assert simpler(SHORT, tools('default = "off"'), ["tools_offered"]) == 1
    assert simpler(off, tools('visibility = { grep = "agent:scout" }'), ["tools_offered"]) == -1
    assert simpler(SHORT, {"harness.toml": b"= broken"}, ["tools_offered"]) == 0


def test_the_first_tie_break_in_which_they_differ_decides() -> None:
    fewer_tools_more_words = {**LONG, "harness.toml": tools('visibility = { grep = "off" }')["harness.toml"]}
    assert simpler(SHORT, fewer_tools_more_words, ["tools_offered", "prompt_tokens"]) == 1
    assert simpler(SHORT, fewer_tools_more_words, ["prompt_tokens", "tools_offered"]) == -1


def test_an_unclear_keep_that_is_less_simple_is_discarded() -> None:
    unclear, clear = estimate(0.01, 0.03), estimate(0.06, 0.02)
    assert unclear.posterior < SETTINGS.keep_at <= clear.posterior
    kept = answer(unclear, Verdict.keep)
    refused = break_tie(kept, unclear, SETTINGS, at_cap=True, simplicity=-1)
    assert refused.verdict is Verdict.discard and refused.reason.endswith("and less simple")
    for simplicity in (0, 1):
        assert break_tie(kept, unclear, SETTINGS, at_cap=True, simplicity=simplicity) == kept
    assert break_tie(answer(clear, Verdict.keep), clear, SETTINGS, at_cap=True, simplicity=-1).verdict is Verdict.keep


def test_an_unclear_discard_that_is_simpler_is_kept_when_it_is_not_worse() -> None:
    even, worse = estimate(-0.002, 0.03), estimate(-0.015, 0.06)
    dropped = answer(even, Verdict.discard)
    kept = break_tie(dropped, even, SETTINGS, at_cap=True, simplicity=1)
    assert kept.verdict is Verdict.keep and "kept as a simplification: P(not worse by 3.0)" in kept.reason
    assert break_tie(dropped, even, SETTINGS, at_cap=False, simplicity=1) == dropped, "cut short is no tie"
    assert break_tie(dropped, even, SETTINGS, at_cap=True, simplicity=0) == dropped
    assert not_worse(worse, SETTINGS) < SETTINGS.keep_at
    assert break_tie(answer(worse, Verdict.discard), worse, SETTINGS, at_cap=True, simplicity=1).verdict is (
        Verdict.discard
    )
    exact = replace(SETTINGS, simpler_margin=0.0)
    assert break_tie(dropped, even, exact, at_cap=True, simplicity=1) == dropped


@pytest.mark.parametrize(("raw", "expected"), [(-0.01, 1.0), (-0.05, 0.0)])
def test_without_any_noise_the_margin_alone_decides(raw: float, expected: float) -> None:
    assert not_worse(estimate(raw, 0.0), SETTINGS) == expected


RAW, SE = st.floats(-0.3, 0.3), st.floats(0.001, 0.3)


@given(RAW, SE, st.sampled_from([Verdict.keep, Verdict.discard]), st.booleans(), st.integers(-1, 1))
def test_only_what_is_open_changes_sides(
    raw: float, se: float, verdict: Verdict, at_cap: bool, simplicity: int
) -> None:
    found = estimate(raw, se)
    before = answer(found, verdict)
    after = break_tie(before, found, SETTINGS, at_cap=at_cap, simplicity=simplicity)
    if after.verdict is not before.verdict:
        assert simplicity == (1 if after.verdict is Verdict.keep else -1)
        assert SETTINGS.discard_at < found.posterior < SETTINGS.keep_at or verdict is Verdict.keep
        assert after.effect == before.effect, "the evidence stays what it is"
    else:
        assert after == before


@given(RAW, SE, st.floats(0.0, 0.2))
def test_the_chance_of_being_no_worse(raw: float, se: float, better: float) -> None:
    found = estimate(raw, se)
    sure = not_worse(found, SETTINGS)
    assert 0.0 <= sure <= 1.0
    assert sure >= found.posterior - 1e-9, "no worse by a margin is no harder than better"
    assert not_worse(estimate(raw + better, se), SETTINGS) >= sure - 1e-9
    assert not_worse(replace(found, se=math.inf, shrunken=0.0), SETTINGS) == pytest.approx(0.8413, abs=1e-4)


FILES = st.dictionaries(
    st.sampled_from(["harness.toml", "prompts/system.md", "prompts/more.md"]), st.binary(max_size=30), max_size=3
)


@given(FILES, FILES, st.lists(st.sampled_from(sorted(SIMPLICITY)), max_size=3))
def test_simpler_turns_round_with_its_arguments(
    one: dict[str, bytes], other: dict[str, bytes], names: list[str]
) -> None:
    assert simpler(one, other, names) == -simpler(other, one, names)
    assert simpler(one, one, names) == 0
