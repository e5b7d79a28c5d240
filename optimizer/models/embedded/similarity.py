"""How alike two short texts are: IDF-weighted cosine of concepts and cosine of character trigrams."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optimizer.models.embedded.words import content_stems

CONCEPT_SHARE = 0.7
"""Weight of the cosine of concepts; the rest is the trigrams'."""
UNKNOWN_SHARE = 0.6
"""IDF of a word that the corpus lacks, as a share of its largest: a rare word dilutes a match, but mildly."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """A text made ready for comparison: weights of unit length, by concept and by trigram."""

    concepts: Mapping[str, float]
    trigrams: Mapping[str, float]


class Corpus:
    """Inverse document frequencies of concepts over some documents: ``ln((1 + n) / (1 + documents with it)) + 0.3``."""

    def __init__(self, documents: Iterable[str]) -> None:
        counts: Counter[str] = Counter()
        n = 0
        for document in documents:
            n += 1
            counts.update(set(content_stems(document)))
        self._idf = {concept: math.log((1 + n) / (1 + count)) + 0.3 for concept, count in counts.items()}
        self._unknown = UNKNOWN_SHARE * max(self._idf.values(), default=1.0)

    def idf(self, concept: str) -> float:
        """The weight of one concept."""
        return self._idf.get(concept, self._unknown)

    def vectors(self, text: str) -> Vectors:
        """``text`` ready for :func:`similarity`."""
        stems = content_stems(text)
        concepts = {stem: self.idf(stem) * (1 + math.log(n)) for stem, n in Counter(stems).items()}
        joined = f" {' '.join(stems)} "
        trigrams = {gram: float(n) for gram, n in Counter(joined[i : i + 3] for i in range(len(joined) - 2)).items()}
        return Vectors(_unit(concepts), _unit(trigrams))


def similarity(a: Vectors, b: Vectors) -> float:
    """How alike two texts of one corpus are, in [0, 1]."""
    return CONCEPT_SHARE * _dot(a.concepts, b.concepts) + (1 - CONCEPT_SHARE) * _dot(a.trigrams, b.trigrams)


def _dot(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    return sum(a[key] * b[key] for key in a.keys() & b.keys())


def _unit(weights: Mapping[str, float]) -> Mapping[str, float]:
    norm = math.sqrt(sum(w * w for w in weights.values()))
    return {key: w / norm for key, w in weights.items()} if norm else {}
