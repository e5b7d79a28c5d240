"""Division into splits: no near-copy on both sides, every answer its share, the same again for the same seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.datasets.splitting import SHARES, are_labels, divide
from optimizer.records import Split
from search_space.prompting.cases import Case

LETTERS = "abcdefghijklmnopqrst"


def cases_of(texts: Sequence[tuple[str, str]], prefix: str = "c") -> list[Case]:
    return [Case(f"{prefix}{number}", text, answer) for number, (text, answer) in enumerate(texts)]


def question(number: int) -> str:
    """Texts that share next to nothing."""
    return (
        " ".join(LETTERS[(number * 7 + place * place + number // 5) % 20] * (2 + place) for place in range(4))
        + f" {number}"
    )


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from("xyz")), min_size=1, max_size=40),
    st.integers(0, 3),
)
def test_a_group_never_straddles_the_split(drawn: list[tuple[int, str]], seed: int) -> None:
    divided = divide(cases_of([(question(number), answer) for number, answer in drawn]), seed=seed)
    splits: dict[str, set[Split]] = defaultdict(set)
    for split, cases in divided.asked.items():
        for case in cases:
            splits[case.group].add(split)
    assert all(len(each) == 1 for each in splits.values())
    held = {case.group for case in divided.asked[Split.holdout]}
    assert not held & {case.group for case in divided.stored}
    assert len(divided.stored) + len(divided.asked[Split.holdout]) == len(drawn)
    again = divide(cases_of([(question(number), answer) for number, answer in drawn]), seed=seed)
    assert again == divided


def test_every_label_has_its_share_of_every_split() -> None:
    divided = divide(cases_of([(question(number), "xyz"[number % 3]) for number in range(120)]))
    for split, share in SHARES.items():
        assert all(abs(count - 40 * share) <= 1 for count in Counter(c.answer for c in divided.asked[split]).values())


def test_another_seed_divides_otherwise() -> None:
    cases = cases_of([(question(number), "xy"[number % 2]) for number in range(60)])
    assert divide(cases, seed=0).asked != divide(cases, seed=1).asked


def test_with_a_holdout_of_its_own_all_data_are_search_and_certify_and_copies_are_counted() -> None:
    cases = cases_of([(question(number), "xy"[number % 2]) for number in range(50)])
    given_ones = cases_of([(question(3) + "!", "y"), (question(77), "x"), (question(78), "new")], "h")
    divided = divide(cases, given_ones)
    assert [case.id for case in divided.asked[Split.holdout]] == ["h0", "h1", "h2"]
    assert len(divided.asked[Split.search]) + len(divided.asked[Split.certify]) == 50 == len(divided.stored)
    assert divided.copied == {"h0"} and divided.unseen == {"new": 1}


def test_more_cases_than_are_asked_about_stay_to_be_shown() -> None:
    cases = cases_of([(question(number), "xyz"[number % 3]) for number in range(90)])
    divided = divide(cases, cases_of([(question(200), "x")], "h"), most={Split.search: 12, Split.certify: 6})
    assert {split: len(asked) for split, asked in divided.asked.items()} == {"search": 12, "certify": 6, "holdout": 1}
    assert len(divided.stored) == 90
    assert Counter(case.answer for case in divided.asked[Split.search]) == {"x": 4, "y": 4, "z": 4}


@pytest.mark.parametrize(("answers", "labels"), [(["a", "b"] * 4, True), (["a", "b", "c", "d"], False), (["a"], False)])
def test_what_labels_are(answers: list[str], labels: bool) -> None:
    assert are_labels(answers) is labels
