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
    from scipy.sparse import csr_matrix

RUNS = (3, 5)
"""Shortest and longest run of characters inside a word, its ends marked by spaces."""
BUCKETS = 2**22
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
        self._known: OrderedDict[str, csr_matrix] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, texts: Sequence[str]) -> csr_matrix:
        """A row of counts for each of ``texts``, ``BUCKETS`` wide."""
        from scipy.sparse import vstack

        with self._lock:
            return vstack([self._row(text) for text in texts], format="csr")

    def _row(self, text: str) -> csr_matrix:
        if text in self._known:
            self._known.move_to_end(text)
            return self._known[text]
        if self._vectorizer is None:
            from sklearn.feature_extraction.text import HashingVectorizer

            self._vectorizer = HashingVectorizer(
                analyzer=self._analyzer, ngram_range=RUNS, n_features=BUCKETS, norm=None, alternate_sign=False
            )
        row: csr_matrix = self._vectorizer.transform([text])
        self._known[text] = row
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return row


COUNTERS = (Counter("char_wb"), Counter(stems))


class Columns:
    """The features that some texts have, numbered from 0: what others have beside them is left out."""

    def __init__(self, counts: csr_matrix) -> None:
        import numpy as np

        self._present: np.ndarray[Any, Any] = np.unique(counts.indices)

    def __len__(self) -> int:
        return len(self._present)

    def narrow(self, counts: csr_matrix) -> csr_matrix:
        """``counts`` with these columns alone."""
        import numpy as np
        from scipy.sparse import csr_matrix

        places = np.searchsorted(self._present, counts.indices)
        places[places == len(self._present)] = 0
        known = self._present[places] == counts.indices if len(self._present) else np.zeros(len(places), bool)
        before = np.concatenate([[0], np.cumsum(known)])
        return csr_matrix(
            (counts.data[known], places[known], before[counts.indptr]), shape=(counts.shape[0], len(self))
        )
