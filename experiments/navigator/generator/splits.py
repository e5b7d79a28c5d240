"""Dividing a tree among the splits by top-level package, so that no split can teach about another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

TRIED_SALTS: Final = 256
TOLERANCE: Final = 0.2
"""How far a split's part of any weight may be from its share (relative) before the next salt is tried."""


def package_of(module: str) -> str:
    """The top-level package of a module; a single-file module is its own."""
    return module.partition(".")[0]


def digest(*parts: object) -> int:
    """A number that depends on the text of ``parts`` and on nothing else."""
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def assign(weights: Mapping[str, Sequence[float]], shares: Mapping[str, float]) -> dict[str, str]:
    """The split of each package.

    A package's place is the hash of its name and a salt, cut at the splits' ``shares`` (which add up to one), so that a
    package that comes or goes with a version of Python moves no other one. ``weights`` holds what each package weighs
    in each respect (lines, classes, ...): the first salt whose division is balanced in all of them is taken, or the
    most balanced one of :data:`TRIED_SALTS`.
    """
    best: tuple[float, dict[str, str]] | None = None
    for salt in range(TRIED_SALTS):
        division = {package: _place(package, salt, shares) for package in sorted(weights)}
        skew = _skew(division, weights, shares)
        if best is None or skew < best[0]:
            best = (skew, division)
        if skew <= TOLERANCE:
            break
    assert best is not None
    return best[1]


def _place(package: str, salt: int, shares: Mapping[str, float]) -> str:
    position = digest(salt, package) / 2**64
    for split, share in shares.items():
        if position < share:
            return split
        position -= share
    return list(shares)[-1]


def _skew(division: Mapping[str, str], weights: Mapping[str, Sequence[float]], shares: Mapping[str, float]) -> float:
    """The largest relative distance of a split's part from its share, over all respects."""
    worst = 0.0
    for respect in zip(*(weights[package] for package in division), strict=True):
        total = sum(respect)
        for split, share in shares.items():
            part = sum(weight for package, weight in zip(division, respect, strict=True) if division[package] == split)
            if total and share:
                worst = max(worst, abs(part / total - share) / share)
    return worst
