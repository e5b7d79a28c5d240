"""What a request shows and asks, and the answer that follows from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from optimizer.models.embedded.learner.demonstrations import Demonstration, Shown, read_shown
from optimizer.models.embedded.learner.reader import reader_of
from search_space.messages import Request, text_of


@dataclass
class _Material:
    """All that a request shows: demonstrations in order, answers by name with what is said of them, the question."""

    demonstrations: list[Demonstration] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    json_key: str = ""
    question: str = ""


def learned_answer(request: Request) -> str | None:
    """The answer to the request's last message; None when the request shows neither examples nor a list of answers."""
    material = _material(request)
    if not material.demonstrations and not material.answers:
        return None
    unwrapped = [_unwrapped(each) for each in material.demonstrations]
    keys = {key for _, key in unwrapped}
    # One that is not in JSON shows that JSON is not the form, but part of the answers.
    as_json = len(keys) == 1 and keys != {""}
    demonstrations = [each for each, _ in unwrapped] if as_json else material.demonstrations
    key = next(iter(keys)) if as_json else "" if demonstrations else material.json_key
    answer = reader_of(tuple(demonstrations), tuple(material.answers.items())).answer(material.question)
    return json.dumps({key: answer}, ensure_ascii=False) if key else answer


def _material(request: Request) -> _Material:
    found = _Material()
    _add(found, read_shown(text_of(request.get("system", ""))))
    messages = request["messages"]
    for said, replied in _turns([(message["role"], text_of(message["content"])) for message in messages[:-1]]):
        shown = read_shown(said, examples=not found.demonstrations, listed=False)
        found.demonstrations += shown.demonstrations
        found.demonstrations.append(Demonstration(shown.question, replied.strip()))
    # A question may look like an example or speak of categories: what was shown before it is not looked for in it.
    unlisted = not found.demonstrations and not found.answers
    last = read_shown(text_of(messages[-1]["content"]), examples=not found.demonstrations, listed=unlisted)
    _add(found, last)
    found.question = last.question
    return found


def _turns(said: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the user said, each with the reply that came next."""
    return [(first[1], second[1]) for first, second in pairwise(said) if (first[0], second[0]) == ("user", "assistant")]


def _add(found: _Material, shown: Shown) -> None:
    found.demonstrations += shown.demonstrations
    found.answers.update(shown.answers)
    found.json_key = shown.json_key or found.json_key


def _unwrapped(shown: Demonstration) -> tuple[Demonstration, str]:
    """A demonstration whose answer is ``{"key": "answer"}`` without the wrapping, and the key; else as it is."""
    if not shown.answer.startswith("{"):
        return shown, ""
    try:
        value = json.loads(shown.answer)
    except (ValueError, RecursionError):
        return shown, ""
    if not isinstance(value, dict) or len(value) != 1:
        return shown, ""
    key, answer = next(iter(value.items()))
    if not isinstance(answer, str):
        answer = json.dumps(answer, ensure_ascii=False)
    return Demonstration(shown.question, answer), key
