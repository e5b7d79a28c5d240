"""The outer loop: propose an edit, evaluate the variant, keep what is really better.

``optimize`` runs a campaign on a Python function, ``optimize_study`` on an objective written for Optuna
(docs/python-api.md); ``IntRange`` and ``FloatRange`` are ranges of numbers in their spaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.api.optimizing import optimize
    from optimizer.api.result import Gain, Optimized, Score, Tried
    from optimizer.api.studies import Studied, optimize_study
    from search_space.domains import FloatRange, IntRange

__all__ = [
    "FloatRange",
    "Gain",
    "IntRange",
    "Optimized",
    "Score",
    "Studied",
    "Tried",
    "optimize",
    "optimize_study",
]

PLACES = {
    "FloatRange": "search_space.domains",
    "Gain": "optimizer.api.result",
    "IntRange": "search_space.domains",
    "Optimized": "optimizer.api.result",
    "Score": "optimizer.api.result",
    "Studied": "optimizer.api.studies",
    "Tried": "optimizer.api.result",
    "optimize": "optimizer.api.optimizing",
    "optimize_study": "optimizer.api.studies",
}
"""Where the names come from: they are imported when they are asked for, so that importing the package costs nothing."""


def __getattr__(name: str) -> object:
    if name not in PLACES:
        raise AttributeError(f"module 'optimizer' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
