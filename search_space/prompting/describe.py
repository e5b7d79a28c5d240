"""Short descriptions of answers, made from the stored cases: the words that set an answer's cases apart."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from search_space.prompting.cases import Case

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


class Words:
    """How many cases of each answer hold each word."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._of: dict[str, Counter[str]] = {}
        self._cases: Counter[str] = Counter()
        self._groups: dict[str, list[Case]] = {}
        self._all: Counter[str] = Counter()
        for case in cases:
            own = set(words_of(case.question))
            self._of.setdefault(case.answer, Counter()).update(own)
            self._all.update(own)
            self._cases[case.answer] += 1
            if case.group:
                self._groups.setdefault(case.group, []).append(case)
        self._known: dict[tuple[str, int], str] = {}

    def describe(self, count: int, exclude_group: str = "") -> Mapping[str, str]:
        """For each answer its ``count`` most telling words, the best first, with commas; made without the cases of
        ``exclude_group``, so that a description tells a question nothing of its own answer."""
        gone = self._groups.get(exclude_group, []) if exclude_group else []
        touched = {case.answer for case in gone}
        said = {}
        for answer in self._of:
            if answer in touched:
                said[answer] = self._told(answer, count, [case for case in gone if case.answer == answer])
                continue
            if (answer, count) not in self._known:
                self._known[answer, count] = self._told(answer, count, [])
            said[answer] = self._known[answer, count]
        return said

    def _told(self, answer: str, count: int, without: list[Case]) -> str:
        """The words that more of the answer's cases hold than of the others, by their part in the divergence between
        both: ``p ln(p / q)`` of the shares (Kullback and Leibler, 1951), each with half a case added to either side."""
        own = Counter(self._of[answer])
        for case in without:
            own.subtract(set(words_of(case.question)))
        inside = self._cases[answer] - len(without)
        outside = sum(self._cases.values()) - self._cases[answer]
        scored = []
        for word, n in own.items():
            p = (n + 0.5) / (inside + 1)
            q = (self._all[word] - self._of[answer][word] + 0.5) / (outside + 1)
            if n > 0 and len(word) > 1 and p > q:
                scored.append((-p * math.log(p / q), word))
        return ", ".join(word for _, word in sorted(scored)[:count])


def words_of(text: str) -> list[str]:
    """The words of a text in small letters."""
    return _WORD.findall(text.lower())
