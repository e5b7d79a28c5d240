"""Handing parts of a question to sub-agents: which parts there are, how each is asked, and what came back.

A question that combines two numbers, or adds up over several modules, falls into parts that do not need each other. The
model asks for a part in plain words that it would understand itself (:func:`ask`), since a sub-agent may well be driven
by the same model, and takes the last line of what comes back for the answer, whatever it is worth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.questions import (
    Combine,
    CountCalls,
    Goal,
    LineOf,
    Longest,
    MethodCount,
    MethodOwner,
    ModuleRef,
    Unknown,
    read_question,
)
from optimizer.models.embedded.similarity import Corpus, similarity
from search_space.messages import Message, blocks, text_of

Part = LineOf | CountCalls | Longest | MethodOwner | MethodCount
"""What can be handed out: everything that a number answers."""

_ERRAND = "look up facts in source files, search and read code"
_NUMBER = re.compile(r"^\W*(\d+)\W*$")
_HEAD = re.compile(r"^\[(\d+)\] \S.*$", re.MULTILINE)


def parts(goal: Goal) -> tuple[Part, ...]:
    """The parts of ``goal`` that do not need each other, none when it is of one piece."""
    match goal:
        case Combine():
            return (goal.first, goal.second)
        case CountCalls() if len(goal.places) > 1:
            return tuple(CountCalls(goal.function, (place,)) for place in goal.places)
        case _:
            return ()


def ask(part: Part) -> str:
    """The question for ``part``."""
    match part:
        case LineOf():
            return f"On which line is the {part.kind} `{part.name}` (defined in the module `{part.module}`) defined?"
        case CountCalls():
            return f"How many call sites of the function `{part.function}` are there in {_places(part.places)}?"
        case Longest():
            return f"How many lines has the longest function or method in {_places(part.places)}?"
        case MethodOwner():
            return (
                f"On which line is the method `{part.method}` defined that the class `{part.cls}` in "
                f"{_place(part.where)} inherits?"
            )
        case MethodCount():
            return f"How many methods has the base class of the class `{part.cls}` in {_place(part.where)}?"


def errands(goal: Goal, properties: Mapping[str, Any], description: str, dice: Dice) -> list[dict[str, str]]:
    """The tasks of a call that hands out the parts of ``goal`` through a tool with these ``properties`` and
    ``description``; none when the
    goal is of one piece or nobody is there to take them."""
    names = agents(properties)
    able = _fit(names, description)
    return [{"agent": dice.pick(able, "errand", ask(part)), "task": ask(part)} for part in parts(goal) if able]


def agents(properties: Mapping[str, Any]) -> list[str]:
    """The sub-agents that a delegating tool's schema names."""
    items = properties.get("tasks", {}).get("items", {})
    named = items.get("properties", {}).get("agent", {}) if isinstance(items, Mapping) else {}
    listed = named.get("enum", []) if isinstance(named, Mapping) else []
    return [name for name in listed if isinstance(name, str)]


def answered(inputs: str, result: str) -> dict[str, int]:
    """What the result of a delegating call (its inputs as JSON) tells: question -> number, for the tasks that were
    answered with one. The answers stand in the order of the tasks, each under a line ``[1] NAME ...``."""
    given = json.loads(inputs).get("tasks")
    tasks = [task for task in given if isinstance(task, dict)] if isinstance(given, list) else []
    heads = list(_HEAD.finditer(result))
    ends = [*(head.start() for head in heads[1:]), len(result)]
    found = {}
    for head, end in zip(heads, ends, strict=False):  # there is one end too many where nothing is told
        said = result[head.end() : end].strip().splitlines()
        number = _NUMBER.match(said[-1]) if said else None
        if number and 0 < int(head[1]) <= len(tasks):
            found[str(tasks[int(head[1]) - 1].get("task"))] = int(number[1])
    return found


def own_task(messages: Sequence[Message]) -> str:
    """The question that a conversation is about: the first message's, or that of a later task, told behind results as
    to a sub-agent that goes on from here."""
    for message in reversed(messages[1:]):
        content = blocks(message)
        if message["role"] == "user" and content[0]["type"] == "tool_result":
            for block in reversed(content[1:]):
                if block["type"] == "text" and not isinstance(read_question(_last_line(block["text"])), Unknown):
                    return _last_line(block["text"])
    return text_of(blocks(messages[0])[:1])


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _fit(names: Sequence[str], description: str) -> list[str]:
    """Those of ``names`` whose words in the description fit the errand best; all of them where none is described."""
    told = {name: found[1] for name in names if (found := re.search(rf"\b{re.escape(name)}: ([^.]+)", description))}
    if not told:
        return list(names)
    corpus = Corpus([_ERRAND, *told.values()])
    wanted = corpus.vectors(_ERRAND)
    scores = {name: similarity(wanted, corpus.vectors(f"{name} {what}")) for name, what in told.items()}
    return [name for name in told if scores[name] == max(scores.values())]


def _places(places: Sequence[ModuleRef]) -> str:
    return " and ".join(_place(place) for place in places)


def _place(place: ModuleRef) -> str:
    match place.how:
        case "class":
            return f"the module that defines the class `{place.name}`"
        case "base":
            return (
                f"the module that defines the base class of the class `{place.name}` (defined in the module "
                f"`{place.module}`)"
            )
        case "import":
            return f"the module in which the name `{place.name}`, imported by the module `{place.module}`, is defined"
        case _:
            return f"the module `{place.module}`"
