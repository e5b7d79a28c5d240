"""Orders of the stored cases, made once: a prompt that shows the first so many shows the same to every question.

- ``random``: at random.
- ``balanced``: at random, the answers by turns.
- ``central``: the answers by turns, and of each the cases that stand best for its others (facility location, greedily:
  Lin and Bilmes, "A class of submodular functions for document summarization", 2011, section 4).
- ``telling``: the same, but cases are compared by what tells answers apart.

Answers come by turns where they are labels, that is where cases share them; free answers are ranked all together. What
makes an order knows nothing of the model. It does know the answers of all cases, of those that the search asks too:
what an order is worth is told by a holdout that is not among them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from search_space.prompting import Case

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

METHODS = ("random", "balanced", "central", "telling")
RUNS = (3, 5)
"""Shortest and longest run of characters inside a word that texts are compared by."""
LARGEST = 1000
"""Of an answer with more cases so many, drawn at random, are ranked; the others follow in their order."""


def rankings_of(cases: Sequence[Case], seed: int, methods: Iterable[str] = METHODS) -> dict[str, list[str]]:
    """For each method the ids of ``cases``, the first to be shown first. Of a group of near-copies only the first case
    stands in an order: a second one would teach nothing.

    Takes about 10 s for 10,000 short cases. Raises :class:`ValueError` for a method that is not there.
    """
    once = list({case.group or f"\0{case.id}": case for case in reversed(cases)}.values())[::-1]
    wanted = list(methods)
    if unknown := [method for method in wanted if method not in METHODS]:
        raise ValueError(f"got the method {unknown[0]!r}, expected one of {', '.join(METHODS)}")
    if not once:
        return {method: [] for method in wanted}
    groups = _groups(once)
    return {method: [once[place].id for place in _order(method, once, groups, seed)] for method in wanted}


def _groups(cases: Sequence[Case]) -> list[list[int]]:
    """The cases' places by answer, the answers sorted; all in one where hardly two share an answer."""
    by_answer: dict[str, list[int]] = defaultdict(list)
    for place, case in enumerate(cases):
        by_answer[case.answer].append(place)
    if len(by_answer) > len(cases) / 2:
        return [list(range(len(cases)))]
    return [by_answer[answer] for answer in sorted(by_answer)]


def _order(method: str, cases: Sequence[Case], groups: Sequence[Sequence[int]], seed: int) -> list[int]:
    dice = random.Random(f"{seed} {method}")
    if method == "random":
        return dice.sample(range(len(cases)), len(cases))
    if method == "balanced":
        return _by_turns([dice.sample(group, len(group)) for group in groups])
    rows = _rows([case.question for case in cases])
    if method == "telling":
        rows = _telling(rows, groups)
    return _by_turns([_central(rows, dice.sample(group, len(group))) for group in groups])


def _by_turns(orders: Iterable[Sequence[int]]) -> list[int]:
    """The first of each, the second of each, and so on."""
    return [place for place in chain.from_iterable(zip_longest(*orders)) if place is not None]


def _central(rows: csr_matrix, places: Sequence[int]) -> list[int]:
    """``places`` so that each next one adds most to how near all of them are to what stands before: the sum over all of
    the largest likeness. The first of equals is taken."""
    import numpy as np

    ranked, rest = list(places[:LARGEST]), list(places[LARGEST:])
    alike: Any = (rows[ranked] @ rows[ranked].T).toarray()
    covered = np.zeros(len(ranked))
    order, left = list[int](), np.ones(len(ranked), dtype=bool)
    for _ in ranked:
        gains = np.maximum(alike, covered).sum(axis=1)
        gains[~left] = -1.0
        best = int(gains.argmax())
        order.append(ranked[best])
        left[best] = False
        covered = np.maximum(covered, alike[best])
    return order + rest


def _rows(texts: Sequence[str]) -> csr_matrix:
    """Texts as rows of unit length."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        return TfidfVectorizer(analyzer="char_wb", ngram_range=RUNS, sublinear_tf=True).fit_transform(texts).tocsr()
    except ValueError:  # no text has as much as a word in it
        from scipy.sparse import csr_matrix

        return csr_matrix((len(texts), 1))


def _telling(rows: csr_matrix, groups: Sequence[Sequence[int]]) -> csr_matrix:
    """``rows`` with each feature weighted by the square root of its mutual information with the answer, as a share of
    its own entropy."""
    import numpy as np
    from scipy.sparse import diags
    from sklearn.preprocessing import normalize

    present: csr_matrix = (rows > 0).astype(float)
    share = (np.asarray(present.sum(axis=0)).ravel() + 0.5) / (rows.shape[0] + 1)
    told = np.zeros(rows.shape[1])
    for group in groups:
        inside = (np.asarray(present[list(group)].sum(axis=0)).ravel() + 2 * share) / (len(group) + 2)
        of_all = len(group) / rows.shape[0]
        told += of_all * (inside * np.log(inside / share) + (1 - inside) * np.log((1 - inside) / (1 - share)))
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return normalize(rows @ diags(np.sqrt(np.maximum(told, 1e-12) / entropy))).tocsr()
