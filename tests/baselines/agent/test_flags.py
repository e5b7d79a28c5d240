"""What each flag does; with none, a request is what it was."""

import json

import pytest

from search_space.flags import FLAGS, is_on
from search_space.messages import text_of
from search_space.tools import Effects, Tool, ToolError
from tests.baselines.agent.cached_model import CachedModel, bare, records, start

RUNS = []
STORE = {"p": "grey"}


def read(given):
    RUNS.append(given["path"])
    if given["path"] not in STORE:
        raise ToolError(f"no file {given['path']}")
    return STORE[given["path"]]


SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "start": {"type": "integer"}},
    "required": ["path"],
}
READ = Tool("read", "Read a file.", SCHEMA, read, Effects(reads=frozenset({"files:{path}"})))
WRITE = Tool("write", "Write.", SCHEMA, lambda given: "written", Effects(writes=frozenset({"files:{path}"})))
P = [("read", {"path": "p"})]


def play(tmp_path, lines, *flags, settings=""):
    """The requests of a rollout in which the model says ``lines``, and how it ended."""
    RUNS.clear()
    model = CachedModel(lambda request: lines[len(model.requests) - 1])
    turned_on = "".join(f"{flag} = true\n" for flag in flags)
    outcome = start(tmp_path, model, f"{settings}\n[flags]\n{turned_on}", [READ, WRITE]).run("TASK")
    return model.requests, outcome


def last(request):
    return [
        text_of(b["content"]) if b["type"] == "tool_result" else b["text"] for b in request["messages"][-1]["content"]
    ]


def test_flags_are_documented_and_unknown_ones_do_nothing(tmp_path):
    assert all(text and not text.endswith(".") for text in FLAGS.values()) and list(FLAGS) == sorted(FLAGS)
    with pytest.raises(KeyError):
        is_on({}, "no_such_flag")
    plain, _ = play(tmp_path, [P, P, "done"])
    other, _ = play(tmp_path, [P, P, "done"], "my_own")
    assert plain == other


def test_step_counter(tmp_path):
    requests, _ = play(tmp_path, [P, P, "done"], "step_counter", settings="[limits]\nmax_steps = 6")
    assert [last(request)[-1] for request in requests[1:]] == [
        "[step 1 of 6 is done: 5 left]",
        "[step 2 of 6 is done: 4 left]",
    ]


def test_context_meter(tmp_path):
    requests, _ = play(tmp_path, [P, P, "done"], "context_meter")
    first, second = (int(last(request)[-1].split()[2].replace(",", "")) for request in requests[1:])
    assert first < second and last(requests[1])[-1].endswith("of 8,000 tokens]")


def test_repeat_guard_answers_a_call_whose_result_is_in_view(tmp_path):
    requests, _ = play(tmp_path, [P, [*P, *P, ("read", {"path": "p", "start": 1})], "done"], "repeat_guard")
    assert RUNS == ["p", "p"]
    again = "[not run again: you made this very call in step 1; its result is above, and nothing changed it]"
    assert last(requests[2]) == [again, again, "grey"]


def test_repeat_guard_runs_a_call_again_when_something_was_written_or_it_failed(tmp_path):
    play(tmp_path, [P, [("write", {"path": "p"})], P, "done"], "repeat_guard")
    assert RUNS == ["p", "p"]
    play(tmp_path, [P, [("write", {"path": "other"})], P, "done"], "repeat_guard")
    assert RUNS == ["p"]
    gone = [("read", {"path": "gone"})]
    play(tmp_path, [gone, gone, "done"], "repeat_guard")
    assert RUNS == ["gone", "gone"]
    writes = [("write", {"path": "p"})]
    requests, _ = play(tmp_path, [writes, writes, "done"], "repeat_guard")
    assert last(requests[2]) == ["written"]


def test_repeat_guard_runs_a_call_again_whose_result_has_left_the_view(tmp_path):
    STORE["big"] = "filler " * 700
    settings = '[limits]\ncontext_tokens = 2600\n[compaction]\nstrategy = "clear_results"\nkeep_results = 1\nblock = 1'
    big = [[("read", {"path": "big", "start": n})] for n in range(2)]
    play(tmp_path, [*big, big[1], big[0], "done"], "repeat_guard", settings=settings)
    assert RUNS == ["big"] * 3


