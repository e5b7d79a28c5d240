"""Conclusions and how they go wrong: what every procedure of the reasoner stands on.

A fact that is not in view raises :class:`Missing`; the caller then looks for it with a tool. Every fact that is read
may be misread, every chain may be left too early, every combination may mix numbers up, at the rates of
:mod:`optimizer.models.embedded.rates`; the dice depend on seed, prompt, tools and question, so a slip made in one step
is made again in the next as long as nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.knowledge import Knowledge
from optimizer.models.embedded.rates import CHECKED_FACTOR, RECALL_FACTOR, Rates
from optimizer.models.embedded.wants import Want

T = TypeVar("T")


class Missing(Exception):
    """Facts that are not in view, the first needed first; all of them can be looked up independently."""

    def __init__(self, wants: Sequence[Want]) -> None:
        super().__init__(", ".join(want.key for want in wants))
        self.wants = tuple(wants)


class Deduction:
    """One attempt at something with what is in view."""

    def __init__(self, known: Knowledge, dice: Dice, rates: Rates, given_up: frozenset[str]) -> None:
        self._known = known
        self._dice = dice
        self._rates = rates
        self._given_up = given_up
        self._slip = CHECKED_FACTOR if known.checked else 1.0
        self.found: dict[str, str] = {}
        """Conclusions of this attempt in order: what it is about -> value."""
        self.open: list[str] = []
        """What was being concluded when a fact was missing, outermost first."""
        self._guesses = 0
        self.deciding: Want | None = None
        """The look-up behind the last fact that was read."""

    def _conclude(self, key: str, read: Callable[[], str], near: Callable[[], list[str]]) -> str:
        """The value of ``key``: as noted earlier, or as read now; either may go wrong, at different rates."""
        noted = self._known.noted.get(key)
        self.open.append(key)
        guesses = self._guesses
        value = noted if noted is not None else read()
        rate = self._rates.misread * self._slip * (RECALL_FACTOR if noted is not None else 1.0)
        if self._dice.happens(rate, "misread", key):
            others = [other for other in dict.fromkeys(near()) if other != value]
            value = self._dice.pick(others, "misread as", key) if others else value
        self.open.pop()
        if self._guesses == guesses:
            self.found[key] = value
        return value

    def _mixed(self, values: Sequence[T], *question: object) -> list[T]:
        """``values``, one of them sometimes replaced by its neighbour."""
        mixed = list(values)
        if len(mixed) > 1 and self._happens(self._rates.mix_up, "mix up", *question):
            at = int(self._dice.roll("mix up which", *question) * len(mixed))
            mixed[at] = mixed[(at + 1) % len(mixed)]
        return mixed

    def _happens(self, rate: float, *question: object) -> bool:
        return self._dice.happens(rate * self._slip, *question)

    def _lack(self, want: Want, guess: Callable[[], T]) -> T:
        """A guess, when one is made up; otherwise the want is raised."""
        rate = self._rates.make_up_gone if self._known.forgotten else self._rates.make_up
        if want.key in self._given_up or self._dice.happens(rate, "make up", want.key):
            self._guesses += 1
            return guess()
        raise Missing([want])

    def _lack_all(self, wants: Sequence[Want]) -> None:
        if open_wants := [want for want in wants if want.key not in self._given_up]:
            raise Missing(open_wants)

    def _each(self, parts: Sequence[Callable[[], T]]) -> list[T]:
        """All of ``parts``, which do not depend on each other; what several of them lack is raised together."""
        values, lacking = [], []
        for part in parts:
            depth = len(self.open)
            try:
                values.append(part())
            except Missing as missing:
                lacking += [want for want in missing.wants if want not in lacking]
                if len(lacking) > len(missing.wants):
                    del self.open[depth:]
        if lacking:
            raise Missing(lacking)
        return values
