"""Sub-agents: what the main agent asks for and gets back, what they may do, and what they share."""

import json
import threading

import pytest

from search_space.messages import text_of
from search_space.tools import Effects, Tool
from tests.baselines.agent.cached_model import CachedModel, bare, records, start

READER = '[subagents.reader]\ndescription = "Reads files."\ntools = ["look"]\nmax_steps = 3\n'
FORK = '[subagents.twin]\ndescription = "Knows all that you know."\nmode = "fork"\n'
MARKS = '[cache]\nbreakpoints = ["tools", "system", "messages"]\n'
PROMPT = "You read files."


def tool(name, run, **effects):
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    touched = Effects(**{key: frozenset({value}) for key, value in effects.items()})
    return Tool(name, f"{name} at things", schema, run, touched)


LOOK = tool("look", lambda given: f"{given.get('path')} is grey", reads="files")
WRITTEN = []
WRITE = tool("write", lambda given: WRITTEN.append(given["path"]) or "written", writes="files")


def delegate(*tasks):
    return [("delegate", {"tasks": [{"agent": agent, "task": task} for agent, task in tasks]})]


def main_first(first, child):
    """The main agent says ``first`` and then what it was told; a sub-agent says what ``child`` of its request gives."""

    def say(request):
        texts = text_of(request["messages"][0]["content"])
        last = request["messages"][-1]["content"]
        if texts == "TASK" and "YOUR TASK" not in json.dumps(request["messages"]).upper():
            results = [b for b in last if b["type"] == "tool_result"] if isinstance(last, list) else []
            return f"told: {text_of(results[0]['content'])}" if results else first
        return child(request)

    return CachedModel(say)


def told(agent):
    outcome = agent.run("TASK")
    assert outcome.outcome == "answered", outcome
    return outcome.answer.removeprefix("told: ")


def test_tasks_run_side_by_side_and_come_back_as_one_result_in_their_order(tmp_path):
    barrier = threading.Barrier(3, timeout=10)

    def child(request):
        barrier.wait()
        return f"found {text_of(request['messages'][0]['content'])}"

    model = main_first(delegate(("reader", "a"), ("reader", "b"), ("reader", "c")), child)
    report = told(start(tmp_path, model, READER, [LOOK], reader=PROMPT))
    assert report == "\n\n".join(
        f"[{number}] reader - answered after 1 step\nfound {task}" for number, task in enumerate("abc", 1)
    )


def test_at_most_max_parallel_run_at_once(tmp_path):
    lock, running, most = threading.Lock(), set(), []

    def child(request):
        with lock:
            running.add(threading.get_ident())
            most.append(len(running))
        threading.Event().wait(0.01)
        with lock:
            running.discard(threading.get_ident())
        return "ok"

    model = main_first(delegate(*[("reader", str(n)) for n in range(5)]), child)
    told(start(tmp_path, model, "[tools]\nmax_parallel = 2\n" + READER, [LOOK], reader=PROMPT))
    assert len(most) == 5 and max(most) == 2


def test_a_fresh_one_has_its_own_prompt_tools_and_messages(tmp_path):
    model = main_first(delegate(("reader", "Look at p.")), lambda request: "grey")
    told(start(tmp_path, model, READER, [LOOK, WRITE], reader=PROMPT))
    main, child = model.requests[:2]
    assert child["system"] == [{"type": "text", "text": PROMPT}]
    assert [each["name"] for each in main["tools"]] == ["look", "write", "delegate"]
    assert [each["name"] for each in child["tools"]] == ["look"]
    assert child["messages"] == [{"role": "user", "content": "Look at p."}]
    assert "reader: Reads files (knows only its task)." in main["tools"][-1]["description"]


def test_a_tool_can_be_for_one_agent_alone_and_writers_need_leave(tmp_path):
    settings = '[tools.visibility]\nwrite = "agent:reader"\n' + READER
    model = main_first(delegate(("reader", "x")), lambda request: "ok")
    told(start(tmp_path, model, settings, [LOOK, WRITE], reader=PROMPT))
    names = [[each["name"] for each in request["tools"]] for request in model.requests]
    assert names == [["look", "delegate"], ["look"], ["look", "delegate"]]
    model = main_first(delegate(("reader", "x")), lambda request: "ok")
    told(start(tmp_path, model, settings + "writes = true", [LOOK, WRITE], reader=PROMPT))
    assert [each["name"] for each in model.requests[1]["tools"]] == ["look", "write"]


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([], "tasks: got none, expected a list of at least one"),
        (
            [{"agent": "raeder", "task": "x"}],
            "tasks[0].agent: got 'raeder', expected one of reader (did you mean",
        ),
        ([{"agent": "reader", "task": "x"}, {"agent": "reader", "task": " "}], "tasks[1].task: got ' ', expected what"),
        (["look"], "tasks[0].agent: got None, expected one of reader"),
        ([{"agent": "reader", "task": "x"}] * 17, "tasks: got 17, expected at most 16"),
        ("all", "parameter tasks: got str 'all', expected array"),
    ],
)
def test_a_bad_call_is_told_and_starts_nobody(tmp_path, tasks, words):
    model = main_first([("delegate", {"tasks": tasks})], lambda request: pytest.fail("nobody was to be started"))
    assert words in told(start(tmp_path, model, READER, [LOOK], reader=PROMPT))
    assert records(tmp_path, "results")[0]["content"][0]["is_error"]


