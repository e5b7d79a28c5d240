"""The joint posterior of tasks, options and edits: against a plain linear regression, and against known truth."""

from __future__ import annotations

import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.effects import LEAST, LEVEL_MEAN, LEVEL_SD, MOST_TERMS, TASK_SD, Effects, Seen

TASKS = ("a", "b", "c", "d")
TERMS = ("plan=long", "plan=short", "edit:1", "edit:2", "edit:3")
PRIOR = (-0.01, 0.05)
SCORE = st.floats(0.0, 1.0)


@st.composite
def evidence(draw: st.DrawFn, terms: tuple[str, ...] = TERMS) -> Seen:
    """Rollouts of a harness with some of the terms on some of the tasks."""
    tasks = draw(st.lists(st.sampled_from(TASKS), unique=True, min_size=1))
    return Seen(
        terms=tuple(draw(st.lists(st.sampled_from(terms), unique=True, max_size=3))),
        tasks=tuple(tasks),
        counts=tuple(float(draw(st.integers(1, 5))) for _ in tasks),
        means=tuple(draw(SCORE) for _ in tasks),
        uneven=draw(st.sampled_from([0.0, 0.01, 0.2])),
    )


DESIGNS = st.lists(evidence(), max_size=8)


def prior(terms: tuple[str, ...] = TERMS) -> Effects:
    return Effects.prior(TASKS).with_terms(dict.fromkeys(terms, PRIOR))


def alike(one: Effects, other: Effects) -> None:
    assert list(one.places.items()) == list(other.places.items())
    assert one.counts == other.counts and one.noise == other.noise
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-9)
    np.testing.assert_allclose(one.cov, other.cov, atol=1e-9)


def row(effects: Effects, task: str, terms: tuple[str, ...]) -> list[float]:
    """One row of a design matrix: a harness on a task."""
    found = [0.0] * len(effects.mean)
    for place in (0, effects.places[f"task:{task}"], *(effects.places[term] for term in terms)):
        found[place] += 1.0
    return found


@given(DESIGNS)
def test_it_is_a_bayesian_linear_regression(seen: list[Seen]) -> None:
    """The textbook's answer, all at once and by precisions: (S0^-1 + X' N^-1 X)^-1."""
    start = prior()
    after = start.absorb(seen)
    rows = [row(start, task, one.terms) for one in seen for task in one.tasks]
    scores = [mean for one in seen for mean in one.means]
    weights = [1 / (start.noise / count + one.uneven + LEAST) for one in seen for count in one.counts]
    design = np.array(rows).reshape(len(rows), len(start.mean))
    before = np.linalg.inv(start.cov)
    cov = np.linalg.inv(before + design.T @ np.diag(weights) @ design)
    mean = cov @ (before @ start.mean + design.T @ (np.array(weights) * np.array(scores)))
    np.testing.assert_allclose(after.mean, mean, atol=1e-8)
    np.testing.assert_allclose(after.cov, cov, atol=1e-8)


@given(DESIGNS, DESIGNS)
def test_absorbing_in_two_goes_is_absorbing_in_one(first: list[Seen], second: list[Seen]) -> None:
    once = prior().absorb([*first, *second])
    alike(prior().absorb(first).absorb(second), once)
    alike(prior().absorb([*first, *second][::-1]), once)


@given(DESIGNS)
def test_evidence_makes_nothing_less_sure_and_leaves_a_covariance(seen: list[Seen]) -> None:
    before, after = prior(), prior().absorb(seen)
    assert (np.diag(after.cov) <= np.diag(before.cov) + 1e-12).all()
    assert (after.cov == after.cov.T).all()
    assert np.linalg.eigvalsh(after.cov).min() > -1e-12
    assert sum(after.counts.values()) == sum(sum(one.counts) for one in seen)