def test_error_hints(tmp_path):
    bad, gone = [("read", {})], [("read", {"path": "gone"})]
    requests, _ = play(tmp_path, [bad, gone, P, [("raed", {})], "done"], "error_hints")
    takes = "[read takes path (string, required), start (integer)."
    assert last(requests[1])[0].endswith(f"\n{takes}]")
    assert last(requests[2])[0].endswith(f"\n{takes} read failed 2 times in a row: try another way.]")
    assert last(requests[3]) == ["grey"]
    assert "takes" not in last(requests[4])[0]


def test_result_headers(tmp_path):
    requests, _ = play(tmp_path, [P, "done"], "result_headers")
    assert last(requests[1]) == ['[read({"path":"p"}): 1 lines, 4 characters]\ngrey']


def test_last_step_answer(tmp_path):
    settings = "[limits]\nmax_steps = 3"
    requests, outcome = play(tmp_path, [P, P, "at last"], "last_step_answer", settings=settings)
    assert [request.get("tool_choice") for request in requests] == [None, None, {"type": "none"}]
    assert [request["tools"] for request in requests] == [requests[0]["tools"]] * 3
    assert last(requests[1]) == ["grey"] and last(requests[2])[1].startswith("[This is the last step")
    assert outcome.answer == "at last"
    _, outcome = play(tmp_path, [P, P, P], "last_step_answer", settings=settings)
    assert outcome.outcome == "step_limit"


def test_parallel_hint(tmp_path):
    plain, _ = play(tmp_path, ["done"])
    hinted, _ = play(tmp_path, ["done"], "parallel_hint")
    more = hinted[0]["system"][0]["text"].removeprefix(plain[0]["system"][0]["text"])
    assert more.startswith("\n\nTool calls that do not depend on each other")


def test_look_first_sends_a_blind_answer_back_once(tmp_path):
    requests, outcome = play(tmp_path, ["blind", "blind"], "look_first")
    assert requests[1]["messages"][-1]["content"].startswith("[You have not used a tool yet.")
    assert (outcome.answer, outcome.steps) == ("blind", 2)
    assert play(tmp_path, [P, "seen"], "look_first")[1].steps == 2
    assert play(tmp_path, ["blind"], "look_first", settings="[limits]\nmax_steps = 1")[1].outcome == "answered"


def test_continue_cut_puts_the_parts_together(tmp_path):
    class Cut(CachedModel):
        def create(self, request):
            response = super().create(request)
            return {**response, "stop_reason": "max_tokens" if len(self.requests) < 3 else "end_turn"}

    model = Cut(lambda request: ("one ", "two ", "three")[len(model.requests) - 1])
    outcome = start(tmp_path, model, "[flags]\ncontinue_cut = true", [READ]).run("TASK")
    assert (outcome.answer, outcome.reason, outcome.steps) == ("one two three", "", 3)
    assert bare(model.requests[2])["messages"][-2]["content"] == [{"type": "text", "text": "two "}]
    model = Cut(lambda request: "one ")
    outcome = start(tmp_path, model, "", [READ]).run("TASK")
    assert (outcome.answer, outcome.reason) == ("one ", "cut at limits.max_output_tokens")


def test_flags_reach_sub_agents_too(tmp_path):
    agent = '[subagents.twin]\ndescription = "d"\nmode = "fork"\nmax_steps = 4\n'

    def say(request):
        told = json.dumps(request["messages"])
        if "You are now the sub-agent" in told:
            return P if "of 4 is done" not in told else "seen"
        return "done" if len(request["messages"]) > 1 else [("delegate", {"tasks": [{"agent": "twin", "task": "x"}]})]

    model = CachedModel(say)
    assert start(tmp_path, model, f"{agent}[flags]\nstep_counter = true", [READ]).run("TASK").answer == "done"
    (found,) = records(tmp_path, "results", "twin")
    assert found["content"][-1]["text"] == "[step 1 of 4 is done: 3 left]"
