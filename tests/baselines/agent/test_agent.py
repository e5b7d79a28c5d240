"""The agent with a scripted model and real tools."""

import json
import threading

import pytest

from baselines.agent.main import assemble
from search_space.calls import current_call
from search_space.harness import harness_from_files
from search_space.memory import Memory
from search_space.messages import ModelError, check_messages, estimate_tokens, text_of
from search_space.tools import Effects, Tool, ToolError
from search_space.trajectory import TrajectoryWriter, read_trajectory

USAGE = {"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 2}


class Scripted:
    """A model that plays its lines: a text, a list of ``(name, input)``, an error, or a function of the request."""

    def __init__(self, *lines):
        self.lines = list(lines)
        self.requests = []

    def create(self, request):
        check_messages(request["messages"])
        self.requests.append(json.loads(json.dumps(request)))
        line = self.lines[min(len(self.requests), len(self.lines)) - 1]
        line = line(request) if callable(line) else line
        if isinstance(line, ModelError):
            raise line
        if isinstance(line, str):
            content = [{"type": "text", "text": line}]
        else:
            content = [
                {"type": "tool_use", "id": f"c{len(self.requests)}-{i}", "name": name, "input": given}
                for i, (name, given) in enumerate(line)
            ]
        return {"content": content, "stop_reason": "end_turn" if isinstance(line, str) else "tool_use", "usage": USAGE}


def tool(name, run, effects=None, **properties):
    kinds = {key: {"type": kind} for key, kind in properties.items()}
    schema = {"type": "object", "properties": kinds, "required": list(properties)}
    return Tool(name, f"{name} of things", schema, run, effects or Effects(reads=frozenset({"files"})))


def fail(given):
    raise ToolError("no such file: x.py")


def crash(given):
    return 1 // 0


TOOLS = [
    tool("echo", lambda given: given["text"], text="string"),
    tool("big", lambda given: "\n".join(f"{given['n']}.{i}: filler line" for i in range(200)), n="integer"),
    tool("look", lambda given: "the needle is in p.py:7 " + "hay " * 400),
    tool("fail", fail),
    tool("crash", crash),
    tool("nothing", lambda given: ""),
]


@pytest.fixture
def start(tmp_path):
    def make(model, settings="", system="Find it.", tools=TOOLS):
        toml = f'name = "h"\n{settings}'.encode()
        harness = harness_from_files({"harness.toml": toml, "prompts/system.md": system.encode()})
        writer = TrajectoryWriter(tmp_path / "trajectory.jsonl")
        return assemble(harness, tmp_path, Memory(harness.memory, tmp_path / "memory"), list(tools), model, writer)

    return make


def results(request):
    """The tool results in the last message of a request, as (text, is_error)."""
    blocks = request["messages"][-1]["content"]
    return [(text_of(b["content"]), b.get("is_error", False)) for b in blocks if b["type"] == "tool_result"]


def test_it_calls_tools_and_answers(start):
    model = Scripted([("echo", {"text": "hello"})], "42")
    outcome = start(model).run("What?")
    assert (outcome.answer, outcome.outcome, outcome.reason, outcome.steps) == ("42", "answered", "", 2)
    first, second = model.requests
    assert first["system"] == [{"type": "text", "text": "Find it."}]
    assert [t["name"] for t in first["tools"]] == ["echo", "big", "look", "fail", "crash", "nothing"]
    assert second["messages"][0] == {"role": "user", "content": "What?"}
    assert results(second) == [("hello", False)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("fail", {}), "no such file: x.py"),
        (("crash", {}), "the tool failed: ZeroDivisionError"),
        (("ecko", {"text": "x"}), "no tool named 'ecko' is available. Did you mean echo?"),
        (("zzz", {}), "The tools are: echo, big, look, fail, crash, nothing."),
        (("echo", {}), "missing parameter text; the parameters are: text"),
        (("echo", {"text": 7}), "parameter text: got int '7', expected string"),
        (("big", {"n": True}), "parameter n: got bool"),
        (("echo", ["x"]), "the input must be a JSON object, got list"),
    ],
)
def test_a_bad_call_is_told_and_the_rollout_goes_on(start, call, words):
    model = Scripted([call, ("echo", {"text": "fine"})], "done")
    assert start(model).run("x").outcome == "answered"
    (bad, is_error), good = results(model.requests[1])
    assert words in bad and is_error
    assert good == ("fine", False)


