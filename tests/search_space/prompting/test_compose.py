from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.errors import InvalidFile, MissingFile, SearchSpaceError
from search_space.messages import check_messages
from search_space.prompting import Case, Composed, Memory, PromptTooLong, compose, prompt_from_files
from search_space.prompting.harness import rankings_text

INSTRUCTIONS = b"Sort the question.\n"


def files(settings: str = "", **others: str) -> Mapping[str, bytes]:
    named = {name.replace("__", "."): text.encode() for name, text in others.items()}
    return {"PROMPT.md": INSTRUCTIONS, "prompt.toml": settings.encode(), **named}


def composed(cases: list[Case], settings: str, question: str = "Where is the card?", **others: str) -> Composed:
    return compose(prompt_from_files(files(settings, **others)), Memory(cases), question)


def everything(composed: Composed) -> str:
    return "\n".join([composed.system, *(str(message["content"]) for message in composed.messages)])


def test_instructions_and_question_alone(cases: list[Case]) -> None:
    found = composed(cases, "")
    assert found.system == "Sort the question."
    assert found.messages == ({"role": "user", "content": "Question: Where is the card?\nAnswer:"},)
    assert found.shown == ()


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("qa", "Examples:\nQuestion: I forgot my PIN\nAnswer: pin"),
        ("xml", "Examples:\n<example>\n<question>I forgot my PIN</question>\n<answer>pin</answer>\n</example>"),
        ("arrow", "Examples:\nI forgot my PIN => pin"),
        ("grouped", "Examples:\n## pin\n- I forgot my PIN"),
    ],
)
def test_formats(cases: list[Case], form: str, expected: str) -> None:
    ranking = rankings_text({"one": ["pin-0"]})
    found = composed(cases, f'[examples]\nchoice = "one"\nformat = "{form}"', rankings__json=ranking)
    assert found.system == f"Sort the question.\n\n{expected}"
    asked = composed(cases, f'[examples]\nchoice = "similar"\ncount = 1\nformat = "{form}"', "I forgot my PIN")
    assert str(asked.messages[-1]["content"]).startswith(expected + "\n\n"), "what depends on the question stands by it"
    assert asked.system == "Sort the question."


def test_examples_as_turns_and_answers_as_json(cases: list[Case]) -> None:
    settings = '[examples]\nchoice = "similar"\ncount = 1\nformat = "turns"\n[output]\nformat = "json"'
    found = composed(cases, settings, "I forgot my PIN")
    assert [message["role"] for message in found.messages] == ["user", "assistant", "user"]
    assert json.loads(str(found.messages[1]["content"])) == {"answer": "pin"}
    assert '{"answer": "..."}' in found.system


def test_the_list_of_answers_and_what_is_said_of_them(cases: list[Case]) -> None:
    assert "one of:\n- card\n- fee\n- pin" in composed(cases, "[answers]\nlist = true").system
    settings = "[answers]\nlist = true\ndescriptions = true\nwords = 1"
    assert "- card: card\n- fee: fee\n- pin: pin" in composed(cases, settings).system
    written = composed(cases, settings, descriptions__toml='pin = "a secret number"').system
    assert "- fee: fee\n- pin: a secret number" in written


@pytest.mark.parametrize("order", ["chosen", "nearest_last", "by_answer"])
def test_order(cases: list[Case], order: str) -> None:
    ranking = rankings_text({"some": ["pin-0", "card-0", "fee-0", "card-1"]})
    settings = f'[examples]\nchoice = "some"\ncount = 3\nformat = "arrow"\norder = "{order}"'
    lines = composed(cases, settings, rankings__json=ranking).system.split("\n")[3:]
    expected = {"chosen": ["pin", "card", "fee"], "nearest_last": ["fee", "card", "pin"]}
    assert [line.split(" => ")[1] for line in lines] == expected.get(order, ["card", "fee", "pin"])


def test_count_and_per_answer_bound_what_is_shown(cases: list[Case]) -> None:
    found = composed(cases, '[examples]\nchoice = "similar"\ncount = 5\nper_answer = 1').shown
    assert sorted(each.split("-")[0] for each in found) == ["card", "fee", "pin"]
    assert len(composed(cases, '[examples]\nchoice = "similar_per_answer"\ncount = 5').shown) == 5


