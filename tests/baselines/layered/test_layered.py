"""The layered harness: it loads, every part is in use, its README is true, and it runs."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.agent.main import run_rollout
from baselines.workspace import build
from baselines.workspace.__main__ import tables
from baselines.workspace.tools import DEFINITIONS
from search_space.harness import Harness, load_harness
from search_space.messages import text_of
from search_space.partition import Partition
from search_space.tools import Tool
from search_space.trajectory import read_trajectory
from tests.baselines.agent.test_rollout import USAGE, Door
from tests.servers.unix_http import Server

LAYERED = Path(__file__).parents[3] / "baselines" / "layered"


@pytest.fixture
def harness() -> Harness:
    return load_harness(LAYERED)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Tool]:
    monkeypatch.chdir(tmp_path)
    return build({})


def test_every_part_is_in_use(harness: Harness) -> None:
    assert harness.compaction.strategy != "none"
    assert harness.tools.schedule == "effects" and harness.tools.order and harness.tools.descriptions
    assert harness.memory.notes and harness.memory.index and harness.memory.archive
    assert harness.cache.breakpoints and harness.permissions.rules and harness.permissions.tools
    assert {each.mode for each in harness.subagents.values()} == {"fresh", "fork"}
    assert any(harness.flags.values())


def test_at_least_66_tools_are_partitioned_and_seen_by_somebody(harness: Harness, tools: list[Tool]) -> None:
    main = Partition(harness.tools, tools)
    seen = {tool.name for tool in (*main.offered, *main.deferred)}
    assert 10 <= len(main.offered) <= 16 and len(main.deferred) >= 50
    assert [tool.name for tool in main.offered] == harness.tools.order
    for name, agent in harness.subagents.items():
        part = Partition(harness.tools, tools, agent=name, also=agent.tools)
        assert bool(part.offered) == (agent.mode == "fresh")
        seen |= {tool.name for tool in part.offered}
    assert len(seen) >= 66
    assert seen == {definition.name for definition in DEFINITIONS}


def test_the_readme_lists_the_tools_as_they_are(harness: Harness) -> None:
    text = (LAYERED / "README.md").read_text(encoding="utf-8")
    assert text.endswith("\n" + tables()), "write the output of python -m baselines.workspace to the end of README.md"
    known = {definition.name for definition in DEFINITIONS}
    who = Counter(seen for name, seen in harness.tools.visibility.items() if name in known)
    own = sum(count for name, count in who.items() if name.startswith("agent:"))
    assert re.search(rf"\| {len(DEFINITIONS)} in the workspace: {who['offered']} offered, {own} seen by one", text)
    for name in harness.subagents:
        assert f"`{name}`" in text


def to_call(name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"call_{name}", "name": name, "input": given}


SCRIPT = [
    [
        to_call("search_files", pattern="colour"),
        to_call("list_folder"),
        to_call("search_tools", query="count words of a file"),
        to_call("run_process", command=["rm", "-rf", "."]),
        to_call("delete_folder", path="old"),
        to_call("read_lines", path="keys.env", start=1),
    ],
    [to_call("replace_text", path="a.txt", old="colour", new="color"), to_call("count_words", path="b.txt")],
    [to_call("delegate", tasks=[{"agent": "scout", "task": "Where is colour?"}])],
    "done",
]


@pytest.fixture
def rollout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The payload of a rollout whose model follows the script; a sub-agent answers at once."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given/old").mkdir(parents=True)
    for name, text in {"a.txt": "a colour\n", "b.txt": "one two\n", "keys.env": "KEY=1\n", "old/x": ""}.items():
        (tmp_path / "given" / name).write_text(text)
    requests: list[dict[str, Any]] = []

    def answer(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        requests.append(request)
        step: Any = "a.txt:1"
        if "read source code" not in text_of(request["system"]):
            step = SCRIPT[sum(message["role"] == "assistant" for message in request["messages"])]
        content = [{"type": "text", "text": step}] if isinstance(step, str) else step
        return 200, {"content": content, "stop_reason": "tool_use" if content is step else "end_turn", "usage": USAGE}

    with Server(str(tmp_path / "door"), Door) as server:
        server.model = answer
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield {
            "harness": str(LAYERED),
            "folder": str(tmp_path),
            "door": str(tmp_path / "door"),
            "token": "t1",
            "prompt": "Mend the spelling.",
            "environment": "baselines.workspace:build",
            "environment_args": {"files": str(tmp_path / "given"), "processes": True},
            "requests": requests,
        }
        server.shutdown()


def test_a_scripted_rollout(rollout: dict[str, Any], tmp_path: Path) -> None:
    requests = rollout.pop("requests")
    run_rollout(rollout)
    assert json.loads((tmp_path / "result.json").read_text())["answer"] == "done"
    results = {
        block["tool_use_id"].removeprefix("call_"): block
        for message in requests[-1]["messages"]
        for block in (message["content"] if isinstance(message["content"], list) else ())
        if block["type"] == "tool_result"
    }
    said = {name: text_of(block["content"]) for name, block in results.items()}
    assert "a.txt:1: a colour" in said["search_files"]
    assert "count_words" in said["search_tools"]
    assert "1 lines, 2 words" in said["count_words"]
    assert "a.txt:1" in said["delegate"]
    refused = {name for name, block in results.items() if block.get("is_error")}
    assert refused == {"run_process", "delete_folder", "read_lines"}
    assert (tmp_path / "work/a.txt").read_text() == "a color\n"
    assert (tmp_path / "work/old/x").exists() and "KEY=1" not in json.dumps(requests)
    offered = [tool["name"] for tool in requests[0]["tools"]]
    assert offered[:12] == load_harness(LAYERED).tools.order
    assert {"delegate", "write_note", "read_note", "search_archive", "search_tools"} <= set(offered)
    assert any(record["kind"] == "end" for record in read_trajectory(tmp_path / "trajectory.jsonl"))
