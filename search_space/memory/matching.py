"""How well texts match a query by the words they share; rare words count more."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

WORD = re.compile(r"[A-Za-z0-9_]+")


def words_of(text: str) -> Counter[str]:
    """The words of a text in small letters, with how often each occurs; a name such as ``find_class`` is one word."""
    return Counter(word.lower() for word in WORD.findall(text))


def rarity(words: Iterable[str], texts: Sequence[Mapping[str, int]]) -> dict[str, float]:
    """The weight of each of ``words`` that occurs in ``texts``: ``ln(1 + texts / texts with it)`` (inverse document
    frequency)."""
    return {
        word: math.log(1 + len(texts) / found)
        for word in sorted(words)
        if (found := sum(word in text for text in texts))
    }


def scores(query: Iterable[str], texts: Sequence[Mapping[str, int]]) -> list[float]:
    """For each text, the sum of its shared words' rarity, repeats counted by their logarithm."""
    weights = rarity(query, texts)
    return [
        sum((1 + math.log(text[word])) * weight for word, weight in weights.items() if word in text) for text in texts
    ]
