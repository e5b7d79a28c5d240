"""Permissions at work: what is not permitted is not run, the model is told why, and the trajectory says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from baselines.agent.consent import Consent
from baselines.agent.main import assemble
from search_space.harness import harness_from_files
from search_space.memory import Memory
from search_space.permissions import Permissions
from search_space.tools import Tool
from search_space.trajectory import TrajectoryWriter, read_trajectory

RULES = """
[tools.visibility]
hidden = "deferred"
[memory]
notes = true
[permissions.tools]
write_note = "ask"
hidden = "deny"
[[permissions.rules]]
tool = "run_*"
argument = "args"
pattern = "rm *"
action = "deny"
"""
USAGE = {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


class Scripted:
    """A model that makes each list of calls in its turn, and then answers."""

    def __init__(self, *turns: list[tuple[str, Any]]) -> None:
        self.turns = list(turns)
        self.requests: list[Any] = []

    def create(self, request: Any) -> Any:
        self.requests.append(json.loads(json.dumps(request)))
        turn = self.turns[len(self.requests) - 1] if len(self.requests) <= len(self.turns) else []
        content: list[Any] = [
            {"type": "tool_use", "id": f"c{len(self.requests)}-{place}", "name": name, "input": given}
            for place, (name, given) in enumerate(turn)
        ]
        content = content or [{"type": "text", "text": "done"}]
        return {"content": content, "stop_reason": "end_turn", "usage": USAGE}


@pytest.fixture
def ran(tmp_path):
    """Runs turns of calls; gives the results as (text, is_error), what was really run, and the permission records."""

    def run(*turns, rules=RULES):
        done = []
        schema = {"type": "object", "properties": {"args": {"type": "array"}}, "additionalProperties": True}

        def tool(name):
            return Tool(name, name, schema, lambda given: done.append((name, given)) or "ran")

        harness = harness_from_files(
            {
                "harness.toml": f'name = "h"\n{rules}'.encode(),
                "prompts/system.md": b"Do it.\n",
                "prompts/agents/runner.md": b"Run it.\n",
            }
        )
        model = Scripted(*turns)
        with TrajectoryWriter(tmp_path / "trajectory.jsonl") as writer:
            agent = assemble(
                harness,
                tmp_path,
                Memory(harness.memory, tmp_path),
                [tool("run_process"), tool("hidden")],
                model,
                writer,
            )
            assert agent.run("go").outcome == "answered"
        records = [r for r in read_trajectory(tmp_path / "trajectory.jsonl") if r["kind"] == "permission"]
        said = [
            (block["content"], block.get("is_error", False))
            for request in model.requests[1:]
            for block in request["messages"][-1]["content"]
            if isinstance(block, dict) and block["type"] == "tool_result"
        ]
        return said, done, records

    return run


def test_a_denied_call_is_not_run_and_its_neighbours_are(ran):
    calls = [("run_process", {"args": ["ls"]}), ("run_process", {"args": ["rm", "-rf", "."]})]
    said, done, records = ran(calls)
    assert done == [("run_process", {"args": ["ls"]})]
    assert said[0] == ("ran", False)
    text, is_error = said[1]
    assert is_error
    assert text.startswith("not permitted: run_process with this input is denied by permissions.rules[0]")
    assert "Nothing was run." in text
    assert records == [
        {
            "kind": "permission",
            "id": "c1-1",
            "tool": "run_process",
            "rule": "permissions.rules[0] (run_*, args 'rm *': deny)",
            "action": "deny",
        }
    ]


def test_ask_is_a_no_because_nobody_is_there(ran):
    said, _, records = ran([("write_note", {"topic": "x", "text": "y"})], [("read_note", {"topic": "x"})])
    assert "needs a person's consent by permissions.tools.write_note" in said[0][0]
    assert "nobody can give it" in said[0][0]
    assert said[1] == ("no note on 'x'; topics: none yet", True)
    assert [(record["tool"], record["action"]) for record in records] == [("write_note", "ask")]


def test_a_tool_found_by_the_tool_search_is_held_too(ran):
    said, done, _ = ran([("search_tools", {"query": "hidden"})], [("hidden", {})])
    assert said[1][0].startswith("not permitted: hidden with this input is denied by permissions.tools.hidden")
    assert done == []


def test_a_default_of_deny_holds_what_nobody_thought_of(ran):
    rules = '[permissions]\ndefault = "deny"\n[permissions.tools]\nrun_process = "allow"\n'
    said, done, _ = ran([("run_process", {}), ("hidden", {}), ("no_such_tool", {})], rules=rules)
    assert [is_error for _, is_error in said] == [False, True, True]
    assert [name for name, _ in done] == ["run_process"]


@pytest.mark.parametrize("mode", ["fresh", "fork"])
def test_sub_agents_are_held_to_the_same(ran, mode):
    agent = f"[subagents.runner]\ndescription = 'runs'\nmode = '{mode}'\nwrites = true\ntools = ['run_process']\n"
    delegate = [("delegate", {"tasks": [{"agent": "runner", "task": "clean up"}]})]
    calls = [("run_process", {"args": ["rm", "x"]}), ("run_process", {"args": ["ls"]})]
    said, done, records = ran(delegate, calls, rules=RULES + agent)
    assert done == [("run_process", {"args": ["ls"]})]
    assert [(record["agent"], record["tool"], record["action"]) for record in records] == [
        ("runner", "run_process", "deny")
    ]
    assert any(text.startswith("not permitted: run_process") for text, _ in said)


def test_an_input_nested_without_end_is_denied_not_a_crash():
    deep: list[Any] = ["x"]
    for _ in range(20_000):
        deep = [deep]
    rules = Permissions.model_validate(
        {"rules": [{"tool": "run", "argument": "args", "pattern": "rm", "action": "deny"}]}
    )
    records: list[Any] = []
    said = Consent(rules, records.append)({"type": "tool_use", "id": "c1", "name": "run", "input": {"args": deep}})
    assert said is not None
    assert "nested too deep" in said
    assert [record["action"] for record in records] == ["deny"]
