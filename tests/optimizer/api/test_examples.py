"""How examples become tasks: by share, by seed, and never with a near-copy on the other side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from optimizer.api.examples import draws, split_examples
from optimizer.records import Split

SHARES = st.tuples(st.floats(0.2, 0.6), st.floats(0, 0.2), st.floats(0, 0.2))


@given(st.lists(st.integers(0, 400), min_size=12, max_size=150), SHARES, st.integers(0, 9))
def test_equal_examples_are_never_in_two_splits(
    numbers: list[int], shares: tuple[float, float, float], seed: int
) -> None:
    trainset = [*({"question": number} for number in numbers), {"question": -1}, {"question": -2}]
    found = split_examples(trainset, None, shares=shares, seed=seed)
    names = [name for split in Split for name in found.tasks[split]]
    assert Counter(str(found.by_id[name]) for name in names) == Counter(map(str, trainset)), "none is lost"
    held = [{str(found.by_id[name]) for name in found.tasks[split]} for split in Split]
    assert sum(map(len, held)) == len(set().union(*held))
    assert found == split_examples(trainset, None, shares=shares, seed=seed)


@given(st.integers(30, 200), st.integers(0, 9))
def test_each_split_gets_its_share(count: int, seed: int) -> None:
    found = split_examples(range(count), None, shares=(0.6, 0.2, 0.2), seed=seed)
    sizes = [len(found.tasks[split]) / count for split in Split]
    assert all(abs(size - share) <= 1 / count for size, share in zip(sizes, (0.6, 0.2, 0.2), strict=True))


def test_a_valset_is_the_holdout_and_its_near_copies_are_not_trained_on() -> None:
    found = split_examples(["A", "b", "c ", "d", "e", "f"], ["a", "c"], group=lambda text: text.strip().lower())
    assert [found.by_id[name] for name in found.tasks[Split.holdout]] == ["a", "c"]
    rest = {found.by_id[name] for split in (Split.search, Split.certify) for name in found.tasks[split]}
    assert rest == {"b", "d", "e", "f"} and found.dropped == 2


@dataclass
class Case:
    text: str


class Opaque:
    """Its repr holds its address."""


def test_objects_are_told_apart_by_what_they_say() -> None:
    cases = split_examples([Case(f"text {number % 6}") for number in range(12)], None)
    assert all(len(names) == 4 or not names or len(names) % 2 == 0 for names in cases.tasks.values())
    again = split_examples([Case(f"text {number % 6}") for number in range(12)], None)
    assert cases.tasks == again.tasks
    opaque, other = (split_examples([Opaque() for _ in range(12)], None) for _ in range(2))
    assert opaque.tasks == other.tasks, "an address is nothing that they say"
    assert sum(map(len, opaque.tasks.values())) == 12


def test_draws_stand_for_examples_where_there_are_none() -> None:
    found = draws(9)
    assert [len(found.tasks[split]) for split in (Split.search, Split.certify, Split.holdout)] == [9, 3, 3]