def test_long_results_are_cut_and_empty_ones_say_so(start):
    model = Scripted([("big", {"n": 1}), ("nothing", {})], "done")
    start(model, "[limits]\nmax_result_chars = 100").run("x")
    (cut, _), (empty, _) = results(model.requests[1])
    assert len(cut) < 200 and cut.endswith("more characters; ask for less at a time]")
    assert empty == "(empty result)"


def test_steps_are_limited(start):
    outcome = start(Scripted([("nothing", {})]), "[limits]\nmax_steps = 3").run("x")
    assert (outcome.answer, outcome.outcome, outcome.steps) == (None, "step_limit", 3)
    assert "limits.max_steps = 3" in outcome.reason


def test_tokens_are_limited(start):
    model = Scripted([("nothing", {})])
    outcome = start(model, "[limits]\ntotal_tokens = 40").run("x")
    assert (outcome.answer, outcome.outcome, outcome.steps) == (None, "token_limit", 2)


def test_a_model_error_ends_the_rollout(start):
    model = Scripted([("nothing", {})], ModelError(400, "invalid_request_error", "prompt is too long"))
    outcome = start(model).run("x")
    assert (outcome.answer, outcome.outcome, outcome.steps) == (None, "model_error", 1)
    assert "prompt is too long" in outcome.reason


def test_calls_run_side_by_side_where_the_partition_allows(start):
    barrier = threading.Barrier(2, timeout=10)
    meet = [tool(name, lambda given, name=name: f"{name}{barrier.wait() * 0}") for name in ("a", "b")]
    model = Scripted([("a", {}), ("b", {})], "done")
    start(model, "[tools.parallel]\na = true\nb = true", tools=meet).run("x")
    assert results(model.requests[1]) == [("a0", False), ("b0", False)]


def test_calls_run_one_after_the_other_otherwise(start):
    order = []
    tools = [tool(name, lambda given, name=name: order.append(name) or name) for name in ("a", "b", "c")]
    model = Scripted([("c", {}), ("a", {}), ("b", {})], "done")
    start(model, tools=tools).run("x")
    assert order == ["c", "a", "b"]


def test_deferred_tools_are_found_and_offered_from_the_next_call_on(start):
    settings = '[tools]\ndefault = "deferred"\n[tools.visibility]\nnothing = "offered"\ncrash = "off"'
    model = Scripted(
        [("search_tools", {"query": "echo"}), ("echo", {"text": "early"})],
        [("echo", {"text": "now"})],
        [("crash", {})],
        "done",
    )
    start(model, settings).run("x")
    names = [[t["name"] for t in request["tools"]] for request in model.requests]
    assert names[0] == ["nothing", "search_tools"]
    assert names[1][:2] == names[0] and "echo" in names[1]
    found, early = results(model.requests[1])
    assert found[0].startswith("echo: echo of things")
    assert early[1] and "no tool named 'echo'" in early[0]
    assert results(model.requests[2]) == [("now", False)]
    assert results(model.requests[3])[0][1]


def test_compaction_keeps_every_request_within_the_context(start):
    calls = [[("big", {"n": n})] for n in range(8)]
    settings = (
        '[limits]\ncontext_tokens = 2500\nmax_steps = 20\n[compaction]\nstrategy = "sliding_window"\nkeep_messages = 4'
    )
    model = Scripted(*calls, "done")
    assert start(model, settings).run("x").outcome == "answered"
    assert max(estimate_tokens(request) for request in model.requests) <= 2500
    assert len(model.requests[-1]["messages"]) < 17


def test_without_compaction_everything_is_sent(start):
    model = Scripted(*[[("big", {"n": n})] for n in range(8)], "done")
    start(model, "[limits]\ncontext_tokens = 2500").run("x")
    assert len(model.requests[-1]["messages"]) == 17


