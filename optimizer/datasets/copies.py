"""Which cases are copies, or nearly copies, of each other: they may not stand on both sides of a split."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

LIKE = 0.8
"""Jaccard similarity of two texts' character 5-grams from which they are near-copies."""
GRAM = 5
COMMON = 0.5
"""A 5-gram that stands in a larger share of the texts is boilerplate (a template around each question) and tells
nothing; only looked at among ``ENOUGH`` texts or more."""
ENOUGH = 10
ROUNDING = 1e-9
_WORDS = re.compile(r"[^\W_]+")
_NUMBERS = re.compile(r"\d+")


def normalised(text: str) -> str:
    """``text`` for comparison: NFKC, case folded, words only, one space between them."""
    return " ".join(_WORDS.findall(unicodedata.normalize("NFKC", text).casefold()))


def groups_of(questions: Sequence[str], answers: Sequence[str]) -> list[int]:
    """A group for each question, numbered by its first member: texts that are equal when normalised, or whose 5-grams
    overlap by :data:`LIKE`, and whatever these lead to in turn.

    Near-copies with different numbers in them are two questions of one template, unless they have the same answer.
    Every pair is found: the search is exact.
    """
    texts = [normalised(question) or question.strip() for question in questions]
    distinct = list(dict.fromkeys(texts))
    place = {text: index for index, text in enumerate(distinct)}
    first_answer: dict[int, set[str]] = defaultdict(set)
    for text, answer in zip(texts, answers, strict=True):
        first_answer[place[text]].add(answer)
    parents = list(range(len(distinct)))
    numbers = [_NUMBERS.findall(text) for text in distinct]
    for left, right in near_pairs(distinct):
        if numbers[left] == numbers[right] or first_answer[left] & first_answer[right]:
            _join(parents, left, right)
    roots = [_root(parents, place[text]) for text in texts]
    first: dict[int, int] = {}
    return [first.setdefault(root, number) for number, root in enumerate(roots)]


def near_pairs(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of indices, the smaller one last, of normalised texts that are near-copies.

    An inverted index over the rarest 5-grams of each text: two sets with Jaccard similarity t share one of the
    ``n - ceil(t n) + 1`` rarest of the larger's n (prefix filter; Bayardo, Ma and Srikant 2007; Xiao and others
    2008).
    """
    found = [_grams(text) for text in texts]
    counts = Counter(gram for grams in found for gram in grams)
    most = len(texts) * COMMON if len(texts) >= ENOUGH else math.inf
    order = {gram: rank for rank, (_, gram) in enumerate(sorted((count, gram) for gram, count in counts.items()))}
    sets = [{order[gram] for gram in grams if counts[gram] <= most} for grams in found]
    index: dict[int, list[int]] = defaultdict(list)
    for current in sorted(range(len(sets)), key=lambda each: (len(sets[each]), each)):
        own = sets[current]
        if not own:
            continue
        prefix = sorted(own)[: len(own) - math.ceil(LIKE * len(own) - ROUNDING) + 1]
        for other in dict.fromkeys(other for gram in prefix for other in index[gram]):
            if len(sets[other]) >= LIKE * len(own) - ROUNDING and _jaccard(own, sets[other]) >= LIKE:
                yield max(current, other), min(current, other)
        for gram in prefix:
            index[gram].append(current)


def _grams(text: str) -> set[str]:
    padded = f" {text} "
    return {padded[start : start + GRAM] for start in range(max(1, len(padded) - GRAM + 1))}


def _jaccard(left: set[int], right: set[int]) -> float:
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def _join(parents: list[int], left: int, right: int) -> None:
    first, second = sorted((_root(parents, left), _root(parents, right)))
    parents[second] = first
