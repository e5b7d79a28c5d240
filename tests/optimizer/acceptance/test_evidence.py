"""The estimate's promises."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.evidence import Cell, cells, clustered, estimate, probability_better, shrink, within

SCORES = st.dictionaries(
    st.sampled_from([f"t{n}" for n in range(12)]),
    st.lists(st.floats(0, 1).map(lambda x: round(x, 3)), min_size=1, max_size=4),
    min_size=1,
)


def test_by_hand() -> None:
    candidate = {"a": Cell(1, 1.0), "b": Cell(1, 0.0), "c": Cell(2, 0.5), "unseen": Cell(1, 1.0)}
    champion = {"a": Cell(2, 0.5), "b": Cell(4, 0.25), "c": Cell(2, 0.5)}
    found = estimate(candidate, champion, noise=0.2, prior_sd=0.03, pseudo_tasks=10)
    assert found is not None
    raw = (0.5 - 0.25 + 0.0) / 3
    rerun = 0.2 * ((1 + 0.5) + (1 + 0.25) + (0.5 + 0.5)) / 3
    spread = (0.5 - raw) ** 2 + (-0.25 - raw) ** 2 + raw**2
    assert found.raw == pytest.approx(raw)
    assert found.se == pytest.approx(math.sqrt((spread + 10 * rerun) / 12 / 3))
    assert found.degrees == 12
    assert found.shrunken == pytest.approx(raw * 0.03**2 / (0.03**2 + found.se**2))
    assert (found.tasks, found.better, found.worse) == (3, 1, 1)


def test_no_task_in_common() -> None:
    assert estimate({"a": Cell(1, 1.0)}, {"b": Cell(1, 1.0)}, noise=0.1, prior_sd=0.03, pseudo_tasks=10) is None


@given(SCORES, SCORES, st.floats(0, 0.25))
def test_swapping_the_sides_turns_every_sign(
    left: dict[str, list[float]], right: dict[str, list[float]], noise: float
) -> None:
    there = estimate(cells(left), cells(right), noise=noise, prior_sd=0.03, pseudo_tasks=10)
    back = estimate(cells(right), cells(left), noise=noise, prior_sd=0.03, pseudo_tasks=10)
    if there is None or back is None:
        assert there is None and back is None
        return
    assert there.raw == pytest.approx(-back.raw, abs=1e-12)
    assert there.shrunken == pytest.approx(-back.shrunken, abs=1e-12)
    assert there.posterior == pytest.approx(1 - back.posterior, abs=1e-9)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    assert (there.better, there.worse) == (back.worse, back.better)


@given(st.floats(-1, 1), st.floats(0, 10), st.floats(1e-6, 1))
def test_shrinking_never_passes_the_raw_estimate_nor_zero(raw: float, se: float, prior_sd: float) -> None:
    shrunken = shrink(raw, se, prior_sd)
    assert min(0.0, raw) <= shrunken <= max(0.0, raw)
    assert 0.0 <= probability_better(raw, se, prior_sd) <= 1.0


@given(SCORES, SCORES)
def test_more_of_the_same_evidence_narrows(left: dict[str, list[float]], right: dict[str, list[float]]) -> None:
    """The same differences on twice the tasks."""

    def doubled(scores: dict[str, list[float]]) -> dict[str, list[float]]:
        return {**scores, **{f"{task}-again": values for task, values in scores.items()}}

    once = estimate(cells(left), cells(right), noise=0.1, prior_sd=0.03, pseudo_tasks=10)
    twice = estimate(cells(doubled(left)), cells(doubled(right)), noise=0.1, prior_sd=0.03, pseudo_tasks=10)
    if once is None or twice is None:
        return
    assert twice.high - twice.low < once.high - once.low
    assert twice.raw == pytest.approx(once.raw, abs=1e-12)
    assert abs(twice.shrunken) >= abs(once.shrunken) - 1e-12


def test_more_repeats_narrow() -> None:
    widths = []
    for repeats in (1, 2, 4, 8):
        sides = [{f"t{n}": Cell(repeats, 0.5 + shift) for n in range(10)} for shift in (0.1, 0.0)]
        found = estimate(*sides, noise=0.2, prior_sd=0.03, pseudo_tasks=10)
        assert found is not None
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True) and len(set(widths)) == 4


def test_few_tasks_that_agree_by_luck_do_not_look_certain() -> None:
    _, bare, _ = clustered([0.1, 0.1, 0.1], rerun=0.4, pseudo_tasks=0)
    _, guarded, _ = clustered([0.1, 0.1, 0.1], rerun=0.4, pseudo_tasks=10)
    assert bare == pytest.approx(0.0, abs=1e-12)
    assert guarded > 0.3


def test_a_single_task_has_an_error_from_re_running() -> None:
    found = estimate({"a": Cell(2, 1.0)}, {"a": Cell(4, 0.5)}, noise=0.2, prior_sd=0.03, pseudo_tasks=10)
    assert found is not None
    assert found.se == pytest.approx(math.sqrt(0.2 * 0.75))


def test_all_scores_equal_says_neither() -> None:
    same = {f"t{n}": Cell(3, 0.5) for n in range(10)}
    found = estimate(same, same, noise=0.0, prior_sd=0.03, pseudo_tasks=10)
    assert found is not None
    assert (found.raw, found.se, found.posterior) == (0.0, 0.0, 0.5)


def test_rounding_is_no_effect() -> None:
    """A deterministic suite: 0.1 + 0.2 on one side, 0.3 on the other."""
    one, other = ({f"t{n}": Cell(3, mean) for n in range(10)} for mean in (0.1 + 0.2, 0.3))
    found = estimate(one, other, noise=0.0, prior_sd=0.03, pseudo_tasks=10)
    assert found is not None
    assert (found.raw, found.shrunken, found.posterior) == (0.0, 0.0, 0.5)


def test_the_interval_covers_about_as_often_as_it_says() -> None:
    rng = random.Random(5)
    covered = 0
    for _ in range(400):
        chances = [rng.random() * 0.8 + 0.1 for _ in range(30)]

        def run(shift: float, chances: list[float] = chances) -> dict[str, list[float]]:
            return {f"t{n}": [float(rng.random() < p + shift) for _ in range(3)] for n, p in enumerate(chances)}

        before, after = run(0.0), run(0.05)
        squares, degrees = within(before.values())
        found = estimate(cells(after), cells(before), noise=squares / degrees, prior_sd=0.03, pseudo_tasks=10)
        assert found is not None
        covered += found.low <= 0.05 <= found.high
    assert 0.92 <= covered / 400 <= 0.98
