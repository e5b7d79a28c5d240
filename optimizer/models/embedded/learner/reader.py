"""Reads examples: which answer a question has, going by those that are shown.

Two readers vote, each with its scores brought to mean 0 and deviation 1: kernel ridge regression onto the answers
(Rifkin, Yeo and Poggio, "Regularized least-squares classification", 2003) and naive Bayes (McCallum and Nigam, "A
comparison of event models", 1998, the multinomial with presence for counts). Names and descriptions of answers stand as
one more example each. Constants were chosen by cross-validation on two public sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from optimizer.models.embedded.learner.demonstrations import Demonstration
from optimizer.models.embedded.learner.features import COUNTERS, Columns, Counter

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    Array = np.ndarray[Any, np.dtype[np.float64]]

RIDGE = 0.1
"""Added to the kernel's diagonal."""
SHARPNESS = 2.0
"""``k = exp(sharpness (cosine - 1))``: texts count for each other the more, the more of their features they share."""
SMOOTHING = 0.1
"""Naive Bayes: added to each count of a feature under an answer."""
OFTEN = 0.05
"""Share of the texts above which a feature counts as one that many share."""
REPEATED = 0.6
"""Share of different answers among the demonstrations up to which they are taken for a fixed set."""


@lru_cache(maxsize=16)
def reader_of(demonstrations: tuple[Demonstration, ...], answers: tuple[tuple[str, str], ...]) -> Reader:
    """The reader of these examples and listed answers; fitted once while they stay the same."""
    return Reader(demonstrations, answers)


class Reader:
    """``answers`` are (name, what is said of it); those of ``demonstrations`` need not be among them."""

    def __init__(self, demonstrations: Sequence[Demonstration], answers: Sequence[tuple[str, str]]) -> None:
        shown = list(dict.fromkeys(each.answer for each in demonstrations))
        # Without a list and with hardly an answer twice, answers are texts of their own.
        self._free = not answers and len(shown) > max(1, REPEATED * len(demonstrations))
        texts = [each.question for each in demonstrations]
        if self._free:
            self._names = [each.answer for each in demonstrations]
            places = list(range(len(texts)))
            described: list[str] = []
        else:
            said = dict(answers)
            self._names = list(dict.fromkeys([*said, *shown]))
            number = {name: place for place, name in enumerate(self._names)}
            places = [number[each.answer] for each in demonstrations]
            described = [f"{name.replace('_', ' ')} {said.get(name, '')}" for name in self._names]
        self._fit([*texts, *described], [*places, *range(len(described))])

    def answer(self, question: str) -> str:
        """The best answer; between equals the one that was shown first."""
        if len(self._names) == 1:
            return self._names[0]
        return self._names[int(self.scores(question).argmax())]

    def scores(self, question: str) -> Array:
        """The score of each answer, in the order in which they were shown."""
        import numpy as np

        cosine: Any = np.mean([view.cosine(question) for view in self._views], axis=0)
        if self._free:
            return np.asarray(cosine)
        ridge = np.exp(SHARPNESS * (cosine - 1)) @ self._weights
        return _standard(ridge) + _standard(self._bayes.scores(question))

    def _fit(self, texts: Sequence[str], places: Sequence[int]) -> None:
        import numpy as np
        from scipy.linalg import cho_factor, cho_solve
        from scipy.sparse import csr_matrix

        shape = (len(texts), len(self._names))
        target = csr_matrix((np.ones(len(texts)), (range(len(texts)), places)), shape=shape)
        self._views = [_View(counter, texts, target) for counter in COUNTERS]
        if self._free:
            return
        cosine: Any = np.mean([view.among_themselves() for view in self._views], axis=0)
        kernel = np.exp(SHARPNESS * (cosine - 1)) + RIDGE * np.eye(len(texts))
        wanted = target.toarray()
        factor = cho_factor(kernel, overwrite_a=True, check_finite=False)
        self._weights = cho_solve(factor, wanted - wanted.mean(axis=0), overwrite_b=True, check_finite=False)
        self._bayes = _Bayes(self._views[0], target)


