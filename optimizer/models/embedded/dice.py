"""Seeded randomness: a number for each question asked of it, the same for ever."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Numbers that depend on a root (the seed and what was read) and on what is asked, and on nothing else."""

    def __init__(self, *root: object) -> None:
        self._root = hashlib.blake2b(_join(root), digest_size=16).digest()

    def roll(self, *question: object) -> float:
        """A number in [0, 1), uniform over roots, for this question."""
        digest = hashlib.blake2b(_join(question), digest_size=8, key=self._root).digest()
        return int.from_bytes(digest, "big") / 2**64

    def happens(self, rate: float, *question: object) -> bool:
        """Whether something that happens at ``rate`` happens."""
        return rate > 0.0 and self.roll(*question) < rate

    def pick(self, options: Sequence[T], *question: object) -> T:
        """One of ``options``, which must not be empty."""
        return options[min(len(options) - 1, int(self.roll("pick", *question) * len(options)))]

    def gumbel(self, *question: object) -> float:
        """A standard Gumbel number: adding it to scores and taking the largest is a draw from their softmax."""
        return -math.log(-math.log(min(max(self.roll("gumbel", *question), 1e-12), 1 - 1e-12)))


def _join(parts: Sequence[object]) -> bytes:
    return "\x1f".join(str(part) for part in parts).encode("utf-8", "surrogatepass")
