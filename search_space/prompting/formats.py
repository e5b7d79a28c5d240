"""How examples, the list of answers and the question are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from search_space.messages import Message
from search_space.prompting.cases import Case
from search_space.prompting.settings import Format, Output

EXAMPLES_TITLE = "Examples:"
ANSWERS_TITLE = "The answer is one of:"
AS_JSON = 'Answer with JSON and nothing else: {"answer": "..."}'


def example_text(case: Case, form: Format, output: Output) -> str:
    """One example as a line or block of text; ``grouped`` without the heading that names its answer."""
    answer = answer_text(case.answer, output)
    if form == "xml":
        return f"<example>\n<question>{case.question}</question>\n<answer>{answer}</answer>\n</example>"
    if form == "arrow":
        return f"{_line(case.question)} => {_line(answer)}"
    if form == "grouped":
        return f"- {_line(case.question)}"
    return f"Question: {case.question}\nAnswer: {answer}"


def examples_text(cases: Sequence[Case], form: Format, output: Output) -> str:
    """All of ``cases`` under one title; nothing when there are none. Not for ``turns``."""
    if not cases:
        return ""
    if form == "grouped":
        parts = [heading(answer, output) + "".join("\n" + each for each in lines) for answer, lines in _groups(cases)]
        return "\n".join([EXAMPLES_TITLE, *parts])
    between = "\n" if form == "arrow" else "\n\n"
    return EXAMPLES_TITLE + "\n" + between.join(example_text(case, form, output) for case in cases)


def heading(answer: str, output: Output) -> str:
    """What stands above the examples of one answer in the format ``grouped``."""
    return f"## {_line(answer_text(answer, output))}"


def turns(cases: Iterable[Case], output: Output) -> list[Message]:
    """Examples as earlier turns of the conversation."""
    found: list[Message] = []
    for case in cases:
        found.append({"role": "user", "content": case.question})
        # The API takes no empty text.
        found.append({"role": "assistant", "content": answer_text(case.answer, output) or "(no answer)"})
    return found


def question_text(question: str, form: Format) -> str:
    """The question, in the form of the examples and without its answer."""
    if form == "xml":
        return f"<question>{question}</question>"
    if form == "arrow":
        return f"{_line(question)} =>"
    if form == "turns":
        return question
    return f"Question: {question}\nAnswer:"


def answers_text(answers: Sequence[str], described: Mapping[str, str]) -> str:
    """The answers that there are, a line each, with what is said of them."""
    lines = [
        f"- {_line(answer)}: {said}" if (said := described.get(answer)) else f"- {_line(answer)}" for answer in answers
    ]
    return "\n".join([ANSWERS_TITLE, *lines])


def answer_text(answer: str, output: Output) -> str:
    """An answer in the form that is asked for."""
    return json.dumps({"answer": answer}, ensure_ascii=False) if output == "json" else answer


def _groups(cases: Sequence[Case]) -> list[tuple[str, list[str]]]:
    """The lines of each answer's examples, in the order in which the answers first occur."""
    groups: dict[str, list[str]] = {}
    for case in cases:
        groups.setdefault(case.answer, []).append(example_text(case, "grouped", "plain"))
    return list(groups.items())


def _line(text: str) -> str:
    return " ".join(text.split())
