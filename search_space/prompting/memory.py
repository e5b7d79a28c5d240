"""The memory of stored cases: which of them are most like a question.

Likeness is BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, section 3)
over pairs of words and runs of characters, from an inverted index in plain Python, since it is read inside a sandbox.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain, islice, pairwise
from pathlib import Path

from search_space.prompting.cases import Case, answers_of, read_cases
from search_space.prompting.describe import Words

K1, B = 1.2, 0.75
"""BM25's customary settings: how soon repeats stop counting, and how much a long text is held against it."""
GRAM = 4
"""Characters of a run."""
_WORD = re.compile(r"\w+")


class Memory:
    """Stored cases, ready to be looked up. The order of ``cases`` decides between equals."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases = tuple(cases)
        self.answers = tuple(answers_of(self.cases))
        self.by_id = {case.id: case for case in self.cases}
        counts = [Counter(terms(case.question)) for case in self.cases]
        self._index = _index(counts)

    @classmethod
    def load(cls, path: Path) -> Memory:
        """The memory of a file of cases; raises as :func:`read_cases` does."""
        return cls(read_cases(path))

    @cached_property
    def words(self) -> Words:
        """The words of the cases, by answer."""
        return Words(self.cases)

    def nearest(self, question: str, k: int, exclude_group: str = "") -> list[Case]:
        """The first ``k`` of :meth:`ranked`."""
        return list(islice(self.ranked(question, exclude_group), k))

    def ranked(self, question: str, exclude_group: str = "") -> Iterator[Case]:
        """The cases, those most like ``question`` first; none of ``exclude_group`` (empty: all may be)."""
        losses = [0.0] * len(self.cases)
        for term in terms(question):
            for place, weight in self._index.get(term, ()):
                losses[place] -= weight
        for place in sorted(range(len(losses)), key=losses.__getitem__):
            case = self.cases[place]
            if not exclude_group or case.group != exclude_group:
                yield case

    def ranked_by_turns(self, question: str, exclude_group: str = "") -> Iterator[Case]:
        """The cases by turns: the best of each answer first, then the second best of each, and so on. Within a turn the
        answer whose case is more like ``question`` comes first."""
        seen: Counter[str] = Counter()
        turns: list[list[Case]] = []
        for case in self.ranked(question, exclude_group):
            if seen[case.answer] == len(turns):
                turns.append([])
            turns[seen[case.answer]].append(case)
            seen[case.answer] += 1
        return chain.from_iterable(turns)


def terms(text: str) -> Iterator[str]:
    """What a text is looked up by: pairs of neighbouring words, and runs of ``GRAM`` characters of words, their ends
    marked, in small letters. On two public sets of short questions these found as much as words and other runs with
    them."""
    words = _WORD.findall(text.lower())
    for first, second in pairwise(words):
        yield f"{first} {second}"
    for word in words:
        padded = f"_{word}_"
        for at in range(max(1, len(padded) - GRAM + 1)):
            yield padded[at : at + GRAM]


def _index(counts: Sequence[Counter[str]]) -> dict[str, list[tuple[int, float]]]:
    """For each term the cases that have it, each with what the term adds to its score."""
    documents: Counter[str] = Counter()
    for count in counts:
        documents.update(count.keys())
    lengths = [sum(count.values()) for count in counts]
    mean = sum(lengths) / len(lengths) if lengths else 1.0
    index: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for place, count in enumerate(counts):
        slow = K1 * (1 - B + B * lengths[place] / (mean or 1.0))
        for term, n in count.items():
            rarity = math.log(1 + (len(counts) - documents[term] + 0.5) / (documents[term] + 0.5))
            index[term].append((place, rarity * n * (K1 + 1) / (n + slow)))
    return dict(index)
