"""A seeded function to optimize, and a program that optimizes it until it is killed."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optimizer.assemble.callable import CallableRequest, open_callable
from optimizer.assemble.components import harness_of
from optimizer.records import Split
from optimizer.settings import ProposerSettings

WORTH = {"good": 0.35, "plain": 0.0, "bad": -0.2}
COMPONENTS = {f"part {number}": ("plain", "bad", "good") for number in range(4)}
TASKS = {
    Split.search: [f"s{n}" for n in range(20)],
    Split.certify: [f"c{n}" for n in range(8)],
    Split.holdout: [f"h{n}" for n in range(8)],
}


def truth(assignment: Mapping[str, Any]) -> float:
    """The chance of success: the first part alone decides half of what can be gained."""
    return 0.3 + sum(WORTH[option] / (1 + place) for place, option in enumerate(assignment.values()))


def score(assignment: Mapping[str, str], task: str, seed: int) -> float:
    """Success by chance."""
    return float(random.Random(f"{sorted(assignment.items())}|{task}|{seed}").random() < truth(assignment))


def request(
    rollouts: int, function: Callable[[Mapping[str, str], str, int], object] = score, **more: object
) -> CallableRequest:
    space, files = harness_of(COMPONENTS)
    values = {"proposers": ProposerSettings(sweep=1.0), "seed": 1, **more}
    return CallableRequest(function, space, files, TASKS, rollouts, view=space.read, **values)  # type: ignore[arg-type]


def killed_after(calls: int) -> Callable[[Mapping[str, str], str, int], float]:
    """The function, which kills this process at that call."""
    left = [calls]

    def deadly(assignment: Mapping[str, str], task: str, seed: int) -> float:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return score(assignment, task, seed)

    return deadly


def main(folder: str, rollouts: str, calls: str) -> None:
    with open_callable(request(int(rollouts), killed_after(int(calls)), folder=Path(folder))) as campaign:
        campaign.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
