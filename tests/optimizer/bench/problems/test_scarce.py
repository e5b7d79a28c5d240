"""The streams: shares of what helps and harms, head-room, order."""

from __future__ import annotations

import numpy as np
import pytest

from optimizer.bench.problems.base import baseline_of
from optimizer.bench.problems.chances import Sizes
from optimizer.bench.problems.scarce import Null, NullHarm, Scarce, ScarceWorld

SMALL = ScarceWorld(edits=60, sizes=Sizes(search=20, certify=10, holdout=10, population=200))


def test_a_tenth_helps_a_fifth_harms_and_the_rest_does_next_to_nothing() -> None:
    edits = [edit.effect for seed in range(8) for edit in Scarce(seed).edits.values()]
    assert len(edits) == 8 * 500
    helpful, harmful = [e for e in edits if e >= 0.01], [e for e in edits if e <= -0.02]
    assert np.mean([e in helpful for e in edits]) == pytest.approx(0.10, abs=0.02) and max(helpful) <= 0.06
    assert np.mean([e in harmful for e in edits]) == pytest.approx(0.20, abs=0.03) and min(harmful) >= -0.10
    assert np.std([e for e in edits if -0.02 < e < 0.01]) == pytest.approx(0.002, rel=0.1)


def test_the_first_edits_have_their_effect_on_the_population() -> None:
    problem = Scarce(5)
    baseline = baseline_of(problem)
    for name, edit in list(problem.edits.items())[:60]:
        effect = problem.truth({**baseline, name: "on"}) - problem.truth(baseline)
        assert effect == pytest.approx(edit.effect, abs=max(0.0005, 0.2 * abs(edit.effect))), name  # cut off at 0 and 1


def test_gains_shrink_with_the_room_that_is_left() -> None:
    problem = Scarce(6)
    good = [name for name, edit in problem.edits.items() if edit.effect >= 0.01]
    baseline = baseline_of(problem)
    alone = problem.truth({**baseline, good[-1]: "on"}) - problem.truth(baseline)
    many = {**baseline, **dict.fromkeys(good[:-1], "on")}
    assert 0 < problem.truth({**many, good[-1]: "on"}) - problem.truth(many) < 0.6 * alone


def test_what_is_on_tells_the_chances_whatever_was_asked_before() -> None:
    one, other = Scarce(7, SMALL), Scarce(7, SMALL)
    names = list(one.components)
    whole = {**baseline_of(one), **dict.fromkeys(names[::2], "on")}
    for count in range(0, 30, 7):  # the other one gets there step by step, and by a detour
        other.chances({**baseline_of(other), **dict.fromkeys(names[: 2 * count : 2], "on")})
        other.chances({**baseline_of(other), **dict.fromkeys(names[1 : 2 * count : 2], "on")})
    assert np.array_equal(one.chances(whole), other.chances(whole))


def test_in_a_null_stream_nothing_changes_the_truth() -> None:
    problem = Null(1)
    everything = dict.fromkeys(problem.components, "on")
    assert problem.truth(everything) == problem.truth(baseline_of(problem))


def test_in_a_null_stream_with_harm_a_quarter_harms() -> None:
    problem = NullHarm(2)
    baseline = baseline_of(problem)
    effects = [problem.truth({**baseline, name: "on"}) - problem.truth(baseline) for name in problem.components]
    assert max(effects) == 0.0
    assert np.mean([effect < -0.015 for effect in effects]) == pytest.approx(0.25, abs=0.06)
    assert np.mean([effect == 0.0 for effect in effects]) == pytest.approx(0.75, abs=0.06)
