from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from experiments.navigator.tools import DEFINITIONS, LOOK_ALIKES
from optimizer.models.embedded import EmbeddedModel
from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.model import CONTEXT_TOKENS
from optimizer.models.embedded.policy import read_policy
from optimizer.models.embedded.rates import rates_for
from optimizer.models.embedded.toolbox import Toolbox, role_of
from search_space.compaction.summary import INSTRUCTION, SYSTEM
from search_space.messages import ModelError, Request, Response, check_messages, estimate_tokens, text_of
from tests.optimizer.models.doubles import Miniature

QUESTION = "In which module is the base class of the class `Ware3` (defined in the module `shop.ware3`) defined?"
FOREVER = float("inf")
PERFECT = "\n".join(
    [
        "Use only names that you have seen in tool output, never guess.",
        "Prefer dedicated tools over plain text search.",
        "Give the bare value on the last line.",
        "Plan the steps first.",
    ]
)


def reply(request: Request, seed: int = 0, model: EmbeddedModel | None = None) -> Response:
    return (model or EmbeddedModel()).create(request, seed=seed, session="s", deadline=FOREVER).response


def said(response: Response) -> Any:
    return {key: value for key, value in response.items() if key != "usage"}


def talk(*exchanges: tuple[str, dict[str, Any], str], question: str = QUESTION) -> Any:
    """A conversation: the question and then (tool, input, result) each in a turn."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for index, (tool, given, result) in enumerate(exchanges):
        call = {"type": "tool_use", "id": f"c{index}", "name": tool, "input": given}
        messages.append({"role": "assistant", "content": [call]})
        content = [{"type": "tool_result", "tool_use_id": f"c{index}", "content": result}]
        messages.append({"role": "user", "content": content})
    return messages


BASES = ("class_bases", {"name": "Ware3", "path": "shop/ware3.py"}, "Base3")
ORIGIN = ("find_class", {"name": "Base3"}, "shop/base3.py:1: class Base3")


def test_the_name_says_that_it_is_no_language_model() -> None:
    assert "no language model" in EmbeddedModel().name


def test_the_same_request_and_seed_give_the_same_answer() -> None:
    request = Miniature().request(PERFECT, talk(BASES))
    assert said(reply(request, 7)) == said(reply(copy.deepcopy(request), 7))
    answers = {json.dumps(said(reply(request, seed))["content"]) for seed in range(30)}
    assert len(answers) > 1


def test_cache_marks_do_not_change_what_is_said() -> None:
    request: Any = Miniature().request(PERFECT, talk(BASES))
    marked = copy.deepcopy(request)
    marked["tools"][-1]["cache_control"] = {"type": "ephemeral"}
    marked["messages"][-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    assert said(reply(request)) == said(reply(marked))


def test_visible_facts_are_used_and_lost_ones_are_looked_up_again() -> None:
    """With both facts in view it answers; with the first one gone it calls a tool again, nearly always."""
    mini = Miniature()
    answered = asked = 0
    for seed in range(100):
        whole = reply(mini.request(PERFECT, talk(BASES, ORIGIN)), seed)
        gone = reply(mini.request(PERFECT, talk(ORIGIN)), seed)
        answered += text_of(whole["content"]).endswith("shop.base3")
        asked += gone["stop_reason"] == "tool_use"
    assert answered > 80 and asked > 80


@pytest.mark.parametrize(
    "kept",
    [
        "[Facts kept from 4 earlier messages that are no longer shown:]\n"
        'class_bases({"name":"Ware3","path":"shop/ware3.py"})\n  Base3\nfind_class({"name":"Base3"})\n'
        "  shop/base3.py:1: class Base3",
        "[Summary of 4 earlier messages that are no longer shown:]\nFacts found:\n"
        "base class of Ware3 in shop/ware3.py = Base3\nfile of Base3 used in shop/ware3.py = shop/base3.py",
    ],
)
def test_a_ledger_or_a_summary_in_place_of_messages_is_read(kept: str) -> None:
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": QUESTION}, {"type": "text", "text": kept}]}]
    request = Miniature().request(PERFECT, messages)
    answers = [text_of(reply(request, seed)["content"]) for seed in range(50)]
    assert sum(answer.endswith("shop.base3") for answer in answers) > 20


def test_notes_in_the_memory_index_are_read() -> None:
    request: Any = Miniature().request(PERFECT, talk())
    index = (
        "Notes (read with read_note):\n- base 0001: base class of Ware3 in shop/ware3.py = Base3\n"
        "- file 0002: file of Base3 used in shop/ware3.py = shop/base3.py"
    )
    request["system"] = [{"type": "text", "text": PERFECT}, {"type": "text", "text": index}]
    answers = [text_of(reply(request, seed)["content"]) for seed in range(50)]
    assert sum(answer.endswith("shop.base3") for answer in answers) > 35


def test_a_cleared_result_is_not_remembered() -> None:
    cleared = (BASES[0], BASES[1], '[cleared: class_bases({"name":"Ware3"}) gave 5 characters in 1 lines; call again]')
    request = Miniature().request(PERFECT, talk(cleared, ORIGIN))
    assert sum(reply(request, seed)["stop_reason"] == "tool_use" for seed in range(50)) > 35


def test_notes_are_written_when_asked_for_and_possible() -> None:
    mini, note = Miniature(), "Write key facts down as notes."
    request: Any = mini.request(f"{PERFECT}\n{note}", talk(BASES))
    in_text = [reply(request, seed) for seed in range(40)]
    assert sum("base class of Ware3 in shop/ware3.py = Base3" in text_of(r["content"]) for r in in_text) > 20
    properties = {"topic": {"type": "string"}, "text": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["topic", "text"]}
    description = "Write a note on a topic, so that it can be read again later."
    request["tools"].append({"name": "write_note", "description": description, "input_schema": schema})
    calls = [b for seed in range(40) for b in reply(request, seed)["content"] if b["type"] == "tool_use"]
    texts = [str(call["input"].get("text")) for call in calls if call["name"] == "write_note"]
    assert len(texts) > 20 and set(texts) == {"base class of Ware3 in shop/ware3.py = Base3"}


def test_independent_calls_go_side_by_side_when_asked_and_allowed() -> None:
    question = (
        "Add two numbers: the line on which the class `Ware1` of the module `shop.ware1` is defined, and the number of "
        "methods of the base class of the class `Ware2` (defined in the module `shop.ware2`). What is the sum?"
    )
    said_so = f"{PERFECT}\nCall independent tools in parallel."
    request: Any = Miniature().request(said_so, talk(question=question))

    def calls(given: Request, seed: int) -> int:
        return sum(block["type"] == "tool_use" for block in reply(given, seed)["content"])

    assert sum(calls(request, seed) == 2 for seed in range(50)) > 35
    request["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    assert all(calls(request, seed) == 1 for seed in range(50))
    plain = Miniature().request(PERFECT, talk(question=question))
    assert sum(calls(plain, seed) == 2 for seed in range(50)) < 15


def test_hidden_tools_are_searched_for() -> None:
    schema = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
    search = {
        "name": "search_tools",
        "description": "Find more tools by words of what they should do; 5 tools are not shown.",
        "input_schema": schema,
    }
    request: Any = {"model": "agent", "max_tokens": 500, "system": PERFECT, "tools": [search], "messages": talk()}
    call: Any = reply(request)["content"][-1]
    assert call["name"] == "search_tools" and "base" in call["input"]["query"]


def test_without_tools_it_answers_with_what_it_has() -> None:
    request: Any = {"model": "agent", "max_tokens": 500, "messages": talk()}
    assert reply(request)["stop_reason"] == "end_turn"
    offered: Any = Miniature().request("", talk())
    offered["tool_choice"] = {"type": "none"}
    assert reply(offered)["stop_reason"] == "end_turn"
    unknown: Any = {"model": "agent", "max_tokens": 500, "messages": talk(question="How do you do?")}
    assert text_of(reply(unknown)["content"])


def test_what_is_too_long_is_refused_and_output_is_cut() -> None:
    request: Any = {"model": "agent", "max_tokens": 50, "messages": talk(question="x " * 2 * CONTEXT_TOKENS)}
    with pytest.raises(ModelError, match="prompt is too long") as error:
        reply(request)
    assert error.value.status == 400
    short: Any = Miniature().request("Explain your answer at length.", talk(BASES, ORIGIN))
    short["max_tokens"] = 12
    response = reply(short)
    assert response["stop_reason"] == "max_tokens" and response["usage"]["output_tokens"] <= 12


def test_more_than_four_breakpoints_are_refused() -> None:
    request: Any = Miniature().request("", talk())
    for tool in request["tools"][:5]:
        tool["cache_control"] = {"type": "ephemeral"}
    with pytest.raises(ModelError, match="at most 4"):
        reply(request)


def test_the_worst_case_covers_the_price() -> None:
    model, mini = EmbeddedModel(), Miniature()
    for exchanges in ([], [BASES], [BASES, ORIGIN]):
        request: Any = mini.request(PERFECT + " filler" * 900, talk(*exchanges))
        request["messages"][-1]["content"] = _marked(request["messages"][-1]["content"])
        worst = model.worst_case(request)
        price = model.create(request, seed=0, session="s", deadline=FOREVER).spend
        assert worst.tokens >= price.tokens and worst.calls == price.calls == 1 and worst.usd == price.usd == 0.0
    assert price.cache_read_tokens > 1024


def _marked(content: Any) -> Any:
    content = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [*content[:-1], {**content[-1], "cache_control": {"type": "ephemeral"}}]


def test_a_summary_keeps_most_facts_within_its_limit() -> None:
    transcript = (
        'call: class_bases({"name":"Ware3","path":"shop/ware3.py"})\nresult: Base3\n'
        'call: find_class({"name":"Base3"})\nresult: shop/base3.py:1: class Base3'
    )
    text = f"<task>\n{QUESTION}\n</task>\n<transcript>\n{transcript}\n</transcript>\n{INSTRUCTION}"
    request: Any = {
        "model": "agent",
        "max_tokens": 200,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": text}],
    }
    texts = [text_of(reply(request, seed)["content"]) for seed in range(60)]
    kept = sum("base class of Ware3 in shop/ware3.py = Base3" in text for text in texts)
    assert 35 < kept < 60
    assert all(estimate_tokens(text) <= 200 for text in texts)
    request["max_tokens"] = 20
    assert estimate_tokens(text_of(reply(request)["content"])) <= 20


NEEDS = {
    "where a class, function or name is defined in the whole tree": "find_definition",
    "where a class is defined in the whole tree, with its bases": "find_class",
    "the methods of a class with their line numbers": "list_methods",
    "count where a function is called in a file or folder": "find_calls",
    "the functions and methods of a file and their lines": "outline",
    "from which module a file imports a name": "resolve_import",
}


def test_look_alikes_mislead_at_a_real_rate_and_more_so_in_a_crowd() -> None:
    """The navigator's tools: how often another tool is taken than the one made for a need."""
    every = [definition.bind(None).spec() for definition in DEFINITIONS]  # type: ignore[arg-type]

    def misled(without: tuple[str, ...], calm: float) -> float:
        box = Toolbox([spec for spec in every if spec["name"] not in without])
        taken = [(box.take(need, Dice(seed), calm), right) for need, right in NEEDS.items() for seed in range(400)]
        return sum(tool is None or tool.name != right for tool, right in taken) / len(taken)

    crowd, few, careful = misled((), 0.0), misled(LOOK_ALIKES, 0.0), misled((), 1.0)

    assert 0.10 < crowd < 0.40
    assert few < crowd - 0.04
    assert careful < crowd * 0.7


