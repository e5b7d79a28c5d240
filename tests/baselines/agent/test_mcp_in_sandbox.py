"""Whole rollouts in the real sandbox that use MCP servers: a program inside it, and one outside through the door."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from optimizer.evaluation.scratch import Scratch
from optimizer.models.door import Door
from optimizer.models.mcp_target import Target
from optimizer.models.relay import Relay
from optimizer.models.server import DoorServer
from optimizer.sandboxes.base import Exit, Launch
from optimizer.sandboxes.process import ProcessSandbox
from search_space.trajectory import read_trajectory
from tests.optimizer.models.doubles import Books, Scripted, answer
from tests.servers.over_http import over_http

SERVERS = Path(__file__).parents[2] / "servers"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(preload={"baselines.agent.main": None, "mcp": None}) as sandbox:
        sandbox.start()
        yield sandbox


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over HTTP on loopback; its address."""
    with over_http(tmp_path_factory.mktemp("shelf")) as (address, _):
        yield address


def calls(tool: str, given: dict[str, Any]) -> Scripted:
    """A model that calls the tool once and answers with what it got."""

    def act(request: Any) -> Any:
        response: Any = answer(request)
        last = request["messages"][-1]["content"]
        if isinstance(last, str):
            response["content"] = [{"type": "tool_use", "id": "c1", "name": tool, "input": given}]
            response["stop_reason"] = "tool_use"
        else:
            response["content"] = [{"type": "text", "text": str(last[0]["content"])}]
        return response

    return Scripted(act)


def rollout(
    sandbox: ProcessSandbox,
    scratch: Scratch,
    harness: str,
    model: Scripted,
    targets: dict[str, Target],
    server: str = "",
) -> tuple[Exit, dict[str, Any], list[dict[str, Any]]]:
    """How it ended, its result and its trajectory. ``server`` is a program that the harness brings along."""
    folder, home = scratch.folder(), scratch.folder()
    (home / "prompts").mkdir()
    (home / "prompts/system.md").write_text("Use the tools.\n")
    (home / "harness.toml").write_text(f'name = "h"\n{harness}')
    if server:
        (home / "servers").mkdir()
        shutil.copy(SERVERS / server, home / "servers" / server)
    door = Door({"agent": model}, Books())
    with closing(Relay(targets, door)) as relay, DoorServer(door, scratch.socket, relay=relay):
        payload = {
            "harness": str(home),
            "folder": str(folder),
            "door": str(scratch.socket),
            "token": door.open("s", 0, time.monotonic() + 60),
            "prompt": "go",
            "task": "t",
            "mcp": sorted(targets),
        }
        ended = sandbox.run(Launch("baselines.agent.main:run_rollout", payload, folder, (home, scratch.socket), 60.0))
    result = json.loads((folder / "result.json").read_text()) if (folder / "result.json").exists() else {}
    return ended, result, read_trajectory(folder / "trajectory.jsonl")


def test_a_program_in_the_sandbox(sandbox: ProcessSandbox) -> None:
    text = '[mcp.s]\ncommand = ["{python}", "{harness}/servers/mcp_rogue.py", "echo"]\n'
    with Scratch() as scratch:
        ended, result, trajectory = rollout(
            sandbox, scratch, text, calls("s__good", {"x": "hi"}), {}, server="mcp_rogue.py"
        )
    assert (ended.status, ended.reason, ended.output) == ("ok", "", "")
    assert result["answer"] == '{"x": "hi"}'
    (record,) = [each for each in trajectory if each["kind"] == "mcp"]
    assert (record["outcome"], record["tools"]) == ("started", ["good"])


def test_a_program_written_with_the_sdk_and_permissions_that_hold_for_its_tools(sandbox: ProcessSandbox) -> None:
    text = (
        '[mcp.shelf]\ncommand = ["{python}", "{harness}/servers/mcp_server.py"]\n'
        '[[permissions.rules]]\ntool = "shelf__*"\nargument = "text"\npattern = "*secret*"\naction = "deny"\n'
    )
    with Scratch() as scratch:
        ended, result, trajectory = rollout(
            sandbox, scratch, text, calls("shelf__note", {"text": "a SECRET"}), {}, server="mcp_server.py"
        )
    assert (ended.status, ended.reason) == ("ok", "")
    assert result["answer"].startswith("not permitted: shelf__note with this input is denied by permissions.rules[0]")
    assert [each["tool"] for each in trajectory if each["kind"] == "permission"] == ["shelf__note"]


def test_a_server_outside_through_the_door(sandbox: ProcessSandbox, shelf: str) -> None:
    text = f'[mcp.shelf]\nurl = "{shelf}"\n'
    with Scratch() as scratch:
        ended, result, _ = rollout(
            sandbox, scratch, text, calls("shelf__add", {"a": 40, "b": 2}), {"shelf": Target(shelf)}
        )
        assert (ended.status, ended.reason, ended.output) == ("ok", "", "")
        assert result["answer"] == "42"
        refused, result, trajectory = rollout(sandbox, scratch, text, calls("shelf__add", {}), {})
    assert refused.status == "crash"
    assert "mcp.shelf: the server did not start: a rollout has no network" in refused.reason
    assert result == {}
    assert [each["outcome"] for each in trajectory if each["kind"] == "mcp"] == ["failed"]


def test_a_program_that_will_not_end_is_ended_and_the_result_stands(sandbox: ProcessSandbox) -> None:
    text = '[mcp.s]\ncommand = ["{python}", "{harness}/servers/mcp_rogue.py", "leaves a child"]\n'
    with Scratch() as scratch:
        ended, result, _ = rollout(sandbox, scratch, text, calls("s__good", {"x": "hi"}), {}, server="mcp_rogue.py")
    assert ended.status == "ok"
    assert result["answer"] == "fine"
