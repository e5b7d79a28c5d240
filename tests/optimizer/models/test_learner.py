"""The in-context learner: it answers from what the request shows, in whatever common form, and from nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optimizer.models.embedded import EmbeddedModel
from optimizer.models.embedded.learner import learned_answer
from optimizer.models.embedded.learner.demonstrations import Demonstration, read_shown
from optimizer.models.embedded.learner.reader import Reader
from search_space.messages import Message, Request
from search_space.prompting import Case, Memory, compose, prompt_from_files
from search_space.prompting.harness import rankings_text

CASES = [
    ("Where is my card?", "card"),
    ("My card has not arrived", "card"),
    ("The new card is late", "card"),
    ("Why was I charged a fee?", "fee"),
    ("There is a fee on my statement", "fee"),
    ("What is this extra fee for?", "fee"),
    ("I forgot my PIN", "pin"),
    ("How do I change my PIN?", "pin"),
    ("My PIN does not work", "pin"),
]
NEW = [("is the card still coming", "card"), ("they took an extra fee", "fee"), ("my pin is wrong", "pin")]


def request(system: str, *messages: str) -> Request:
    roles = ("user", "assistant")
    said: list[Message] = [{"role": roles[at % 2], "content": text} for at, text in enumerate(messages)]  # type: ignore[typeddict-item]
    return {"model": "agent", "max_tokens": 200, "system": system, "messages": said}


def answer(system: str, *messages: str) -> str | None:
    return learned_answer(request(system, *messages))


def lines(form: str, between: str = "\n") -> str:
    return between.join(form.format(q=question, a=label) for question, label in CASES)


GROUPED = "\n".join(
    f"## {label}\n" + "\n".join(f"- {question}" for question, of in CASES if of == label)
    for label in ("card", "fee", "pin")
)
FORMS = {
    "question and answer": (lines("Question: {q}\nAnswer: {a}", "\n\n"), "Question: {q}\nAnswer:"),
    "letters": (lines("Q: {q}\nA: {a}"), "Q: {q}\nA:"),
    "input and output": (lines("Input: {q}\nOutput: {a}", "\n\n"), "Input: {q}\nOutput:"),
    "bold bullets": (lines("- **Text:** {q}\n  **Label:** {a}"), "**Text:** {q}"),
    "numbered": (lines("1. Query: {q}\n   Intent: {a}"), "{q}"),
    "xml": (lines("<example>\n<question>{q}</question>\n<answer>{a}</answer>\n</example>"), "<question>{q}</question>"),
    "other tags": (lines("<input>{q}</input><label>{a}</label>"), "<input>{q}</input>\n<label>"),
    "arrows": (lines("{q} => {a}"), "{q} =>"),
    "thin arrows": (lines("- {q} -> {a}"), "{q} ->"),
    "json lines": (lines('{{"text": "{q}", "label": "{a}"}}'), "{q}"),
    "json list": ("[\n" + lines('  {{"question": "{q}", "answer": "{a}"}},') + "\n]", "Question: {q}"),
    "headings": (f"Some examples:\n{GROUPED}", "Question: {q}\nAnswer:"),
}


@pytest.mark.parametrize("form", FORMS)
def test_examples_are_read_in_every_common_form(form: str) -> None:
    examples, asked = FORMS[form]
    system = f"Sort what a customer says.\n\nBe brief.\n\n{examples}\n"
    assert read_shown(system).demonstrations == tuple(Demonstration(*case) for case in CASES)
    for question, label in NEW:
        assert answer(system, asked.format(q=question)) == label, question
        # The same in one message, where the question stands behind the examples.
        assert answer("", f"{system}\n{asked.format(q=question)}") == label, question


def test_earlier_turns_are_examples() -> None:
    turns = [text for case in CASES for text in case]
    assert [answer("Sort it.", *turns, question) for question, _ in NEW] == [label for _, label in NEW]


def test_answers_in_json_are_asked_for_by_examples_or_by_words() -> None:
    turns = [text for question, label in CASES for text in (question, json.dumps({"category": label}))]
    assert answer("", *turns, NEW[0][0]) == '{"category": "card"}'
    system = 'Labels: card, fee, pin\n\nAnswer with JSON and nothing else: {"label": "..."}'
    assert answer(system, "the fee") == '{"label": "fee"}'


def test_a_list_of_answers_and_what_is_said_of_them_are_enough() -> None:
    listed = "The answer is one of:\n- card: plastic, delivery, post\n- fee: charge, cost\n- pin: secret number\n"
    assert answer(listed, "the post has not come") == "card"
    assert answer(listed, "what does it cost") == "fee"
    assert answer("Pick one of these categories: lost_card, extra_fee.", "I lost my card") == "lost_card"


def test_free_answers_come_from_the_nearest_example() -> None:
    shown = "Q: capital of France\nA: Paris, on the Seine\n\nQ: tallest mountain\nA: Everest\n\nQ: red fruit\nA: apple"
    assert answer(shown, "Q: what is the capital of France?\nA:") == "Paris, on the Seine"


@pytest.mark.parametrize("system", ["", "You are helpful.", "Rules:\n- be brief\n- be kind", "# Task\nAnswer well."])
def test_without_examples_or_answers_it_has_nothing_to_say(system: str) -> None:
    assert answer(system, "Where is my card?") is None


def test_a_question_may_speak_of_categories_arrows_and_answers() -> None:
    system = FORMS["question and answer"][0]
    for question in ("my card -> late", "which options: card, fee?\nAnswer: none", "<b>card</b>", "{", "", "=>", ":"):
        assert answer(system, f"Question: {question}\nAnswer:") in ("card", "fee", "pin")


@pytest.mark.parametrize("form", ["qa", "xml", "arrow", "turns", "grouped"])
@pytest.mark.parametrize("choice", ["similar", "similar_per_answer", "all"])
@pytest.mark.parametrize("output", ["plain", "json"])
def test_all_that_a_prompt_harness_sends_is_read_back(form: str, choice: str, output: str) -> None:
    cases = [Case(str(number), *case) for number, case in enumerate(CASES)]
    settings = (
        f'[examples]\nchoice = "{choice}"\ncount = 20\nformat = "{form}"\n[answers]\nlist = true\ndescriptions = true\n'
        f'[output]\nformat = "{output}"\n'
    )
    ranking = rankings_text({"all": [case.id for case in cases]})
    files = {"PROMPT.md": b"Sort it.", "prompt.toml": settings.encode(), "rankings.json": ranking.encode()}
    model: Any = EmbeddedModel()
    for question, label in NEW:
        composed = compose(prompt_from_files(files), Memory(cases), question)
        sent = composed.request("agent", 50)
        reply = model.create(sent, seed=1, session="s", deadline=0.0)
        said = reply.response["content"][0]["text"]
        assert (json.loads(said)["answer"] if output == "json" else said) == label
        assert reply.spend.input_tokens == composed.tokens, "both count alike"
        again = model.create(sent, seed=2, session="t", deadline=0.0)
        assert again.response["content"] == reply.response["content"], "it does not slip"


def test_the_order_of_examples_and_other_questions_before_change_nothing() -> None:
    demonstrations = [Demonstration(*case) for case in CASES]
    forwards, backwards = Reader(demonstrations, []), Reader(demonstrations[::-1], [])
    before = forwards.scores(NEW[0][0])
    forwards.scores(NEW[1][0])
    assert (forwards.scores(NEW[0][0]) == before).all()
    assert backwards.scores(NEW[0][0])[::-1] == pytest.approx(before)


def test_odd_examples_do_no_harm() -> None:
    assert Reader([Demonstration("", "a"), Demonstration("!", "b"), Demonstration("x", "a")], []).answer("") in "ab"
    assert Reader([Demonstration("x", "only")], []).answer("anything") == "only"
    assert Reader([], [("a", ""), ("b", "")]).answer("?") in "ab"
    assert Reader([Demonstration("same", "a"), Demonstration("same", "b")], [("a", "")]).answer("same") in "ab"
