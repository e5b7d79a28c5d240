"""The bound on chance: never smaller than what it bounds."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.acceptance.chance import GAINS_SD, bound, by_chance
from optimizer.acceptance.comparison import measure
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.presets import CAREFUL, FAST, Preset
from optimizer.acceptance.working import look, plan, settle, shuffled
from optimizer.records import Decision, Evaluation, Verdict

LEVELS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


@given(st.floats(-0.5, 0.5), st.floats(0.001, 0.5), st.floats(1, 200), st.integers(1, 300), st.floats(0.0, 0.3))
def test_more_of_a_difference_is_less_of_a_chance(
    effect: float, se: float, degrees: float, tasks: int, more: float
) -> None:
    chance = bound(effect, se, degrees, tasks=tasks)
    assert 0.5**tasks <= chance <= 1.0
    assert bound(effect + more, se, degrees, tasks=tasks) <= chance + 1e-9
    if effect <= 0:
        assert chance == 1.0
    normal = bound(effect, se, 1e9, tasks=tasks)
    assert normal <= chance + 1e-9, "an error that is only estimated is paid for"


@pytest.mark.parametrize("effect", [0.02, 0.08, 0.3])
def test_it_is_the_average_over_gains_that_it_says(effect: float) -> None:
    """Against the integral, summed up: of N(D; g, v) / N(D; 0, v) over the positive half of N(0, GAINS_SD^2)."""
    se, step = 0.04, 0.0005
    gains = [step * (n + 0.5) for n in range(4_000)]
    weights = [2 * math.exp(-0.5 * (g / GAINS_SD) ** 2) / (GAINS_SD * math.sqrt(2 * math.pi)) * step for g in gains]
    ratio = math.fsum(w * math.exp(g * (effect - g / 2) / se**2) for g, w in zip(gains, weights, strict=True))
    assert bound(effect, se, 1e9, tasks=100) == pytest.approx(min(1.0, 1 / ratio), rel=1e-3)


def test_what_has_no_noise_is_bounded_by_its_tasks() -> None:
    assert bound(0.5, 0.0, 10, tasks=3) == 0.125
    assert bound(0.0, 0.0, 10, tasks=3) == 1.0 == bound(0.1, math.inf, 1, tasks=3)
    assert by_chance(Pool(), Evaluation({"a": (1.0,)}, {}), FAST.working) == 1.0, "nothing to compare with"


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.4]), st.sampled_from([0.0, -0.3]))
def test_a_walk_without_drift_seldom_gets_there_ever(seed: int, step_sd: float, drift: float) -> None:
    """Ville's inequality over many walks: looked at after every step, the smallest bound ever is <= a in at most a."""
    rng = random.Random(seed)
    least = []
    for _ in range(60):
        total, best = 0.0, 1.0
        for steps in range(1, 40):
            total += rng.gauss(drift * step_sd, step_sd)
            best = min(best, bound(total / steps, step_sd / math.sqrt(steps), 1e9, tasks=1000))
        least.append(best)
    for level in (0.5, 0.2, 0.1):
        few = level + 3.5 * math.sqrt(level * (1 - level) / len(least))
        assert sum(best <= level for best in least) / len(least) <= few


@pytest.mark.parametrize(
    ("preset", "tasks", "harm"), [(FAST, 30, 0.0), (FAST, 8, 0.0), (CAREFUL, 20, 0.0), (FAST, 30, 0.1)]
)
def test_in_streams_of_nothing_the_bound_holds(preset: Preset, tasks: int, harm: float) -> None:
    """A whole stream of edits that do nothing (or harm), by the gate's own loop, keeps and the pools they leave
    included: of all of them a share of at most a ends with a bound of at most a."""
    rng = random.Random(tasks + int(100 * harm))
    chances: list[float] = []
    for world in range(6):
        rates = {f"t{n}": rng.random() for n in range(tasks)}
        pool, champion = Pool(), dict(rates)
        for number in range(40):
            order = shuffled(rates, candidate=str(number), seed=world)
            candidate = {task: max(0.0, rate - harm) for task, rate in champion.items()}
            evaluation, decision = Evaluation({}, {}), None
            while decision is None:
                ask = plan(pool, evaluation, preset.working, order)
                scores = [dict(side) for side in (evaluation.candidate, evaluation.champion)]
                for side, wanted, chance in ((0, ask.candidate, candidate), (1, ask.champion, champion)):
                    for task, _ in wanted:
                        hit = float(rng.random() < chance[task])
                        scores[side][task] = (*scores[side].get(task, ()), hit)
                evaluation = Evaluation(*scores)
                decision = look(pool, evaluation, preset.working, order)
            chances.append(by_chance(pool, evaluation, preset.working))
            pool = settle(pool, evaluation, decision, preset.working)
            if decision.verdict is Verdict.keep:
                champion = candidate
    for level in LEVELS:
        assert sum(chance <= level for chance in chances) / len(chances) <= level


def test_of_a_gain_that_is_only_half_believed_the_other_half_is_not_counted_again() -> None:
    """A champion that is better than believed makes an edit without effect look good. Its own rollouts say so."""
    order = [f"t{n:02}" for n in range(40)]
    pool = Pool().absorb(dict.fromkeys(order, (0.0, 0.0, 1.0)))
    gain = Evaluation({t: (1.0, 1.0) if n % 3 == 0 else (0.0, float(n % 2)) for n, t in enumerate(order)}, {})
    after = settle(pool, gain, Decision(Verdict.keep, ""), FAST.working)
    same = Evaluation(gain.candidate, {})
    again = measure(after, same, FAST.working)
    assert again is not None and again.raw > 0.05, "what was kept, once more"
    assert by_chance(pool, gain, FAST.working) < 0.2
    assert by_chance(after, same, FAST.working) == 1.0
