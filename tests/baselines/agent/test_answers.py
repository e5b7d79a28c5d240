"""Answers that are malformed, and blocks that must go back as they came."""

import json
import math

import pytest

from search_space.messages import check_messages
from search_space.tools import Tool
from tests.baselines.agent.cached_model import records, start

RUNS = []
LOOK = Tool("look", "Look.", {"type": "object"}, lambda given: RUNS.append(given) or "seen")


class Raw:
    """A model that plays raw responses, and checks each request as strictly as the door would."""

    def __init__(self, *responses):
        self.responses = list(responses)
        self.requests = []

    def create(self, request):
        check_messages(request["messages"])
        json.dumps(request, allow_nan=False)
        self.requests.append(json.loads(json.dumps(request)))
        return self.responses[len(self.requests) - 1]


def call(**changed):
    block = {"type": "tool_use", "id": "c1", "name": "look", "input": {"n": 1}, **changed}
    return {key: value for key, value in block.items() if value is not ...}


def response(*blocks, stop="tool_use"):
    return {"content": list(blocks), "stop_reason": stop, "usage": {"input_tokens": 1, "output_tokens": 1}}


DONE = response({"type": "text", "text": "done"}, stop="end_turn")


def play(tmp_path, *responses):
    RUNS.clear()
    model = Raw(*responses)
    outcome = start(tmp_path, model, "", [LOOK]).run("TASK")
    return model.requests, outcome


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (call(input=["x"]), "the input must be a JSON object, got list ['x']"),
        (call(input='{"n": 1}'), "the input must be a JSON object, got str"),
        (call(input=...), "the input must be a JSON object, got NoneType None"),
        (call(input={"n": math.nan}), "the input must be JSON"),
        (call(name="look at"), "no tool can have the name 'look at'"),
        (call(name=...), "no tool can have the name None"),
        (call(name="lock"), "no tool named 'lock' is available. Did you mean look?"),
    ],
)
def test_a_call_that_cannot_be_run_is_answered_with_what_is_wrong(tmp_path, block, told):
    requests, outcome = play(tmp_path, response(block), DONE)
    (result,) = requests[1]["messages"][-1]["content"]
    assert result["is_error"] and told in result["content"]
    assert outcome.answer == "done" and not RUNS
    malformed = records(tmp_path, "malformed")
    assert told.startswith("no tool named") or told in malformed[0]["what"][0]


@pytest.mark.parametrize("id_", [..., "", 7, "not an id"])
def test_a_call_without_a_usable_id_gets_one_and_runs(tmp_path, id_):
    requests, _ = play(tmp_path, response(call(id=id_)), DONE)
    said, results = requests[1]["messages"][1:]
    assert said["content"][0]["id"] == results["content"][0]["tool_use_id"] == "call_0"
    assert RUNS == [{"n": 1}] and records(tmp_path, "malformed")


def test_ids_are_made_different_within_an_answer_and_between_answers(tmp_path):
    requests, _ = play(tmp_path, response(call(), call(input={"n": 2})), response(call(input={"n": 3})), DONE)
    ids = [b["id"] for m in requests[2]["messages"] if m["role"] == "assistant" for b in m["content"]]
    assert len(set(ids)) == 3 and ids[0] == "c1"
    assert RUNS == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize(
    ("given", "answer", "reason"),
    [
        (response({"type": "text", "text": "so"}), "so", "the model said that it calls a tool and called none"),
        (response(), "", "the model said that it calls a tool and called none"),
        (response({"type": "text", "text": "no"}, stop="refusal"), "no", "the model refused"),
        ({"content": None, "stop_reason": None}, "", ""),
        ({"content": ["so", {"type": "text"}, {"text": "x"}, 7], "stop_reason": "end_turn", "usage": 3}, "", ""),
        ({"content": [{"type": "text", "text": "so", "n": math.inf}], "usage": {"input_tokens": math.nan}}, "", ""),
    ],
)
def test_an_odd_end_is_a_recorded_outcome(tmp_path, given, answer, reason):
    _, outcome = play(tmp_path, given)
    assert (outcome.answer, outcome.outcome, outcome.reason) == (answer, "answered", reason)
    assert len(records(tmp_path, "answer")) == 1


def test_thinking_and_unknown_blocks_go_back_as_they_came_and_in_their_place(tmp_path):
    blocks = [
        {"type": "thinking", "thinking": "Look first.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "text", "text": "I look."},
        {"type": "of_another_kind", "payload": {"deep": [1, None]}},
        call(),
    ]
    requests, outcome = play(tmp_path, response(*blocks), DONE)
    assert requests[1]["messages"][1] == {"role": "assistant", "content": blocks}
    assert outcome.answer == "done" and not records(tmp_path, "malformed")
