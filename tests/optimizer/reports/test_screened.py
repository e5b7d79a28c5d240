"""How well a prediction did, in figures and in words."""

import random

import pytest
from scipy.stats import spearmanr

from optimizer.ledger.rows import ExperimentRow, State
from optimizer.records import Decision, Proposal, Verdict
from optimizer.reports.screened import Screening, screening_json, screening_line, screening_of
from search_space.edits import SetKey

EDIT = SetKey(file="a.toml", key="x", value=1)


def row(number, predicted, measured, drawn=4):
    decision = None if measured is None else Decision(Verdict.discard, "", raw_effect=measured)
    proposal = Proposal(EDIT, "h", "p", predicted=predicted, drawn=drawn)
    return ExperimentRow(number, State.done, proposal, "tree", 0.0, decision=decision)


def test_nothing_was_screened():
    found = screening_of([row(1, None, 0.1)])
    assert found is None and screening_line(found) == "" and screening_json(found) is None


def test_too_few_pairs_say_nothing():
    found = screening_of([row(n, 0.1 * n, 0.2 * n) for n in range(4)] + [row(5, 0.3, None), row(6, None, 0.5)])
    assert found == Screening(screened=5, drawn=20, pairs=4)
    assert "too few" in screening_line(found)


@pytest.mark.parametrize("seed", range(5))
def test_the_correlation_is_scipys_also_with_ties(seed):
    draw = random.Random(seed)
    rows = [row(n, draw.randrange(6) / 10, draw.randrange(6) / 10) for n in range(30)]
    found = screening_of(rows)
    expected = spearmanr([r.proposal.predicted for r in rows], [r.decision.raw_effect for r in rows]).statistic
    assert found.spearman == pytest.approx(expected)
    assert found.low < found.spearman < found.high and found.pairs == 30


def test_words():
    good = screening_of([row(n, n / 10, n / 20 + (n % 2) / 50) for n in range(12)])
    assert "it predicted" in screening_line(good) and "48 proposals for 12 experiments" in screening_line(good)
    assert "12 live experiments" in screening_line(good) and "prompt wording" in screening_line(good)
    poor = screening_of([row(n, n / 10, (n * 7 % 12) / 10) for n in range(12)])
    assert "says nothing certain" in screening_line(poor)
    same = screening_of([row(n, 0.5, n / 10) for n in range(12)])
    assert same.spearman is None and "too few" in screening_line(same)
