"""Lessons and their recall."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.learning.lessons import lesson
from optimizer.learning.recall import recall
from optimizer.records import Decision, Lesson, Proposal, Verdict
from search_space.edits import Many, SetKey

PROPOSAL = Proposal(SetKey(key="limits.max_steps", value=20), "More steps help.", "random", {"limits.max_steps": 20})


def test_a_measured_lesson() -> None:
    decision = Decision(Verdict.keep, "kept", effect=0.032, raw_effect=0.071, better=14, worse=3, tasks=20, rollouts=96)
    found = lesson(12, replace(PROPOSAL, words="set the limit of steps\nto 20."), decision)
    assert found.text == (
        "#12 set the limit of steps to 20: kept, +7.1 points measured (+3.2 believed), "
        "better on 14 of 20 tasks, worse on 3, 96 rollouts."
    )
    assert (found.experiment, found.changes, found.verdict, found.effect) == (
        12,
        {"limits.max_steps": 20},
        Verdict.keep,
        0.032,
    )


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.keep, Verdict.discard}))
def test_an_unmeasured_lesson_says_why(verdict: Verdict) -> None:
    found = lesson(3, PROPOSAL, Decision(verdict, "the model was never asked. " + "x" * 400))
    assert "set limits.max_steps to 20" in found.text
    assert "(the model was never asked. xxx" in found.text
    assert len(found.text) < 320 and "\n" not in found.text


def test_no_reason_and_an_empty_edit() -> None:
    found = lesson(0, Proposal(Many(edits=()), "", "human"), Decision(Verdict.crash, ""))
    assert found.text == "#0 change nothing: crashed."


def some(number: int, effect: float, *, dimension: str = "a", verdict: Verdict = Verdict.discard) -> Lesson:
    return Lesson(number, f"#{number}", {dimension: 1}, verdict, effect)


LESSONS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(list(Verdict)), st.floats(-0.1, 0.1)), max_size=60
).map(lambda rows: [Lesson(n, f"#{n}", {d: 1}, v, e) for n, (d, v, e) in enumerate(rows)])


@given(LESSONS, st.integers(0, 20), st.integers(0, 20))
def test_recall_is_bounded_ordered_and_has_the_recent(lessons: list[Lesson], recent: int, relevant: int) -> None:
    found = recall(lessons, recent=recent, relevant=relevant)
    assert len(found) == min(len(lessons), recent + relevant)
    assert [lesson.experiment for lesson in found] == sorted({lesson.experiment for lesson in found})
    assert set(range(len(lessons) - min(recent, len(lessons)), len(lessons))) <= {each.experiment for each in found}
    assert recall(lessons[::-1], recent=recent, relevant=relevant) == found


def test_recall_brings_back_keeps_and_strong_effects_and_what_it_is_about() -> None:
    lessons = [
        some(0, 0.01, verdict=Verdict.keep),
        some(1, -0.09),
        some(2, 0.001),
        some(3, 0.002, dimension="b"),
        some(4, 0.0),
    ]
    assert [each.experiment for each in recall(lessons, recent=1, relevant=2)] == [0, 1, 4]
    assert [each.experiment for each in recall(lessons, recent=1, relevant=1, about={"b"})] == [3, 4]
