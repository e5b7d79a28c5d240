"""A whole rollout in a process of its own: harness folder, environment, door on a unix socket, trajectory, result."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from baselines.agent.main import run_rollout
from search_space.errors import SearchSpaceError
from search_space.trajectory import read_trajectory
from tests.servers.unix_http import Handler, Server

ROOT = Path(__file__).parents[3]
ENVIRONMENT = """
from search_space.tools import Tool
def build(arguments):
    schema = {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}
    return [Tool("look_up", "Look up a key.", schema, lambda given: arguments[given["key"]])]
"""
USAGE = {"input_tokens": 9, "output_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def look_up_then_answer(request):
    """Calls the tool with the task's last word, then answers with what it returned."""
    last = request["messages"][-1]["content"]
    if isinstance(last, str):
        call = {"type": "tool_use", "id": "c1", "name": "look_up", "input": {"key": last.split()[-1]}}
        return 200, {"content": [call], "stop_reason": "tool_use", "usage": USAGE}
    return 200, answer(last[0]["content"])


def answer(text):
    return {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": USAGE}


def refuse(request):
    return 400, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long"}}


class Door(Handler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["x-api-key"] == "t1"
        status, answer = self.server.model(request)
        body = json.dumps(answer).encode()
        self.answer(status, body)


@pytest.fixture
def place(tmp_path):
    """A folder with a harness, an environment module and an open door."""
    (tmp_path / "harness/prompts").mkdir(parents=True)
    (tmp_path / "harness/harness.toml").write_text('name = "h"\n')
    (tmp_path / "harness/prompts/system.md").write_text("Look it up.\n")
    (tmp_path / "rollout_environment.py").write_text(ENVIRONMENT)
    with Server(str(tmp_path / "door"), Door) as server:
        server.model = look_up_then_answer
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield tmp_path, server
        server.shutdown()


def payload(folder):
    return {
        "harness": str(folder / "harness"),
        "folder": str(folder),
        "door": str(folder / "door"),
        "token": "t1",
        "prompt": "What is under blue",
        "task": "task-1",
        "environment": "rollout_environment:build",
        "environment_args": {"blue": "sky"},
    }


def test_a_rollout_leaves_a_result_and_a_trajectory(place, monkeypatch):
    folder, _ = place
    monkeypatch.syspath_prepend(str(folder))
    run_rollout(payload(folder))
    result = json.loads((folder / "result.json").read_text())
    assert result == {"answer": "sky", "outcome": "answered", "reason": "", "steps": 2}
    records = read_trajectory(folder / "trajectory.jsonl")
    assert [record["kind"] for record in records] == ["task", "answer", "results", "answer", "end"]
    assert records[0] == {"kind": "task", "task": "task-1", "harness": "h", "prompt": "What is under blue"}
    assert not list(folder.glob("*.part"))


def test_a_model_error_is_a_result_too(place, monkeypatch):
    folder, server = place
    monkeypatch.syspath_prepend(str(folder))
    server.model = refuse
    run_rollout(payload(folder))
    result = json.loads((folder / "result.json").read_text())
    assert (result["answer"], result["outcome"], result["steps"]) == (None, "model_error", 0)
    assert "prompt is too long" in result["reason"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"environment": "nowhere:build"}, "environment 'nowhere:build'"),
        ({"environment": "rollout_environment:make"}, "expected 'package.module:build'"),
        ({"prompt": ""}, "payload: prompt"),
        ({"harness": "nowhere"}, "nowhere"),
    ],
)
def test_a_payload_that_cannot_run_says_why_and_leaves_no_result(place, monkeypatch, change, words):
    folder, _ = place
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(SearchSpaceError, match=words):
        run_rollout({**payload(folder), **change})
    assert not (folder / "result.json").exists()


def run_program(folder, *more):
    command = [sys.executable, "-m", "baselines.agent", "--harness", folder / "harness", "--door", folder / "door"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "DOOR_TOKEN": "t1"}
    return subprocess.run([*command, *more], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_the_program_runs_a_task_file(place):
    folder, _ = place
    task = {
        "prompt": "What is under blue",
        "environment": "rollout_environment:build",
        "environment_args": {"blue": "sky"},
    }
    (folder / "task.json").write_text(json.dumps(task))
    done = run_program(folder, "--task", folder / "task.json", "--folder", folder / "out")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == "sky"
    assert (folder / "out/trajectory.jsonl").is_file()


def test_the_program_explains_a_mistake_without_a_traceback(place):
    folder, _ = place
    (folder / "task.txt").write_text("What is under blue")
    (folder / "harness/harness.toml").write_text('name = "h"\nlimitz = 3\n')
    done = run_program(folder, "--task", folder / "task.txt")
    assert done.returncode == 2
    assert "limitz" in done.stderr and "Traceback" not in done.stderr


def test_sub_agents_have_connections_of_their_own(place):
    folder, server = place
    (folder / "harness/prompts/agents").mkdir()
    (folder / "harness/prompts/agents/scout.md").write_text("Look.\n")
    scout = '[subagents.scout]\ndescription = "Looks."\ntools = ["look_up"]\n'
    (folder / "harness/harness.toml").write_text(f'name = "h"\n{scout}')
    both = threading.Barrier(2, timeout=20)

    def model(request):
        names = [tool["name"] for tool in request["tools"]]
        if "delegate" not in names:
            both.wait()
            return look_up_then_answer(request)
        last = request["messages"][-1]["content"]
        if not isinstance(last, str):
            return 200, answer(last[0]["content"])
        tasks = [{"agent": "scout", "task": f"What is under {key}"} for key in ("blue", "green")]
        call = {"type": "tool_use", "id": "c1", "name": "delegate", "input": {"tasks": tasks}}
        return 200, {"content": [call], "stop_reason": "tool_use", "usage": USAGE}

    server.model = model
    run_rollout({**payload(folder), "environment_args": {"blue": "sky", "green": "grass"}})
    result = json.loads((folder / "result.json").read_text())
    head = "scout - answered after 2 steps"
    assert result["answer"] == f"[1] {head}\nsky\n\n[2] {head}\ngrass"


def test_a_sequence_in_one_rollout(place):
    folder, _ = place
    task = {key: value for key, value in payload(folder).items() if key != "prompt"}
    run_rollout({**task, "prompts": ["What is under blue", "And what under blue"]})
    result = json.loads((folder / "result.json").read_text())
    assert result == {"answer": '["sky", "sky"]', "outcome": "answered", "reason": "", "steps": 4}
    first, second, *_, last = read_trajectory(folder / "trajectory.jsonl")
    assert first["prompts"] == ["What is under blue", "And what under blue"]
    assert (second["kind"], second["number"], second["of"]) == ("prompt", 1, 2)
    assert last["kind"] == "end" and last["steps"] == 4


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"prompts": []}, "expected a list of texts"),
        ({"prompts": ["a", 3]}, "expected a list of texts"),
        ({"prompts": ["a", "b"], "prompt": "c"}, "prompt and prompts"),
    ],
)
def test_a_sequence_that_is_none_is_refused(place, more, said):
    folder, _ = place
    task = {key: value for key, value in payload(folder).items() if key != "prompt"}
    with pytest.raises(SearchSpaceError, match=said):
        run_rollout({**task, **more})
