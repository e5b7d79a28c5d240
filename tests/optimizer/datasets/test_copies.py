"""Near-copies: found exactly, whatever the texts are, and templates are none."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from optimizer.datasets.copies import ENOUGH, GRAM, LIKE, groups_of, near_pairs, normalised

WORDS = st.lists(
    st.sampled_from(
        [
            "card",
            "transfer",
            "arrived",
            "pending",
            "lost",
            "my",
            "the",
            "when",
            "is",
            "a",
            "of",
            "pin",
            "app",
            "top",
            "up",
        ]
    ),
    max_size=9,
)


def grams(text: str) -> set[str]:
    padded = f" {text} "
    return {padded[start : start + GRAM] for start in range(max(1, len(padded) - GRAM + 1))}


@given(st.lists(WORDS.map(" ".join), max_size=ENOUGH - 1, unique=True))
def test_every_pair_above_the_limit_is_found_and_no_other(texts: list[str]) -> None:
    expected = {
        (high, low)
        for low, high in combinations(range(len(texts)), 2)
        if len(grams(texts[low]) & grams(texts[high])) / len(grams(texts[low]) | grams(texts[high])) >= LIKE
    }
    assert set(near_pairs(texts)) == expected


def test_case_punctuation_and_width_make_no_difference() -> None:
    questions = ["My card hasn't arrived", "my  card hasn't ARRIVED!", "ｍｙ card hasn't arrived.", "Something else"]
    assert groups_of(questions, ["a"] * 4) == [0, 0, 0, 3]
    assert normalised("  Ｃard_arrival? ") == "card arrival"


def test_near_copies_lead_to_one_group() -> None:
    base = "I have done a transfer within the country a couple of days ago but it is still not there yet"
    questions = [base, "What is my pin?", base + ".", base.replace("not there yet", "not there, yet please")]
    assert groups_of(questions, ["a", "b", "a", "a"]) == [0, 1, 0, 0]


def test_a_template_with_other_numbers_is_another_question() -> None:
    questions = [
        f"A shop sells {n} apples in the morning, twice as many in the evening; how many?" for n in (11, 52, 73)
    ]
    assert groups_of(questions, ["25", "107", "149"]) == [0, 1, 2]
    assert groups_of(questions, ["many"] * 3) == [0, 0, 0]


def test_words_that_stand_around_every_question_tell_nothing() -> None:
    frame = "You are given a message of a customer and have to decide which department should answer it. Message: "
    names = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo"]
    assert groups_of([frame + name for name in names], names) == list(range(len(names)))


def test_texts_without_words_are_compared_as_they_are() -> None:
    assert groups_of(["?", "!", "?", "🙂"], ["a"] * 4) == [0, 1, 0, 3]