@given(DESIGNS, st.lists(evidence(TERMS[:3]), max_size=4))
def test_what_a_forgotten_term_taught_of_others_stays(seen: list[Seen], later: list[Seen]) -> None:
    """Forgetting before or after evidence that has nothing to do with it is the same."""
    known, gone = prior().absorb(seen), TERMS[3:]
    assert known.without(gone).places.keys() == known.places.keys() - {*gone}
    alike(known.without(gone).absorb(later), known.absorb(later).without(gone))
    for term in TERMS[:3]:
        assert known.without(gone).gain([term]) == pytest.approx(known.gain([term]))
    assert known.without(["edit:99"]) is known


@given(DESIGNS)
def test_a_term_met_later_starts_at_its_prior_and_changes_nothing_else(seen: list[Seen]) -> None:
    known = prior(TERMS[:3]).absorb([one for one in seen if not {*one.terms} & {*TERMS[3:]}])
    wider = known.with_terms({"edit:2": PRIOR, "plan=long": (0.9, 0.9)})
    assert wider.gain(["edit:2"]) == pytest.approx(PRIOR)
    for terms in ([], ["plan=long"], ["plan=short", "edit:1"]):
        assert wider.gain(terms) == pytest.approx(known.gain(terms))
        assert wider.level(terms) == pytest.approx(known.level(terms))
    assert wider.with_terms({"edit:2": (0.9, 0.9)}) is wider


@given(DESIGNS)
def test_what_was_never_met_gains_nothing(seen: list[Seen]) -> None:
    known = prior().absorb(seen)
    assert known.gain(["plan=other", "edit:77"]) == (0.0, 0.0)
    assert known.gain(["plan=long", "edit:77"]) == known.gain(["plan=long"])
    assert known.gain(TERMS[:2], over=TERMS[:2]) == (0.0, 0.0)
    assert known.level(["edit:77"], ["a"]) == known.level([], ["a"])


def test_a_gain_over_another_harness_is_a_difference() -> None:
    known = prior().absorb(
        [Seen(("plan=long",), TASKS, (9.0,) * 4, (0.9,) * 4), Seen((), TASKS, (9.0,) * 4, (0.5,) * 4)]
    )
    gained, sd = known.gain(["plan=long", "edit:1"], over=["edit:1", "plan=short"])
    assert gained == pytest.approx(known.gain(["plan=long"])[0] - known.gain(["plan=short"])[0])
    assert sd > known.gain(["plan=long"])[1], "the other one is not known either"


def test_a_level_is_the_mean_over_its_tasks() -> None:
    known = prior().absorb([Seen((), ("a", "b"), (4.0, 4.0), (1.0, 0.0))])
    assert known.level([]) == pytest.approx(statistics.mean([known.level([], ["a"]), known.level([], ["b"])]))
    assert known.level([], ["a"]) > known.level([], ["c"]) > known.level([], ["b"])
    assert Effects.prior().level([]) == Effects.prior(TASKS).level([]) == LEVEL_MEAN


def test_uneven_levels_are_less_sure_each_for_itself() -> None:
    known = prior().absorb([Seen((), TASKS, (9.0,) * 4, (0.5,) * 4)])
    moved = known.uneven(["a", "b"], 0.02)
    rise = moved.cov - known.cov
    places = [known.places["task:a"], known.places["task:b"]]
    assert rise[places, places] == pytest.approx(0.02) and rise.sum() == pytest.approx(0.04)
    assert known.uneven(["a"], 0.0) is known


def test_beyond_so_many_terms_those_met_longest_ago_are_forgotten() -> None:
    many = Effects.prior(TASKS).with_terms({f"edit:{n}": PRIOR for n in range(MOST_TERMS + 3)})
    left = many.remembering(["edit:0"], ["edit:2"])
    assert many.places.keys() - left.places.keys() == {"edit:1", "edit:3", "edit:4"}
    assert left.remembering([], []) is left
    crowd = many.remembering([f"edit:{n}" for n in range(MOST_TERMS + 3)], [])
    assert crowd is many, "what the champion has is never forgotten"


