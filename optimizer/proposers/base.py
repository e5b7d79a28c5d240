"""The proposer protocol: from the situation to one proposal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from optimizer.records import Lesson, Proposal, Verdict
from search_space.space import Assignment, Space


@dataclass(frozen=True, slots=True)
class Past:
    """One finished experiment, as a proposer may know it: never a certify or holdout score.

    ``assignment`` is the variant's full reading of the space; ``changes`` the dimensions in which it differed from its
    champion; ``value`` the estimated search score of the variant (the champion's estimate then, plus the shrunken
    effect), None when nothing was measured. ``source`` is the proposal's own, so that a proposer knows what it offered.
    ``refused`` says that the variant clearly violates a constraint, however good its value.
    """

    number: int
    assignment: Assignment
    changes: Assignment
    verdict: Verdict
    effect: float | None
    value: float | None
    source: str = ""
    refused: bool = False


class Beliefs(Protocol):
    """What all rollouts of the search so far say of options, with how sure that is."""

    def draws(self, terms: Sequence[str], seed: int) -> Iterator[Mapping[str, float]]:
        """Endless draws of what ``terms`` (``optimizer.terms``; all different) add to the score, as fractions of its
        scale, from their joint posterior; a term that was never met is drawn from its prior. The same ``terms`` and
        ``seed`` give the same draws."""
        ...


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a proposer knows when asked. ``seed`` is the experiment's own: the same situation gives the same
    proposal, which is what makes a resumed campaign the same campaign.

    ``baseline`` is how the space reads the harness that the campaign began with: its options add nothing, and are no
    terms. ``beliefs`` is None where there is no gate to have any.
    """

    number: int
    seed: int
    space: Space
    files: Mapping[str, bytes]
    assignment: Assignment
    history: Sequence[Past]
    lessons: Sequence[Lesson] = ()
    program: str = ""
    baseline: Assignment = field(default_factory=dict)
    beliefs: Beliefs | None = None


class Proposer(Protocol):
    """Proposes edits to the champion."""

    @property
    def name(self) -> str: ...

    def propose(self, situation: Situation) -> Proposal | None:
        """One proposal, or None when this proposer has nothing (more) to offer now."""
        ...
