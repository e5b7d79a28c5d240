from __future__ import annotations

from search_space.prompting import Case, Memory


def test_the_most_similar_case_comes_first(cases: list[Case]) -> None:
    memory = Memory(cases)
    assert memory.nearest("my card has still not arrived", 1)[0].id == "card-1"
    assert [case.answer for case in memory.nearest("change a forgotten pin", 2)] == ["pin", "pin"]
    assert len(memory.nearest("anything", 100)) == len(cases)


def test_a_group_is_left_out(cases: list[Case]) -> None:
    memory = Memory(cases)
    for case in cases:
        assert memory.nearest(case.question, 1)[0] == case
        assert case not in memory.nearest(case.question, 100, exclude_group=case.group)


def test_by_turns_every_answer_comes_before_any_comes_twice(cases: list[Case]) -> None:
    found = [case.answer for case in Memory(cases).ranked_by_turns("the fee for my card")]
    assert sorted(found[:3]) == sorted(found[3:6]) == ["card", "fee", "pin"]
    assert found[-1] == "card", "it has most cases"


def test_nothing_in_common_keeps_the_order(cases: list[Case]) -> None:
    assert Memory(cases).nearest("zzzz", 100) == cases
    assert Memory([]).nearest("zzzz", 3) == []
    assert Memory([Case("a", "!?", "x")]).nearest("", 3)[0].id == "a"


def test_words_that_set_an_answer_apart(cases: list[Case]) -> None:
    said = Memory(cases).words.describe(2)
    assert said["pin"].split(", ")[0] == "pin"
    assert said["fee"].split(", ")[0] == "fee"


def test_a_description_knows_nothing_of_the_group_that_asks() -> None:
    cases = [Case("a", "zebra stripes", "x", "one"), Case("b", "plain horse", "x", "two"), Case("c", "fast car", "y")]
    words = Memory(cases).words
    assert "zebra" in words.describe(10)["x"]
    assert "zebra" not in words.describe(10, "one")["x"]
    assert "horse" in words.describe(10, "one")["x"]
    assert "zebra" in words.describe(10)["x"], "what was left out once is not forgotten"
