"""Several tasks in one rollout: fresh conversations, one memory, limits, and what is left behind."""

from __future__ import annotations

import json
from functools import partial

import pytest

from baselines.agent.main import assemble
from baselines.agent.sequence import run_sequence
from search_space.harness import harness_from_files
from search_space.memory import Memory
from search_space.messages import ModelError, blocks, text_of
from search_space.tools import Tool
from search_space.trajectory import TrajectoryWriter, read_trajectory

USAGE = {"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
LOOK = Tool("find_class", "Find a class.", SCHEMA, lambda given: f"shop/{given['name']}.py:3: class {given['name']}")
ALL = "[memory]\nindex = true\nnotes = true\narchive = true\n"


class Script:
    """A model that gives one line after another: a text, an error, or (tool, input)."""

    def __init__(self, *lines):
        self.lines, self.requests = list(lines), []

    def create(self, request):
        self.requests.append(json.loads(json.dumps(request)))
        line = self.lines.pop(0)
        if isinstance(line, Exception):
            raise line
        if isinstance(line, str):
            content, stop = [{"type": "text", "text": line}], "end_turn"
        else:
            content = [{"type": "tool_use", "id": f"c{len(self.requests)}", "name": line[0], "input": line[1]}]
            stop = "tool_use"
        return {"content": content, "stop_reason": stop, "usage": USAGE}


@pytest.fixture
def run(tmp_path):
    """Runs prompts with a script; gives the outcome and the trajectory's records."""

    def made(script, prompts, settings=""):
        files = {"harness.toml": f'name = "h"\n{settings}'.encode(), "prompts/system.md": b"Find it.\n"}
        harness = harness_from_files(files)
        memory = Memory(harness.memory, tmp_path / "memory")
        with TrajectoryWriter(tmp_path / "t.jsonl") as writer:
            start = partial(assemble, harness, tmp_path, memory, [LOOK], script, writer)
            outcome = run_sequence(prompts, start, memory, writer.write)
        return outcome, read_trajectory(tmp_path / "t.jsonl")

    return made


def first_texts(request):
    return [block["text"] for block in blocks(request["messages"][0])]


def test_each_task_is_a_fresh_conversation_and_the_memory_stays(run):
    script = Script(("write_note", {"topic": "Ware", "text": "in shop/Ware.py"}), "one", "two")
    outcome, records = run(script, ["First?", "Second?"], ALL)
    assert (outcome.answer, outcome.outcome, outcome.reason, outcome.steps) == ('["one", "two"]', "answered", "", 3)
    last = script.requests[-1]
    assert last["messages"] == [{"role": "user", "content": "Second?"}]
    assert "- Ware: in shop/Ware.py" in last["system"][1]["text"]
    assert [r["kind"] for r in records] == [
        *("prompt", "answer", "results", "answer", "prompt_end"),
        *("prompt", "answer", "prompt_end"),
    ]
    assert [(r["number"], r["of"], r["prompt"]) for r in records if r["kind"] == "prompt"] == [
        (1, 2, "First?"),
        (2, 2, "Second?"),
    ]


def test_what_a_task_leaves_is_in_the_archive_of_the_next(run):
    search = ("search_archive", {"query": "Ware class"})
    script = Script(("find_class", {"name": "Ware"}), "it is Ware", search, "two")
    run(script, ["First question?", "Second?"], ALL)
    (found,) = (text_of(b["content"]) for b in script.requests[-1]["messages"][-1]["content"])
    assert '[find_class({"name":"Ware"})]\nshop/Ware.py:3: class Ware' in found
    assert "[First question?]\nit is Ware" in found


@pytest.mark.parametrize("written", ["dropped", "results"])
def test_results_leave_notes_that_are_shown_with_a_task_that_fits(run, written):
    script = Script(("find_class", {"name": "Ware"}), ("find_class", {"name": "Other"}), "one", "two", "three")
    settings = f'{ALL}notes_written = "{written}"\nnotes_read = "start"\n'
    _, records = run(script, ["First?", "Where is Ware?", "Unlike?"], settings)
    task, notes = first_texts(script.requests[3])
    assert task == "Where is Ware?" and 'find_class({"name":"Ware"})\n  shop/Ware.py:3: class Ware' in notes
    assert "Other" not in notes
    assert [r.get("notes") for r in records if r["kind"] == "prompt"] == [None, notes, None]
    assert first_texts(script.requests[4]) == ["Unlike?"]
    index = [request["system"][1]["text"] if len(request["system"]) > 1 else "" for request in script.requests]
    assert ("Ware" in index[2]) == (written == "results")  # while the first task still runs, and its result is in view


def test_without_notes_by_the_harness_results_leave_none(run):
    script = Script(("find_class", {"name": "Ware"}), "one", "two")
    run(script, ["First?", "Where is Ware?"], f'{ALL}notes_read = "start"\n')
    assert first_texts(script.requests[-1]) == ["Where is Ware?"]


def test_the_notes_are_consolidated_in_between(run):
    notes = [("write_note", {"topic": topic, "text": topic * 60}) for topic in ("a", "b")]
    script = Script(*notes, "one", "two")
    settings = f'{ALL}consolidation = "trim_oldest"\nnotes_chars = 100\n'
    _, records = run(script, ["First?", "Second?"], settings)
    assert [r for r in records if r["kind"] == "consolidation"] == [
        {"kind": "consolidation", "topics_before": 2, "topics": 1}
    ]
    assert "- b:" in script.requests[-1]["system"][1]["text"] and "- a:" not in script.requests[-1]["system"][1]["text"]


def test_steps_are_limited_for_each_prompt_and_an_unanswered_one_does_not_end_it(run):
    look = ("find_class", {"name": "Ware"})
    script = Script(look, look, look, "two", look, look)
    outcome, _ = run(script, ["First?", "Second?", "Third?"], "[limits]\nmax_steps = 2\n")
    assert json.loads(outcome.answer) == [None, "two", None]
    assert (outcome.outcome, outcome.steps) == ("step_limit", 6)
    assert outcome.reason == "prompt 3 of 3: no answer within limits.max_steps = 2"


def test_tokens_are_limited_for_all_together(run):
    script = Script("one", "two", "three")
    outcome, _ = run(script, ["First?", "Second?", "Third?"], "[limits]\ntotal_tokens = 20\n")
    assert json.loads(outcome.answer) == ["one", "two", None]
    assert outcome.outcome == "token_limit" and outcome.reason.startswith("prompt 3 of 3")


def test_an_error_of_the_model_ends_it(run):
    script = Script("one", ModelError(529, "overloaded_error", "later"))
    outcome, _ = run(script, ["First?", "Second?", "Third?"])
    assert json.loads(outcome.answer) == ["one", None, None]
    assert (outcome.outcome, outcome.steps) == ("model_error", 1)
