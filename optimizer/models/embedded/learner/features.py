"""Texts as counts of runs of characters and of stems: what the reader compares them by."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Counts = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]

RUNS = (3, 5)
"""Shortest and longest run of characters inside a word, its ends marked by spaces."""
BUCKETS = 2**20
"""Features are hashed to so many numbers; two that meet are taken for one, which hardly ever happens."""
KEPT = 50_000
"""Texts whose features are remembered."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_SUFFIXES = ("iness", "ingly", "ness", "ing", "ies", "ily", "ed", "es", "ly", "s", "y")


def stems(text: str) -> list[str]:
    """Stems of words (a few suffixes cut, no dictionary) and pairs of neighbours."""
    words = [_stem(word) for word in _WORD.findall(text.lower())]
    return [*words, *(f"{first} {second}" for first, second in pairwise(words))]


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


class Counter:
    """Counts features of texts, each text once; for several threads."""

    def __init__(self, analyzer: Any) -> None:
        """``analyzer``: what scikit-learn's vectorizers take for one, ``char_wb`` for runs of characters."""
        self._analyzer = analyzer
        self._vectorizer: Any = None
        self._known: OrderedDict[str, Counts] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, text: str) -> Counts:
        """The text's features, by their numbers, and how often it has each; not to be changed."""
        with self._lock:
            if text in self._known:
                self._known.move_to_end(text)
                return self._known[text]
            if self._vectorizer is None:
                from sklearn.feature_extraction.text import HashingVectorizer

                self._vectorizer = HashingVectorizer(
                    analyzer=self._analyzer, ngram_range=RUNS, n_features=BUCKETS, norm=None, alternate_sign=False
                )
            row = self._vectorizer.transform([text])
            self._known[text] = row.indices, row.data
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
            return row.indices, row.data


COUNTERS = (Counter("char_wb"), Counter(stems))


class Columns:
    """The features that some texts have, numbered from 0; ``counts`` has a row for each of these texts."""

    def __init__(self, texts: Sequence[Counts]) -> None:
        import numpy as np
        from scipy.sparse import csr_matrix

        features = np.concatenate([indices for indices, _ in texts])
        seen = np.zeros(BUCKETS, dtype=bool)
        seen[features] = True
        self._present = np.flatnonzero(seen)
        # Only what is present is looked up in it, so that the rest may stay as it is found.
        number = np.empty(BUCKETS, dtype=np.int32)
        number[self._present] = np.arange(len(self._present))
        begins = np.concatenate([[0], np.cumsum([len(indices) for indices, _ in texts])])
        data = np.concatenate([data for _, data in texts])
        self.counts: csr_matrix = csr_matrix((data, number[features], begins), shape=(len(texts), len(self)))

    def __len__(self) -> int:
        return len(self._present)

    def narrow(self, counts: Counts) -> Counts:
        """What of another text's features is among them, by the new numbers."""
        import numpy as np

        indices, data = counts
        if not len(self):
            return indices[:0], data[:0]
        places = np.minimum(np.searchsorted(self._present, indices), len(self) - 1)
        known = self._present[places] == indices
        return places[known], data[known]