def test_its_limits_end_only_it(tmp_path):
    def child(request):
        return "found" if text_of(request["messages"][0]["content"]) == "easy" else [("look", {})]

    model = main_first(delegate(("reader", "hard"), ("reader", "easy")), child)
    hard, easy = told(start(tmp_path, model, READER, [LOOK], reader=PROMPT)).split("\n\n")
    assert hard == "[1] reader - step_limit after 3 steps: no answer within limits.max_steps = 3\n(no answer)"
    assert easy == "[2] reader - answered after 1 step\nfound"


def test_without_any_answer_the_result_is_an_error(tmp_path):
    model = main_first(delegate(("reader", "hard")), lambda request: [("look", {})])
    told(start(tmp_path, model, READER, [LOOK], reader=PROMPT))
    assert records(tmp_path, "results")[0]["content"][0]["is_error"]


def test_one_that_breaks_ends_only_itself(tmp_path):
    def child(request):
        raise ZeroDivisionError("a broken model")

    model = main_first(delegate(("reader", "x")), child)
    assert "reader - failed after 0 steps: ZeroDivisionError: a broken model" in told(
        start(tmp_path, model, READER, [LOOK], reader=PROMPT)
    )


def test_the_rollouts_tokens_bound_all_together(tmp_path):
    settings = "[limits]\nmax_steps = 50\ntotal_tokens = 30000\n" + READER.replace("max_steps = 3", "max_steps = 900")
    model = main_first(delegate(("reader", "a"), ("reader", "b")), lambda request: [("look", {})])
    agent = start(tmp_path, model, settings, [LOOK], reader=PROMPT)
    report = told(agent)
    assert report.count("token_limit") == 2 and "its share of limits.total_tokens = " in report
    shares = [record["reason"] for record in records(tmp_path, "returned", "reader")]
    assert len(set(shares)) == 1
    assert agent.spending.tokens < 30000 + 3 * 3000  # at most one call of each began below its bound


def test_its_own_token_limit_is_named(tmp_path):
    model = main_first(delegate(("reader", "a")), lambda request: [("look", {})])
    report = told(start(tmp_path, model, READER + "total_tokens = 50", [LOOK], reader=PROMPT))
    assert "token_limit after 1 step: subagents.reader.total_tokens = 50 are spent" in report


def test_its_steps_and_calls_are_in_the_trajectory_under_its_name(tmp_path):
    def child(request):
        return [("look", {"path": "p"})] if len(request["messages"]) == 1 else "grey"

    model = main_first(delegate(("reader", "a"), ("reader", "b")), child)
    told(start(tmp_path, model, READER, [LOOK], reader=PROMPT))
    assert [record["number"] for record in records(tmp_path, "delegated", "reader")] in ([1, 2], [2, 1])
    assert len(records(tmp_path, "answer", "reader")) == 4 and len(records(tmp_path, "answer")) == 2
    found = records(tmp_path, "results", "reader")
    assert {record["content"][0]["content"] for record in found} == {"p is grey"}
    ends = sorted((record["number"], record["answer"]) for record in records(tmp_path, "returned", "reader"))
    assert ends == [(1, "grey"), (2, "grey")]


