"""Objectives as people write them for Optuna, and a program that is killed while it optimizes one."""

from __future__ import annotations

import math
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna

from optimizer import Studied, optimize_study


def branches(trial: optuna.Trial) -> float:
    """Parameters that are there on some paths only; the least is 0.1, with a net of one layer."""
    kind = trial.suggest_categorical("model", ["svm", "forest", "net"])
    if kind == "svm":
        return 0.8 + (math.log10(trial.suggest_float("c", 1e-3, 1e3, log=True)) - 1) ** 2 / 10
    if kind == "forest":
        return 0.7 + abs(trial.suggest_int("depth", 1, 40) - 17) / 40
    layers = trial.suggest_int("layers", 1, 3)
    units = [trial.suggest_float(f"units {layer}", 0.0, 1.0, step=0.125) for layer in range(layers)]
    return 0.1 * layers + sum((unit - 0.5) ** 2 for unit in units)


def noisy(trial: optuna.Trial) -> float:
    """Accuracy, to which each of eight switches adds 5 points; each call is another draw."""
    used = sum(trial.suggest_categorical(f"switch {number}", [False, True]) for number in range(8))
    trial.set_user_attr("seen", True)
    return 0.3 + 0.05 * used + DICE.gauss(0.0, 0.05)


DICE = random.Random(0)


def run(objective: Callable[[optuna.Trial], Any] = branches, **more: Any) -> Studied:
    """An optimization of 60 trials, otherwise as said."""
    return optimize_study(objective, **{"n_trials": 60, **more})


def main(folder: str, calls: str) -> None:
    left = [int(calls)]

    def deadly(trial: optuna.Trial) -> float:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return branches(trial)

    run(deadly, run_dir=Path(folder), n_trials=24)


if __name__ == "__main__":
    main(*sys.argv[1:])
