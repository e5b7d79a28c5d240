"""What calibration found of the noise takes the place of what is believed of passes and fails, where it is far less."""

from __future__ import annotations

from optimizer.acceptance.calibration import calibrate
from optimizer.acceptance.effects import FIRST_NOISE
from optimizer.acceptance.pool import Pool
from optimizer.acceptance.sizing import first_noise

STEADY = {f"t{n}": (0.50 + 0.001 * n, 0.51 + 0.001 * n) for n in range(6)}
PASSES = {f"t{n}": (float(n % 2), 1.0) for n in range(6)}


def found(scores: dict[str, tuple[float, float]]) -> tuple[float, float] | None:
    return first_noise(calibrate(scores), [score for values in scores.values() for score in values])


def test_scores_in_between_that_hardly_vary() -> None:
    noise = found(STEADY)
    assert noise is not None
    assert 0.0 < noise[0] < FIRST_NOISE / 1000
    assert Pool().absorb(STEADY, noise=noise).noise < FIRST_NOISE / 1000
    assert Pool().absorb(STEADY).noise > FIRST_NOISE / 4


def test_passes_and_fails_few_repeats_no_noise_and_much_noise_leave_it() -> None:
    assert found(PASSES) is None
    assert found(dict(list(STEADY.items())[:4])) is None
    assert found(dict.fromkeys(STEADY, (0.5, 0.5))) is None
    assert found(dict.fromkeys(STEADY, (0.2, 0.9))) is None


def test_it_is_the_same_when_made_again_from_what_was_written() -> None:
    pool = Pool().absorb(STEADY, noise=found(STEADY))
    again = Pool()
    for update in pool.learnt:
        again = again.learn(update)
    assert again.effects == pool.effects
