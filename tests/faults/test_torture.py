"""Campaigns that are killed, again and again, and resumed: the end is that of the campaign that was left in peace.

``make torture`` kills 200 times. What is killed is ``ratchet run`` alone, with SIGKILL: what it started must notice by
itself and go away.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.killing import Killer
from tests.faults.outcome import finished, read_outcome
from tests.faults.small_campaign import write_experiment

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc: linux only")

ROLLOUTS = 200
ROUND = ("start", "anywhere", "settling", "anywhere", "exam", "holdout", "start", "settling", "anywhere", "exam")
"""The moments at which one campaign after the other is killed. A kill that comes too late falls away."""
KILLS_A_SEED = 40
MOST_A_CAMPAIGN = 12
"""So many kills, and a campaign is let go to its end."""


@pytest.fixture
def in_peace(tmp_path: Path) -> Callable[[int], tuple[dict[str, Any], float]]:
    """The outcome of the uninterrupted campaign with a seed, and the seconds that it took."""
    known: dict[int, tuple[dict[str, Any], float]] = {}

    def reference(seed: int) -> tuple[dict[str, Any], float]:
        if seed not in known:
            killer = campaign(tmp_path / f"peace-{seed}", seed, 0.0)
            began = time.monotonic()
            killer.finish()
            known[seed] = read_outcome(killer.home), time.monotonic() - began
        return known[seed]

    return reference


def campaign(folder: Path, seed: int, whole_s: float) -> Killer:
    """Every third one ends because the proposers have nothing more to offer, the others spend the budget; every other
    one has constraints and tie-breaks."""
    dimensions = 2 if seed % 3 == 0 else 7
    experiment = write_experiment(folder, rollouts=ROLLOUTS, dimensions=dimensions, objective=seed % 2 == 1)
    return Killer(experiment, seed, random.Random(f"{folder.name}|{seed}"), whole_s)


def test_killed_campaigns_end_as_if_nothing_had_happened(
    tmp_path: Path, torture: int, in_peace: Callable[[int], tuple[dict[str, Any], float]]
) -> None:
    delivered = tried = 0
    seeds = 1 + torture // KILLS_A_SEED
    moments = iter(ROUND * (2 + torture))
    while delivered < torture:
        seed = 1 + tried % seeds
        expected, whole_s = in_peace(seed)
        killer = campaign(tmp_path / f"killed-{tried}", seed, whole_s)
        delivered += torment(killer, moments, min(MOST_A_CAMPAIGN, torture - delivered))
        assert_same(read_outcome(killer.home), expected)
        assert killer.left_behind() == ([], [])
        tried += 1


def torment(killer: Killer, moments: Any, most: int) -> int:
    """Kill a campaign up to ``most`` times, then let it end; how often it was killed."""
    before: dict[Any, float] = {}
    for kills in range(most):
        if killer.kill(next(moments)) is not None:
            return kills
        now = finished(killer.home)
        assert before.items() <= now.items(), "a rollout that was finished before is lost or has changed"
        before = now
    killer.finish()
    assert before.items() <= finished(killer.home).items()
    return most


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(differences(found, expected)) == []
    assert not found["left"], "nothing is left half-done"


def differences(found: Any, expected: Any, where: str = "") -> Iterator[str]:
    """Where two values of JSON differ, one line a place: what pytest shows of two whole campaigns nobody can read."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in sorted({*found, *expected}):
            yield from differences(found.get(name), expected.get(name), f"{where}.{name}")
    elif isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            yield f"{where}: {len(found)} entries, expected {len(expected)}"
        for place, (one, other) in enumerate(zip(found, expected, strict=False)):
            yield from differences(one, other, f"{where}[{place}]")
    elif found != expected:
        yield f"{where}: {found!r}, expected {expected!r}"