class _View:
    """Texts as features, of unit length: ``(1 + ln count) x rarity x how far the feature tells answers apart``."""

    def __init__(self, counter: Counter, texts: Sequence[str], target: csr_matrix) -> None:
        import numpy as np

        self._counter = counter
        self.columns = Columns([counter.count(text) for text in texts])
        self.present = self.columns.counts.copy()
        self.present.data = np.ones_like(self.present.data)
        found = np.bincount(self.present.indices, minlength=len(self.columns)).astype(float)
        rarity = np.log((1 + len(texts)) / (1 + found)) + 1
        self._weights = rarity * _telling(self.present, found, target)
        self._rows = self.columns.counts
        self._rows.data = (1 + np.log(self._rows.data)) * self._weights[self._rows.indices]
        of = np.repeat(np.arange(len(texts)), np.diff(self._rows.indptr))
        length = np.sqrt(np.bincount(of, weights=self._rows.data**2, minlength=len(texts)))
        self._rows.data /= np.where(length > 0, length, 1.0)[of]

    def among_themselves(self) -> Array:
        """The cosine of each text with each other one. Features that many texts share are multiplied as a dense matrix,
        which costs less for them; the others as a sparse one."""
        import numpy as np

        often = np.bincount(self._rows.indices, minlength=len(self.columns)) > OFTEN * self._rows.shape[0]
        common = self._rows[:, np.flatnonzero(often)].toarray()
        rare = self._rows[:, np.flatnonzero(~often)]
        return (rare @ rare.T).toarray() + common @ common.T  # type: ignore[no-any-return]

    def cosine(self, question: str) -> Array:
        import numpy as np

        places, counts = self.columns.narrow(self._counter.count(question))
        row = np.zeros(len(self.columns))
        row[places] = (1 + np.log(counts)) * self._weights[places]
        length = float(np.sqrt(row @ row))
        return self._rows @ (row / (length or 1.0))  # type: ignore[no-any-return]

    def has(self, question: str) -> Array:
        """1 for each feature that the question has, else 0."""
        import numpy as np

        row = np.zeros(len(self.columns))
        row[self.columns.narrow(self._counter.count(question))[0]] = 1.0
        return row


class _Bayes:
    """Multinomial naive Bayes over the presence of features, all answers equally likely beforehand. Kept is only by how
    much a feature that occurs under an answer is more likely there than one that does not."""

    def __init__(self, view: _View, target: csr_matrix) -> None:
        import numpy as np

        self._view = view
        counts = (target.T @ view.present).tocsr()
        self._totals = np.asarray(counts.sum(axis=1)).ravel() + SMOOTHING * len(view.columns)
        counts.data = np.log((counts.data + SMOOTHING) / SMOOTHING)
        self._more = counts

    def scores(self, question: str) -> Array:
        import numpy as np

        row = self._view.has(question)
        return np.asarray(self._more @ row + row.sum() * np.log(SMOOTHING / self._totals))


def _telling(present: csr_matrix, found: Array, target: csr_matrix) -> Array:
    """How far each feature tells answers apart, in (0, 1): the mean divergence between its share in an answer's texts
    (two texts of the common share added) and its share in all, over the entropy of that share. The answers in which it
    never occurs differ only by how many texts they have, so each such number is reckoned once."""
    import numpy as np

    texts, _ = present.shape
    share = (found + 0.5) / (texts + 1)
    of_answer = np.asarray(target.sum(axis=0)).ravel()

    def divergence(count: Any, size: Any, q: Array) -> Array:
        r = (count + 2 * q) / (size + 2)
        return np.asarray(r * np.log(r / q) + (1 - r) * np.log((1 - r) / (1 - q)))

    sizes, how_many = np.unique(of_answer, return_counts=True)
    total = sum(n * divergence(0.0, size, share) for size, n in zip(sizes, how_many, strict=True))
    counts = (present.T @ target).tocoo()
    size, q = of_answer[counts.col], share[counts.row]
    more = divergence(counts.data, size, q) - divergence(0.0, size, q)
    total = total + np.bincount(counts.row, weights=more, minlength=len(share))
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return np.asarray(np.maximum(total / len(of_answer), 1e-12) / entropy)


def _standard(scores: Array) -> Array:
    import numpy as np

    spread = float(scores.std())
    return np.asarray((scores - scores.mean()) / (spread or 1.0))