def looks_then(first):
    """The main agent looks twice, so that there is something to share, and then says ``first``."""

    def say(request):
        looks = [[("look", {"path": letter * 3000})] for letter in "xy"]
        return [*looks, first][len(request["messages"]) // 2]

    return say


def forking(first, child):
    def say(request):
        if "You are now the sub-agent" in json.dumps(request["messages"]):
            return child(request)
        if len(request["messages"]) > 5:
            return "done"
        return looks_then(first)(request)

    return CachedModel(say)


def test_a_fork_shares_its_parents_request_byte_for_byte_and_reads_it_from_the_cache(tmp_path):
    model = forking(delegate(("twin", "a"), ("twin", "b"), ("twin", "c")), lambda request: "seen")
    start(tmp_path, model, MARKS + FORK, [LOOK]).run("TASK")
    parent, *forks = [request for request in model.requests if len(request["messages"]) in (5, 7)][:4]
    for fork in forks:
        assert json.dumps(bare(fork["system"])) == json.dumps(bare(parent["system"]))
        assert json.dumps(bare(fork["tools"])) == json.dumps(bare(parent["tools"]))
        assert json.dumps(bare(fork["messages"][:5])) == json.dumps(bare(parent["messages"]))
        assert fork["messages"][5]["content"][0]["name"] == "delegate"
        results, task = fork["messages"][6]["content"]
        assert results["type"] == "tool_result" and task["text"].startswith("[You are now the sub-agent twin")
        assert json.dumps(fork).count("cache_control") == 4
    before = records(tmp_path, "answer")[2]["cache"]
    for record in records(tmp_path, "answer", "twin"):
        assert record["cache"]["read"] == before["read"] + before["written"] > 1024
        assert record["cache"]["missed"] == 0
    # The parent goes on from where it was: the forks took nothing from it.
    after = records(tmp_path, "answer")[3]["cache"]
    assert after["read"] == before["read"] + before["written"] and after["missed"] == 0


def test_a_fork_cannot_delegate_nor_write_without_leave(tmp_path):
    def child(request):
        if len(request["messages"]) > 7:
            return "tried"
        return [*delegate(("twin", "again")), ("write", {"path": "p"}), ("look", {"path": "p"})]

    WRITTEN.clear()
    model = forking(delegate(("twin", "a")), child)
    start(tmp_path, model, MARKS + FORK, [LOOK, WRITE]).run("TASK")
    (results,) = records(tmp_path, "results", "twin")
    again, write, look = results["content"]
    assert again["is_error"] and "cannot delegate" in again["content"]
    assert write["is_error"] and "may only read" in write["content"] and not WRITTEN
    assert look["content"] == "p is grey"


def test_a_fork_that_uses_an_id_of_its_parent_again_gets_another(tmp_path):
    def child(request):
        look = {"type": "tool_use", "id": "c1-0", "name": "look", "input": {}}
        return "ok" if len(request["messages"]) > 7 else [look]

    model = forking(delegate(("twin", "a")), child)
    start(tmp_path, model, FORK, [LOOK]).run("TASK")
    (malformed,) = records(tmp_path, "malformed", "twin")
    assert "c1-0" in malformed["what"][0]
    assert records(tmp_path, "returned", "twin")[0]["answer"] == "ok"


def test_writers_with_leave_run_one_after_the_other(tmp_path):
    def child(request):
        return (
            "ok"
            if len(request["messages"]) > 7
            else [("write", {"path": text_of(request["messages"][6]["content"])[-1]})]
        )

    WRITTEN.clear()
    model = forking(delegate(*[("twin", name) for name in "abc"]), child)
    start(tmp_path, model, MARKS + FORK + "writes = true", [LOOK, WRITE]).run("TASK")
    assert WRITTEN == ["a", "b", "c"]


def test_a_forks_own_messages_are_compacted_and_what_it_shares_is_not(tmp_path):
    def child(request):
        return "seen" if "are left out here" in json.dumps(request) else [("look", {"path": "z" * 2000})]

    settings = '[compaction]\nstrategy = "sliding_window"\nkeep_messages = 2\nblock = 2\n[limits]\nmax_steps = 20\n'
    model = forking(delegate(("twin", "a")), child)
    start(tmp_path, model, settings + MARKS + FORK + "context_tokens = 3000", [LOOK]).run("TASK")
    parent = next(request for request in model.requests if len(request["messages"]) == 5)
    last = model.requests[-2]
    assert "earlier messages are left out here" in json.dumps(last["messages"][6])
    assert json.dumps(bare(last["messages"][:5])) == json.dumps(bare(parent["messages"]))


def test_what_sub_agents_left_out_is_in_the_archive(tmp_path):
    settings = "[limits]\nmax_result_chars = 100\n[memory]\narchive = true\n" + READER
    big = tool("look", lambda given: "a needle in " + "hay " * 100, reads="files")

    def child(request):
        return [("look", {})] if len(request["messages"]) == 1 else "seen"

    model = main_first(delegate(("reader", "x"), ("reader", "y")), child)
    told(start(tmp_path, model, settings, [big], reader=PROMPT))
    kept = [json.loads(line) for line in (tmp_path / "memory" / "archive.jsonl").read_text().splitlines()]
    assert [entry["source"] for entry in kept] == ["reader: look({})"] * 2


def test_without_an_enabled_one_there_is_no_tool(tmp_path):
    model = CachedModel(lambda request: "done")
    settings = "[tools.visibility]\ndelegate = 'off'\n" + READER + "enabled = false"
    start(tmp_path, model, settings, [LOOK]).run("TASK")
    assert [each["name"] for each in model.requests[0]["tools"]] == ["look"]


def test_two_delegations_never_run_side_by_side(tmp_path):
    agent = start(tmp_path, CachedModel(lambda request: "x"), READER, [LOOK], reader=PROMPT)
    effects = agent.known["delegate"].effects
    assert effects.conflicts(effects) and "files" in effects.reads and "files" not in effects.writes
    twin = start(tmp_path, CachedModel(lambda request: "x"), FORK + "writes = true", [LOOK, WRITE])
    assert twin.known["delegate"].effects.conflicts(Effects(reads=frozenset({"files:a"})))
