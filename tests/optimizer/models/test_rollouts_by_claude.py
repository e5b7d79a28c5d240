"""Whole rollouts of the reference agent with Claude behind the door: agent, door, SDK, and a server of ours."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.agent.main import run_rollout
from optimizer.models.anthropic import AnthropicUpstream
from optimizer.models.attempt import ProviderSettings
from optimizer.models.door import Door
from optimizer.models.prices import load_prices
from optimizer.models.server import DoorServer
from search_space.trajectory import read_trajectory
from tests.optimizer.models.doubles import Books
from tests.servers.faults import Fault, Plan, in_order, never
from tests.servers.messages_api import KEY, MODEL, Answering, MessagesServer, call, scripted, text, thinking

ENVIRONMENT = """
from search_space.tools import Tool
def build(arguments):
    schema = {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"], **arguments}
    return [Tool("look_up", "Look up a key.", schema, lambda given: "under " + given["key"])]
"""
HARNESS = """
name = "h"
[cache]
breakpoints = ["tools", "system", "messages"]
"""
Run = Callable[..., tuple[dict[str, Any], MessagesServer, Books]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a rollout: its result, the provider's server, and the meter's books."""
    (tmp_path / "harness/prompts").mkdir(parents=True)
    (tmp_path / "harness/harness.toml").write_text(HARNESS)
    (tmp_path / "harness/prompts/system.md").write_text("Look it up, and be brief about it.\n" * 200)
    (tmp_path / "claude_rollout_environment.py").write_text(ENVIRONMENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    servers = []

    def start(answer: Answering, *, plan: Plan = never, arguments: dict[str, Any] | None = None) -> Any:
        provider, books = MessagesServer(answer, plan=plan), Books()
        servers.append(provider)
        upstream = AnthropicUpstream(ProviderSettings(MODEL, provider.url), load_prices(), key=KEY)
        door = Door({"agent": upstream}, books)
        payload = {
            "harness": str(tmp_path / "harness"),
            "folder": str(tmp_path),
            "door": str(tmp_path / "door"),
            "token": door.open("s", 1, time.monotonic() + 60),
            "prompt": "What is under blue?",
            "environment": "claude_rollout_environment:build",
            "environment_args": arguments or {},
        }
        with DoorServer(door, tmp_path / "door"):
            run_rollout(payload)
        return json.loads((tmp_path / "result.json").read_text()), provider, books

    yield start
    for server in servers:
        server.close()


def test_thinking_is_carried_through_byte_for_byte(run: Run, tmp_path: Path) -> None:
    redacted = {"type": "redacted_thinking", "data": "c2VjcmV0\u2028+/=="}
    result, provider, _ = run(
        scripted(
            [thinking("First \u2603 I look\nit up."), redacted, text("I look."), call("look_up", key="blue")],
            [thinking("Once more."), call("look_up", key="sky")],
            [thinking("Done."), text("the sky")],
        )
    )
    assert (result["outcome"], result["answer"]) == ("answered", "the sky")
    answers = [record["content"] for record in read_trajectory(tmp_path / "trajectory.jsonl") if "content" in record]
    sent = [got.body["messages"] for got in provider.got]
    for nth in (1, 2):
        carried = sent[nth][2 * nth - 1]["content"]
        plain = [{key: value for key, value in block.items() if key != "cache_control"} for block in carried]
        assert plain == answers[2 * (nth - 1)], "as it came, in the trajectory and in the next request"
        assert plain[0]["signature"].endswith("+/==") and plain[0]["type"] == "thinking"
    assert sent[1][1]["content"][1] == redacted
    assert all("cache_control" not in block for block in sent[1][1]["content"] if "thinking" in block["type"])


def test_parallel_calls_and_the_cache(run: Run) -> None:
    places = [call("look_up", key=place) for place in ("blue", "sea", "ice")]
    result, provider, books = run(scripted([text("Three at once."), *places], [text("done")]))
    assert result["outcome"] == "answered"
    results = provider.got[1].body["messages"][2]["content"]
    assert [block["content"] for block in results] == ["under blue", "under sea", "under ice"]
    first, second = provider.billed
    assert first["cache_creation_input_tokens"] > 1_024
    assert second["cache_read_input_tokens"] == first["cache_creation_input_tokens"]
    assert books.open == {} and books.spent.cache_read_tokens == second["cache_read_input_tokens"]


def test_a_malformed_call_is_an_error_that_the_model_reads(run: Run) -> None:
    result, provider, _ = run(scripted([call("look_up", key="blue")], [text("never mind")]), plan=in_order(BAD))
    assert (result["outcome"], result["answer"]) == ("answered", "never mind")
    _, said, told = provider.got[1].body["messages"]
    assert said["content"][0]["input"] == {"INVALID_JSON": '{"key":"'}
    assert told["content"][0]["is_error"] and "missing parameter key" in told["content"][0]["content"]


def test_a_schema_that_the_api_would_refuse_is_told_by_name(run: Run) -> None:
    result, _, books = run(scripted([text("done")]), arguments={"anyOf": [{}]})
    assert result["outcome"] == "model_error"
    assert "'look_up': input_schema.anyOf" in result["reason"] and "expected no oneOf" in result["reason"]
    assert books.spent.tokens == 0


def test_faults_on_the_way_change_nothing_but_the_cost(run: Run) -> None:
    plan = in_order(Fault("overloaded"), None, Fault("cut"), Fault("reset"))
    result, provider, books = run(scripted([call("look_up", key="blue")], [text("done")]), plan=plan)
    assert (result["answer"], result["steps"]) == ("done", 2)
    assert len(provider.got) == 5 and books.open == {}
    assert books.spent.usd > 0


BAD = Fault("bad_tool_json")
