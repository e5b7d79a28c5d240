from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.tuning.rankings import METHODS, rankings_of
from search_space.prompting import Case


def cases_of(**texts: list[str]) -> list[Case]:
    return [
        Case(f"{answer}{number}", text, answer, f"{answer}{number}")
        for answer, questions in texts.items()
        for number, text in enumerate(questions)
    ]


CASES = cases_of(
    card=["something else entirely", "my card is late", "my card is late today", "the card is late"],
    fee=["an extra fee", "an extra fee on my account", "quite different", "the extra fee"],
)


@pytest.mark.parametrize("method", METHODS)
def test_every_order_holds_every_case_once_and_depends_on_the_seed_alone(method: str) -> None:
    order = rankings_of(CASES, 1, [method])[method]
    assert sorted(order) == sorted(case.id for case in CASES)
    assert rankings_of(CASES, 1) | {method: order} == rankings_of(CASES, 1), "whatever other methods are asked for"


@pytest.mark.parametrize("method", ["balanced", "central", "telling"])
def test_answers_come_by_turns(method: str) -> None:
    order = rankings_of(CASES, 3, [method])[method]
    assert [each.rstrip("0123456789") for each in order] == ["card", "fee"] * 4


@pytest.mark.parametrize("method", ["central", "telling"])
def test_what_stands_for_the_others_comes_before_what_stands_alone(method: str) -> None:
    first = rankings_of(CASES, 5, [method])[method][:2]
    assert "card0" not in first and "fee2" not in first


def test_random_orders_differ_by_seed() -> None:
    assert len({tuple(rankings_of(CASES, seed, ["random"])["random"]) for seed in range(5)}) > 1


def test_near_copies_stand_in_an_order_once() -> None:
    copies = [Case("a", "same text", "x", "g"), Case("b", "same text!", "x", "g"), Case("c", "other", "x")]
    for order in rankings_of(copies, 1).values():
        assert sorted(order) == ["a", "c"]


def test_free_answers_are_ranked_together() -> None:
    free = [Case(str(at), f"question {at} about {word}", word) for at, word in enumerate(["tea", "sea", "pea", "lea"])]
    assert sorted(rankings_of(free, 1)["central"]) == ["0", "1", "2", "3"]


@given(st.lists(st.tuples(st.text(max_size=6), st.sampled_from("ab")), max_size=6))
def test_odd_texts_are_ranked_too(texts: list[tuple[str, str]]) -> None:
    cases = [Case(str(at), text, answer) for at, (text, answer) in enumerate(texts)]
    for order in rankings_of(cases, 1).values():
        assert sorted(order) == sorted(case.id for case in cases)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(ValueError, match="'best', expected one of random, balanced"):
        rankings_of(CASES, 1, ["best"])