def test_roles_come_from_words_not_from_fixed_names() -> None:
    assert role_of("superclasses", "Lists the base classes of a class as written.") == "bases"
    assert role_of("callers", "Counts the call sites of a function.") == "calls"
    assert role_of("rg", "Searches source lines for a regular expression pattern.") == "grep"
    assert role_of("weather", "Tells tomorrow's temperature.") == "other"


def test_slips_grow_with_the_context() -> None:
    policy = read_policy("")
    assert rates_for(policy, 2000).misread == rates_for(policy, 3000).misread < rates_for(policy, 8000).misread


def test_scores_follow_the_meaning_of_a_sentence_not_its_words() -> None:
    """Two wordings of an instruction move the score alike; sentences that ask for nothing do not move it."""
    mini = Miniature()
    plain = mini.score(mini.PLAIN)
    good = [
        "Give the bare answer alone on the last line.",
        "Finish with nothing but the answer itself in the last line.",
    ]
    bad = ["Describe in detail how you came to the answer."]
    nothing = ["The library is older than many of its users.", "Enjoy the sunshine whenever there is some."]
    assert 0.4 < plain < 0.95
    for sentence in good:
        assert mini.score(f"{mini.PLAIN}\n\n- {sentence}") > plain + 0.06, sentence
    for sentence in bad:
        assert mini.score(f"{mini.PLAIN}\n\n- {sentence}") < plain - 0.06, sentence
    for sentence in nothing:
        assert abs(mini.score(f"{mini.PLAIN}\n\n- {sentence}") - plain) < 0.06, sentence


def test_answers_are_valid_messages() -> None:
    mini = Miniature()
    for seed in range(40):
        for exchanges in ([], [BASES], [BASES, ORIGIN]):
            messages = talk(*exchanges)
            content = reply(mini.request("", messages), seed)["content"]
            results = [
                {"type": "tool_result", "tool_use_id": block["id"], "content": "x"}
                for block in content
                if block["type"] == "tool_use"
            ]
            messages += [{"role": "assistant", "content": content}]
            check_messages([*messages, {"role": "user", "content": results or "go on"}])