def test_cases_of_the_questions_own_group_are_never_shown(cases: list[Case]) -> None:
    ranking = rankings_text({"all": [case.id for case in cases]})
    memory = Memory(cases)
    for choice in ("similar", "similar_per_answer", "all"):
        harness = prompt_from_files(files(f'[examples]\nchoice = "{choice}"\ncount = 100', rankings__json=ranking))
        for case in cases:
            shown = compose(harness, memory, case.question, case.group).shown
            assert sorted(shown) == sorted(each.id for each in cases if each is not case)


@given(
    bound=st.integers(20, 400),
    form=st.sampled_from(["qa", "xml", "arrow", "turns", "grouped"]),
    choice=st.sampled_from(["similar", "similar_per_answer", "all"]),
    output=st.sampled_from(["plain", "json"]),
    question=st.text(max_size=60),
    texts=st.lists(st.tuples(st.text(min_size=1, max_size=40), st.sampled_from(["a", "b\n", 'c"', ""])), max_size=8),
)
def test_never_above_the_budget(
    bound: int, form: str, choice: str, output: str, question: str, texts: list[tuple[str, str]]
) -> None:
    cases = [Case(f"c{at}", text, answer) for at, (text, answer) in enumerate(texts)]
    ranking = rankings_text({"all": [case.id for case in cases]})
    settings = (
        f'context_tokens = {bound}\n[examples]\nchoice = "{choice}"\ncount = 100\nformat = "{form}"\n'
        f'[output]\nformat = "{output}"'
    )
    try:
        found = composed(cases, settings, "?" + question, rankings__json=ranking)
    except PromptTooLong as error:
        assert "context_tokens" in str(error)
        return
    assert found.tokens <= bound
    check_messages(found.messages)
    if bound == 400 and choice == "all" and not texts:
        assert found.shown == ()


def test_more_room_shows_more(cases: list[Case]) -> None:
    settings = '[examples]\nchoice = "similar"\ncount = 100\nformat = "arrow"\n'
    shown = [len(composed(cases, f"context_tokens = {bound}\n{settings}").shown) for bound in range(30, 200, 10)]
    assert shown == sorted(shown) and shown[0] < len(cases) and shown[-1] == len(cases)


def test_too_long_without_examples_says_what_it_takes(cases: list[Case]) -> None:
    with pytest.raises(PromptTooLong, match=r"context_tokens: got 5, expected at least \d+"):
        composed(cases, "context_tokens = 5")


@pytest.mark.parametrize(
    ("settings", "others", "said"),
    [
        ("promt = 'a'", {}, "promt: got an unknown key.*did you mean 'prompt'"),
        ('prompt = "PROMT.md"', {}, "prompt: got 'PROMT.md', which is not there.*did you mean 'PROMPT.md'"),
        ('[examples]\nchoice = "similr"', {}, r"examples.choice: got 'similr'.*did you mean 'similar'"),
        ("[examples]\ncount = -1", {}, r"examples.count: got -1 \(int\), expected greater than or equal to 0"),
        ('[examples]\nformat = "qna"', {}, "examples.format: got 'qna'.*did you mean 'qa'"),
        ('[examples]\nchoice = "x"', {"rankings__json": "{"}, "rankings.json: the file: got no JSON"),
        ('[examples]\nchoice = "x"', {"rankings__json": '{"x": ["a", "a"]}'}, "rankings.json: x: .*each once"),
        ('[examples]\nchoice = "x"', {"rankings__json": '{"x": ["a"]}'}, "rankings.json: x: got 'a', expected the id"),
        ("", {"descriptions__toml": "pin = 3"}, "descriptions.toml: pin: got 3, expected a text"),
    ],
)
def test_mistakes_are_named(cases: list[Case], settings: str, others: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidFile, match=said):
        composed(cases, settings, **others)


def test_missing_files() -> None:
    with pytest.raises(MissingFile, match=r"prompt\.toml"):
        prompt_from_files({"PROMPT.md": b""})
    with pytest.raises(SearchSpaceError, match="UTF-8"):
        prompt_from_files({"PROMPT.md": b"\xff", "prompt.toml": b""})
