"""What is brought back from the past: the lessons that a proposer sees."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from operator import attrgetter

from optimizer.records import Lesson, Verdict


def recall(
    lessons: Sequence[Lesson], *, recent: int = 12, relevant: int = 24, about: Collection[str] = ()
) -> tuple[Lesson, ...]:
    """At most ``recent`` + ``relevant`` lessons, in the order of their experiments.

    The last ``recent`` ones, and of the others those that say most: about a dimension of ``about`` first (all
    dimensions are alike when it is empty), then keeps, then by the size of the effect, the later one of two equals.
    """
    in_order = attrgetter("experiment")
    ordered = sorted(lessons, key=in_order)
    cut = max(0, len(ordered) - max(0, recent))
    older = heapq.nlargest(max(0, relevant), ordered[:cut], key=lambda lesson: _weight(lesson, about))
    return tuple(sorted([*older, *ordered[cut:]], key=in_order))


def _weight(lesson: Lesson, about: Collection[str]) -> tuple[bool, bool, float, int]:
    touches = bool(about) and any(name in about for name in lesson.changes)
    return touches, lesson.verdict is Verdict.keep, abs(lesson.effect or 0.0), lesson.experiment
