"""Every decision in one sentence with numbers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.records import Decision, Verdict
from optimizer.reports.sentence import chance_words, sentence

KEPT = Decision(
    Verdict.keep,
    "",
    effect=0.032,
    raw_effect=0.071,
    low=0.02,
    high=0.124,
    posterior=0.93,
    rollouts=96,
    better=14,
    worse=3,
    tasks=20,
    chance=0.0033,
)


def test_a_keep() -> None:
    assert sentence(KEPT, 41.2) == (
        "kept: better on 14 of 20 tasks, worse on 3; +7.1 points, 95% interval +2.0 to +12.4, believed +3.2 with "
        "P(better) 0.93; 96 rollouts, 41 s; would be kept by chance in fewer than 1 of 300 such streams"
    )
    assert "96 rollouts; would" in sentence(KEPT)
    weak = sentence(replace(KEPT, chance=1.0), 41)
    assert weak.endswith("41 s; an edit without effect would often be kept on such evidence")


def test_a_discard_says_why() -> None:
    dropped = replace(KEPT, verdict=Verdict.discard, reason="refused: tokens rises by 40.0%", chance=None)
    assert sentence(dropped, 7) == (
        "discarded: better on 14 of 20 tasks, worse on 3; +7.1 points, 95% interval +2.0 to +12.4, believed +3.2 with "
        "P(better) 0.93; 96 rollouts, 7 s; refused: tokens rises by 40.0%"
    )


def test_what_has_no_figures() -> None:
    assert sentence(Decision(Verdict.crash, "3 of 3 rollouts:\n no luck", rollouts=3), 5) == (
        "crashed: 3 rollouts, 5 s; 3 of 3 rollouts: no luck"
    )
    assert sentence(Decision(Verdict.invalid, "the edit changes nothing"), 0.1) == (
        "not a valid edit: the edit changes nothing"
    )
    assert sentence(Decision(Verdict.discard, "")) == "discarded"


def test_a_simplification() -> None:
    told = sentence(replace(KEPT, reason="worse by 1.0 points at most", chance=None, simplification=True))
    assert told.startswith("kept as a simplification: better on") and told.endswith("; worse by 1.0 points at most")


@pytest.mark.parametrize(
    ("chance", "told"),
    [(0.5, "1 of 2 "), (0.4, "1 of 2 "), (0.06, "1 of 16 "), (1 / 317, "1 of 310 "), (1e-30, "1 of 1,000,000 ")],
)
def test_a_chance_in_words(chance: float, told: str) -> None:
    assert told in chance_words(chance)


@given(st.floats(1e-12, 1.0))
def test_no_words_claim_more_than_the_bound(chance: float) -> None:
    told = re.search(r"1 of ([\d,]+)", chance_words(chance))
    if told is None:
        assert chance > 0.5
    else:
        assert 1 / int(told[1].replace(",", "")) >= chance * (1 - 1e-6)
