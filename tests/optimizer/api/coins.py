"""An evaluator by chance: its truth is known, and it may be run in a process that is killed."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optimizer import FloatRange, IntRange, Optimized, optimize

SEED = {"prompt": "Answer.", "temperature": 0.1, "retries": 4, "model": "small"}
SPACE: dict[str, Any] = {
    "prompt": ["Think step by step,\nthen answer.", "Guess."],
    "temperature": FloatRange(0.0, 2.0),
    "retries": IntRange(0, 9),
}
EXAMPLES = [{"question": f"What is {number}?", "answer": number} for number in range(60)]


def truth(candidate: Mapping[str, Any]) -> float:
    """The chance of success: the prompt alone is worth 40 points."""
    return 0.2 + 0.4 * ("step" in candidate["prompt"]) + 0.1 * (1 - abs(candidate["temperature"] - 1.0))


def evaluator(candidate: Mapping[str, Any], example: Mapping[str, Any], seed: int = 0) -> tuple[float, str]:
    passed = random.Random(f"{sorted(candidate.items())}|{example['answer']}|{seed}").random() < truth(candidate)
    return float(passed), "fine" if passed else f"wrong on {example['answer']}"


def run(function: Callable[..., object] = evaluator, **more: Any) -> Optimized:
    """An optimization of 700 calls, otherwise as said."""
    asked: dict[str, Any] = {"space": SPACE, "trainset": EXAMPLES, "max_metric_calls": 700, **more}
    return optimize(asked.pop("seed_candidate", SEED), evaluator=function, **asked)


def main(folder: str, calls: str) -> None:
    left = [int(calls)]

    def deadly(candidate: Mapping[str, Any], example: Mapping[str, Any], seed: int) -> object:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return evaluator(candidate, example, seed)

    run(deadly, run_dir=Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
