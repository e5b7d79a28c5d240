"""What the embedded model does with a memory that it sees, and that one which it does not see changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.models.embedded import EmbeddedModel
from search_space.harness_file import MemoryConfig
from search_space.memory import Memory
from search_space.messages import text_of
from tests.optimizer.models.doubles import Miniature

QUESTION = "In which module is the base class of the class `Ware3` (defined in the module `shop.ware3`) defined?"
PROMPT = "Prefer dedicated tools over plain text search.\nWrite key facts down as notes."
BASE = "base class of Ware3 in shop/ware3.py = Base3"
FILE = "file of Base3 used in shop/ware3.py = shop/base3.py"
SEEDS = range(60)


@pytest.fixture
def memory(tmp_path) -> Memory:
    return Memory(MemoryConfig(notes=True, index=True, archive=True), tmp_path)


def asked(memory: Memory, index: str = "", beside: str = "", seed: int = 0, prompt: str = PROMPT) -> Any:
    """The content of the answer to the question, with an index behind the prompt and a text beside the task."""
    request: Any = Miniature().request(prompt, [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}])
    request["system"] = [{"type": "text", "text": text} for text in (prompt, index) if text]
    if beside:
        request["messages"][0]["content"].append({"type": "text", "text": beside})
    request["tools"] += [tool.spec() for tool in memory.tools()]
    return EmbeddedModel().create(request, seed=seed, session="s", deadline=float("inf")).response["content"]


def calls(content: Any, tool: str) -> list[dict[str, Any]]:
    return [block["input"] for block in content if block["type"] == "tool_use" and block["name"] == tool]


def share(memory: Memory, tool: str, **more: Any) -> float:
    return sum(bool(calls(asked(memory, seed=seed, **more), tool)) for seed in SEEDS) / len(SEEDS)


def test_a_listed_note_with_more_to_read_is_read_before_looking_up(memory: Memory) -> None:
    for line in ("- base class of Ware3", "- class_bases Ware3 shop/ware3.py: Base3", "- file of Ware3: x (+2 lines)"):
        assert share(memory, "read_note", index=f"Notes (read with read_note):\n{line}") > 0.7, line


@pytest.mark.parametrize(
    "line", ["- base class of Ware4", "- weather: rain (+3 lines)", "- class_bases Ware3 shop/other.py: Base3"]
)
def test_a_note_on_something_else_is_not_read(memory: Memory, line: str) -> None:
    assert share(memory, "read_note", index=f"Notes (read with read_note):\n{line}") == 0


def test_it_reads_less_where_notes_are_not_asked_for(memory: Memory) -> None:
    index = "Notes (read with read_note):\n- base class of Ware3"
    without = share(memory, "read_note", index=index, prompt="Prefer dedicated tools over plain text search.")
    assert 0.2 < without < share(memory, "read_note", index=index)


def test_what_the_index_shows_in_full_is_used_without_a_call(memory: Memory) -> None:
    index = f"Notes (read with read_note):\n- base class of Ware3: {BASE}\n- file of Base3: {FILE} (+1 line)"
    answers = [asked(memory, index, seed=seed) for seed in SEEDS]
    assert sum(text_of(answer).endswith("shop.base3") for answer in answers) > 40
    assert not any(calls(answer, "read_note") for answer in answers)


@pytest.mark.parametrize("written", ["model", "harness"])
def test_notes_shown_with_a_task_are_used(tmp_path, written: str) -> None:
    mine = Memory(MemoryConfig(notes=True, notes_read="start"), tmp_path)
    if written == "model":
        mine.tools()[0].run({"topic": "base class of Ware3", "text": BASE})
        mine.tools()[0].run({"topic": "file of Base3", "text": FILE})
    else:
        mine.leave_note("class_bases", {"name": "Ware3", "path": "shop/ware3.py"}, "Base3", QUESTION)
        mine.leave_note("find_class", {"name": "Base3"}, "shop/base3.py:1: class Base3", QUESTION)
        mine.leave_note("list_imports", {"path": "shop/ware3.py"}, "1: from shop.base3 import Base3", QUESTION)
    shown = mine.for_task(QUESTION)
    answers = [text_of(asked(mine, beside=shown, seed=seed)) for seed in SEEDS]
    assert sum(answer.endswith("shop.base3") for answer in answers) > 40


def test_the_archive_is_searched_only_where_the_index_tells_of_one(memory: Memory) -> None:
    assert share(memory, "search_archive") == 0
    memory.archive("class_bases", "Base3")
    index = memory.index_text()
    assert 0.2 < share(memory, "search_archive", index=index) < 0.8
    query = next(found for seed in SEEDS if (found := calls(asked(memory, index, seed=seed), "search_archive")))
    assert query == [{"query": "Ware3 shop/ware3.py"}]


def test_a_phrase_is_a_name_alone(tmp_path) -> None:
    mine = Memory(MemoryConfig(index=True, archive=True, archive_search="phrase"), tmp_path)
    mine.archive("class_bases", "Base3")
    found = [calls(asked(mine, mine.index_text(), seed=seed), "search_archive") for seed in SEEDS]
    assert [{"query": "Ware3"}] in found
    assert all(query in ([], [{"query": "Ware3"}]) for query in found)


def test_notes_go_to_a_topic_without_the_place_and_add_up(memory: Memory) -> None:
    content = asked(memory, index="", beside='class_bases({"name":"Ware3","path":"shop/ware3.py"})\n  Base3')
    assert calls(content, "write_note") == [{"topic": "base class of Ware3", "text": BASE, "append": True}]