def test_a_summary_is_asked_through_the_same_model_and_counted(start):
    def speak(request):
        asks = "<transcript>" in text_of(request["messages"][0]["content"])
        return "Goal: g" if asks else [("big", {"n": len(request["messages"])})]

    limits = "[limits]\ncontext_tokens = 3000\nmax_steps = 6\n"
    settings = limits + '[compaction]\nstrategy = "summary"\nkeep_messages = 2\nblock = 2'
    agent = start(model := Scripted(speak), settings)
    assert agent.run("x").steps == 6
    assert len(model.requests) > 6
    assert agent.spending.tokens == 20 * len(model.requests)
    assert "[Summary of" in text_of(model.requests[-1]["messages"][0]["content"])


def test_what_compaction_drops_is_in_the_archive(start):
    settings = (
        "[limits]\ncontext_tokens = 2500\nmax_steps = 20\n[memory]\narchive = true\n"
        '[compaction]\nstrategy = "clear_results"\nkeep_results = 1\nblock = 1'
    )
    calls = [[("look", {})], *([("big", {"n": n})] for n in range(4))]
    model = Scripted(*calls, [("search_archive", {"query": "needle"})], "done")
    start(model, settings).run("x")
    assert "needle" not in json.dumps(model.requests[-2])
    assert "p.py:7" in results(model.requests[-1])[0][0]


def test_the_memory_index_is_in_view_behind_the_prompt(start):
    settings = "[memory]\nindex = true\nnotes = true\n[cache]\nbreakpoints = ['system']"
    model = Scripted([("write_note", {"topic": "bases", "text": "A is in b.py:3"})], "done")
    start(model, settings).run("x")
    prompt, index = model.requests[1]["system"]
    assert prompt == {"type": "text", "text": "Find it.", "cache_control": {"type": "ephemeral"}}
    assert "bases" in index["text"]


def test_cache_breakpoints_are_at_most_four_and_stand_where_the_harness_says(start):
    model = Scripted([("nothing", {})], [("nothing", {})], "done")
    start(model, '[cache]\nbreakpoints = ["tools", "system", "messages"]').run("x")
    last = model.requests[-1]
    assert json.dumps(last).count("cache_control") == 4
    assert "cache_control" in last["tools"][-1] and "cache_control" in last["system"][0]
    assert "cache_control" in last["messages"][-1]["content"][-1]
    assert "cache_control" in last["messages"][-3]["content"][-1]
    plain = Scripted("done")
    start(plain).run("x")
    assert "cache_control" not in json.dumps(plain.requests)


def test_marks_do_not_leak_into_the_history(start):
    model = Scripted(*[[("nothing", {})]] * 5, "done")
    start(model, '[cache]\nbreakpoints = ["messages"]').run("x")
    assert json.dumps(model.requests[-1]).count("cache_control") == 2


def test_the_trajectory_holds_what_happened(start, tmp_path):
    def look(request):
        kinds = [record["kind"] for record in read_trajectory(tmp_path / "trajectory.jsonl")]
        assert kinds == ["answer", "results"]  # written as it happens, not at the end
        return "done"

    start(Scripted([("echo", {"text": "hello"})], look)).run("x")
    call, observed, final = read_trajectory(tmp_path / "trajectory.jsonl")
    assert call["content"][0]["name"] == "echo" and call["usage"] == USAGE
    assert observed["content"][0]["content"] == "hello"
    assert final["content"][0]["text"] == "done"


def test_a_caught_conflict_is_recorded(start, tmp_path):
    read = threading.Event()

    def write(given):
        read.wait(10)
        current_call().write("files:a", lambda: None)
        return "written"

    def peek(given):
        current_call().read("files:a")
        read.set()
        return "seen"

    tools = [tool("write", write, Effects()), tool("peek", peek, Effects()), *TOOLS]
    model = Scripted([("write", {}), ("peek", {})], [("peek", {})], "done")
    start(model, '[tools]\nschedule = "effects"', tools=tools).run("x")
    first, second = (each for each in read_trajectory(tmp_path / "trajectory.jsonl") if each["kind"] == "results")
    assert (first["caught"], first["conflicts"]) == (1, [["c1-0", "c1-1", "files:a"]])
    assert "caught" not in second


def test_an_empty_answer_is_an_answer(start):
    outcome = start(Scripted("")).run("x")
    assert (outcome.answer, outcome.outcome) == ("", "answered")
