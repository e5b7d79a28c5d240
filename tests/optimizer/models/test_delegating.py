"""The embedded model and sub-agents: what it hands out, and what it makes of the answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optimizer.models.embedded import EmbeddedModel
from optimizer.models.embedded.delegating import Part, answered, ask, own_task, parts
from optimizer.models.embedded.questions import (
    CountCalls,
    LineOf,
    Longest,
    MethodCount,
    MethodOwner,
    ModuleRef,
    read_question,
)
from search_space.messages import Message, Request, Response, ToolSpec, check_messages
from tests.optimizer.models.doubles import Miniature

NAMED = ModuleRef("named", module="json.decoder")
PLACES = (
    NAMED,
    ModuleRef("class", name="Ware"),
    ModuleRef("base", name="Ware", module="shop.ware"),
    ModuleRef("import", name="sell", module="shop.till"),
)
PARTS: list[Part] = [
    LineOf("class", "Ware", "shop.ware"),
    LineOf("function", "sell", "shop"),
    MethodOwner("Ware", NAMED, "run", line=True),
    MethodCount("Ware", NAMED),
    *(CountCalls("sell", (place,)) for place in PLACES),
    *(Longest((place,), lines=True) for place in PLACES),
    Longest(PLACES, lines=True),
]
QUESTION = (
    "Take the line on which the class `Ware1` of the module `shop.ware1` is defined. Then find the number of methods "
    "of the base class of the class `Ware2` (defined in the module `shop.ware2`). What is the sum of the two numbers?"
)
DELEGATE: ToolSpec = {
    "name": "delegate",
    "description": "Hand tasks to sub-agents, which work on them side by side, each on its own, and give back their "
    "answers. The agents are: clerk: writes letters and orders paper. reader: searches and reads source code.",
    "input_schema": {
        "type": "object",
        "properties": {
            "tasks": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "agent": {"type": "string", "enum": ["clerk", "reader"]},
                        "task": {"type": "string"},
                    },
                },
            }
        },
        "required": ["tasks"],
    },
}
ASKED = "Delegate independent parts of a question to sub-agents."


@pytest.mark.parametrize("part", PARTS, ids=ask)
def test_a_part_is_asked_for_in_words_that_read_back_as_that_part(part: Part) -> None:
    assert read_question(ask(part)) == part


def test_parts_are_handed_to_the_agent_whose_words_fit() -> None:
    (call,) = _calls(_reply(ASKED, [{"role": "user", "content": QUESTION}]))
    assert call["name"] == "delegate"
    assert [task["agent"] for task in call["input"]["tasks"]] == ["reader", "reader"]
    assert [read_question(task["task"]) for task in call["input"]["tasks"]] == list(parts(read_question(QUESTION)))


def test_nothing_is_handed_out_that_nobody_asked_for_or_that_has_one_part() -> None:
    alone = "In which module is the base class of the class `Ware1` (defined in the module `shop.ware1`) defined?"
    for system, question in (("Be kind.", QUESTION), (ASKED, alone)):
        calls = _calls(_reply(system, [{"role": "user", "content": question}]))
        assert calls and all(call["name"] != "delegate" for call in calls)


def test_numbers_that_come_back_are_combined_and_a_part_without_one_is_looked_up() -> None:
    whole = _reply(ASKED, _handed("[1] reader - answered after 2 steps\n40\n\n[2] reader - answered after 3 steps\n2"))
    assert not _calls(whole) and "42" in str(whole["content"])
    half = _reply(ASKED, _handed("[1] reader - answered after 2 steps\n40\n\n[2] reader - step_limit\n(no answer)"))
    assert _calls(half) and "Ware2" in str(_calls(half)[0]["input"])
    assert "Ware1" not in str(_calls(half)[0]["input"])


def test_only_a_last_line_that_is_a_number_counts() -> None:
    tasks = json.dumps({"tasks": [{"agent": "a", "task": "first"}, {"agent": "a", "task": "second"}, "nonsense"]})
    said = "[1] a - answered\nIt took long.\n17\n\n[2] a - answered\nThe answer is 5.\n\n[3] a - answered\n9"
    assert answered(tasks, said) == {"first": 17}
    assert answered('{"tasks": 3}', said) == {}
    assert answered(tasks, "[handled by the main agent]") == {}  # what a fork sees of the call that started it


def test_who_goes_on_from_another_conversation_works_on_the_task_told_there() -> None:
    messages = _handed("[handled by the main agent]")
    content: Any = messages[-1]["content"]
    content.append({"type": "text", "text": f"[You are now the sub-agent x. Your task:]\n{ask(PARTS[0])}"})
    assert own_task(messages) == ask(PARTS[0])
    content[-1]["text"] = "[step 1 of 10 is done: 9 left]"
    assert own_task(messages) == QUESTION


def _handed(result: str) -> list[Message]:
    tasks = [{"agent": "reader", "task": ask(part)} for part in parts(read_question(QUESTION))]
    return [
        {"role": "user", "content": QUESTION},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "d", "name": "delegate", "input": {"tasks": tasks}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "d", "content": result}]},
    ]


def _reply(system: str, messages: list[Message], seed: int = 3) -> Response:
    request: Request = Miniature().request(f"{system}\nGive the bare value on the last line.", messages)
    request["tools"] = [*request["tools"], DELEGATE]
    check_messages(request["messages"])
    return EmbeddedModel().create(request, seed=seed, session="s", deadline=float("inf")).response


def _calls(response: Response) -> list[Any]:
    return [block for block in response["content"] if block["type"] == "tool_use"]