def test_evidence_without_noise_is_met_exactly() -> None:
    exact = Effects(np.array([LEVEL_MEAN]), np.array([[LEVEL_SD**2]]), squares=0.0)
    exact = exact.with_terms({**{f"task:{task}": (0.0, TASK_SD) for task in TASKS}, **dict.fromkeys(TERMS, PRIOR)})
    known = exact.absorb([Seen((), TASKS, (1.0,) * 4, (1.0, 0.0, 0.5, 1.0))])
    assert [known.level([], [task]) for task in TASKS] == pytest.approx([1.0, 0.0, 0.5, 1.0], abs=1e-6)
    again = known.absorb([Seen((), TASKS, (1.0,) * 4, (1.0, 0.0, 0.5, 1.0))])
    np.testing.assert_allclose(again.mean, known.mean, atol=1e-6)


class World:
    """A truth drawn from the prior: levels of tasks, effects of terms; rollouts with normal noise of a known size."""

    def __init__(self, seed: int, terms: tuple[str, ...], tasks: int = 12) -> None:
        self.rng = random.Random(seed)
        self.tasks = tuple(f"t{n}" for n in range(tasks))
        self.common = self.rng.gauss(LEVEL_MEAN, LEVEL_SD)
        self.levels = {task: self.rng.gauss(0.0, TASK_SD) for task in self.tasks}
        self.effects = {term: self.rng.gauss(*PRIOR) for term in terms}
        self.start = Effects.prior(self.tasks).with_terms(dict.fromkeys(terms, PRIOR))

    def seen(self, terms: tuple[str, ...], count: int) -> Seen:
        sd = math.sqrt(self.start.noise / count)
        gain = sum(self.effects[term] for term in terms)
        means = (self.rng.gauss(self.common + self.levels[task] + gain, sd) for task in self.tasks)
        return Seen(terms, self.tasks, (float(count),) * len(self.tasks), tuple(means))


NINETY = 1.6449


def test_ninety_percent_intervals_hold_ninety_percent() -> None:
    """Of effects drawn from the prior, of a task's levels, and of the gain of whole harnesses."""
    inside: list[bool] = []
    terms = tuple(f"edit:{n}" for n in range(12))
    for seed in range(120):
        world = World(seed, terms)
        seen = [world.seen((), 4)]
        for _ in range(25):
            seen.append(world.seen(tuple(world.rng.sample(terms, world.rng.randint(1, 4))), world.rng.randint(1, 4)))
        known = world.start.absorb(seen)
        for chosen in ((terms[0],), (terms[1],), terms[:6]):
            mean, sd = known.gain(chosen)
            inside.append(abs(mean - sum(world.effects[term] for term in chosen)) <= NINETY * sd)
        level, place = world.common + world.levels["t0"], [0, known.places["task:t0"]]
        sd = math.sqrt(known.cov[np.ix_(place, place)].sum())
        inside.append(abs(known.level([], ["t0"]) - level) <= NINETY * sd)
    assert statistics.mean(inside) == pytest.approx(0.9, abs=0.035)


def test_the_sum_of_what_looked_best_is_no_more_than_it_is() -> None:
    """Keep what is believed to help, one after the other: the sum believed is the sum true, though each was chosen for
    looking good. Plain differences claim far more."""
    believed, true, plain = [], [], []
    terms = tuple(f"edit:{n}" for n in range(40))
    for seed in range(40):
        world = World(1_000 + seed, terms, tasks=20)
        known, champion = world.start.absorb([world.seen((), 3)]), ()
        for term in terms:
            found = world.seen((*champion, term), 2)
            raw = statistics.mean(found.means) - known.level(champion)
            known = known.absorb([found])
            if known.gain([term])[0] > 0:
                champion = (*champion, term)
                plain.append(raw)
        believed.append(known.gain(champion)[0])
        true.append(sum(world.effects[term] for term in champion))
    error = statistics.stdev(b - t for b, t in zip(believed, true, strict=True)) / math.sqrt(len(true))
    assert abs(statistics.mean(believed) - statistics.mean(true)) < 3 * error
    assert statistics.mean(true) > 0.2 and error < 0.05
    assert sum(plain) / len(true) > 1.3 * statistics.mean(true)
