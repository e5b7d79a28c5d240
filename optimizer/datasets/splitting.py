"""Cases divided into search, certify and holdout: by answer in equal shares, near-copies together."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.datasets.copies import groups_of
from optimizer.records import Split
from search_space.prompting.cases import Case

SHARES: Mapping[Split, float] = {Split.search: 0.4, Split.certify: 0.25, Split.holdout: 0.35}
"""Of one file of cases."""
SHARES_BESIDE_HOLDOUT: Mapping[Split, float] = {Split.search: 0.6, Split.certify: 0.4}
"""Of a file beside which the holdout was given."""
MOST: Mapping[Split, int] = {Split.search: 400, Split.certify: 300}
"""Cases that are asked about in a split; all the others are there to be shown."""
LABELS = 4
"""Answers are labels when there are, on average, so many cases of one."""


@dataclass(frozen=True, slots=True)
class Divided:
    """Cases by split, with their groups. ``stored`` are all that may be shown to a question: every case that is no
    holdout, asked about or not. ``copied`` are the ids of holdout cases with a near-copy among ``stored``; there are
    some only when the holdout was given. ``unseen`` are answers, by how often, that only the holdout has."""

    asked: Mapping[Split, tuple[Case, ...]]
    stored: tuple[Case, ...]
    copied: frozenset[str]
    unseen: Mapping[str, int]

    @property
    def labels(self) -> bool:
        """Whether the stored cases' answers are labels, rather than texts of their own."""
        return are_labels([case.answer for case in self.stored])


def divide(
    cases: Sequence[Case], holdout: Sequence[Case] | None = None, *, seed: int = 0, most: Mapping[Split, int] = MOST
) -> Divided:
    """Divide ``cases``; with a ``holdout`` of its own they are search and certify alone.

    A group of near-copies is never divided. Where answers are labels, each has its share of every split as nearly as
    its groups allow; a label with a single group stays among the stored cases. The same seed gives the same division.
    """
    both = [*cases, *(holdout or ())]
    groups = groups_of([case.question for case in both], [case.answer for case in both])
    marked = [replace(case, group=f"g{group}") for case, group in zip(both, groups, strict=True)]
    own, given = marked[: len(cases)], marked[len(cases) :]
    places = _places(own, SHARES if holdout is None else SHARES_BESIDE_HOLDOUT, seed)
    kept_back = given if holdout is not None else [case for case in own if places[case.group] is Split.holdout]
    stored = [case for case in own if holdout is not None or places[case.group] is not Split.holdout]
    asked = {
        split: tuple(_some([case for case in stored if places[case.group] is split], most.get(split), seed))
        for split in (Split.search, Split.certify)
    }
    groups_stored, answers = {case.group for case in stored}, {case.answer for case in stored}
    return Divided(
        asked={**asked, Split.holdout: tuple(kept_back)},
        stored=tuple(stored),
        copied=frozenset(case.id for case in kept_back if case.group in groups_stored),
        unseen=Counter(case.answer for case in kept_back if case.answer not in answers),
    )


def are_labels(answers: Sequence[str]) -> bool:
    """Whether these are labels of classes rather than texts of their own."""
    return LABELS * len(set(answers)) <= len(answers)


def _places(cases: Sequence[Case], shares: Mapping[Split, float], seed: int) -> dict[str, Split]:
    """The split of each group: in a random order, the largest groups first, each goes where its answers are missing
    most, and among equals where cases are."""
    labels = are_labels([case.answer for case in cases])
    members: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        members[case.group].append(case.answer if labels else "")
    total = Counter(answer for answers in members.values() for answer in answers)
    has: dict[Split, Counter[str]] = {split: Counter() for split in shares}
    sizes: Counter[Split] = Counter()
    places: dict[str, Split] = {}
    for group in sorted(members, key=lambda each: (-len(members[each]), _draw(seed, each))):
        answers = Counter(members[group])
        split = max(
            shares,
            key=lambda each: (
                sum(min(n, shares[each] * total[answer] - has[each][answer]) for answer, n in answers.items()),
                shares[each] * len(cases) - sizes[each],
            ),
        )
        places[group] = split
        has[split].update(answers)
        sizes[split] += len(members[group])
    return places


def _some(cases: Sequence[Case], most: int | None, seed: int) -> list[Case]:
    """At most so many of the cases, in their order: answers in turn, each's cases in a random order."""
    if most is None or len(cases) <= most:
        return list(cases)
    by_answer: dict[str, list[Case]] = defaultdict(list)
    for case in sorted(cases, key=lambda each: _draw(seed, each.id)):
        by_answer[case.answer].append(case)
    share = most / len(cases)
    ranked = [
        ((place + 0.5) / (share * len(group)), _draw(seed, case.id), case.id)
        for group in by_answer.values()
        for place, case in enumerate(group)
    ]
    chosen = {name for *_, name in sorted(ranked)[:most]}
    return [case for case in cases if case.id in chosen]


def _draw(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()
