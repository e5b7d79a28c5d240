"""The environment, what a call sees of its own writes, and that calls side by side end as one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.agent.toolbox import Toolbox
from baselines.workspace import build, effects, readable, warm
from baselines.workspace.folder import Workspace
from baselines.workspace.tools import DEFINITIONS
from search_space.calls import Call, running
from search_space.harness_file import ToolsConfig
from search_space.messages import ToolUseBlock
from search_space.partition import Partition
from search_space.tools import Tool, ToolError
from tests.baselines.workspace.examples import snapshot


def test_the_files_are_copied_in_once(shared_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given").mkdir()
    (tmp_path / "given/run.sh").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "given/run.sh").chmod(0o755)
    arguments = {"files": str(tmp_path / "given"), "root": "box", "processes": True}
    warm(arguments)
    assert readable(arguments) == [arguments["files"]] and readable({}) == []
    tools = {tool.name: tool for tool in build(arguments)}
    assert tools["run_process"].run({"command": ["./run.sh"]}) == "exit status 0\nran"
    tools["write_file"].run({"path": "run.sh", "text": "changed"})
    assert (tmp_path / "given/run.sh").read_text() != "changed"
    again = {tool.name: tool for tool in build(arguments)}
    assert again["read_file"].run({"path": "run.sh"}) == "changed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"file": "x"}, "got unknown file, expected files, root, latency_ms, processes"),
        ({"root": "../x"}, "environment_args.root: got '../x'"),
        ({"root": ""}, "environment_args.root"),
        ({"files": "nowhere"}, "environment_args.files: got 'nowhere', expected a folder"),
        ({"latency_ms": -1}, "environment_args.latency_ms: got -1"),
        ({"processes": "yes"}, "environment_args.processes: got 'yes'"),
    ],
)
def test_wrong_arguments_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for function in (build, effects):
        with pytest.raises(ValueError, match=words.replace(".", r"\.")):
            function(arguments)
    assert not list(tmp_path.iterdir())


def test_a_link_in_the_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given").mkdir()
    (tmp_path / "given/link").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="is a link or a special file"):
        build({"files": str(tmp_path / "given")})


def test_effects_are_known_without_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert effects({}) == {tool.name: tool.effects for tool in build({})}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert set(effects({"root": "box"})) == {definition.name for definition in DEFINITIONS}
    assert not list(Path.cwd().iterdir())


def test_programs_run_only_where_the_kernel_confines_them(tmp_path: Path) -> None:
    code = (
        "import ctypes, sys\n"
        "from baselines.workspace import build\n"
        "if sys.argv[1] == 'confined': assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS\n"
        "tools = {tool.name: tool for tool in build({'processes': False} if sys.argv[1] == 'no' else {})}\n"
        "print(tools['run_code'].run({'code': 'print(6 * 7)'}))\n"
    )

    def said(how: str) -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", code, how]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    assert "ToolError: programs run only inside a sandbox" in said("no")
    if sys.platform.startswith("linux"):
        assert said("confined") == "exit status 0\n42\n"


def test_a_call_sees_its_own_writes_and_nobody_else_does(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/a").write_text("one")
    workspace = Workspace(tmp_path)
    with running(Call()) as call:
        workspace.write_text("new/b", "two")
        workspace.move("old", "new/old")
        assert workspace.text("new/old/a") == "one" and workspace.size("new/b") == 3
        assert workspace.kind("old") == "nothing" and workspace.kind("new") == "folder"
        assert workspace.names(".") == ["new/"] and workspace.names("new") == ["b", "old/"]
        assert workspace.walk(".") == ["new/b", "new/old/a"]
        workspace.copy("new/b", "c")
        workspace.remove("new")
        assert workspace.names(".") == ["c"] and workspace.text("c") == "two"
        with pytest.raises(ToolError, match="no such file or folder: new/b"):
            workspace.read("new/b")
        workspace.write_text("new/b", "three")
        assert workspace.walk("new") == ["new/b"]
        with pytest.raises(ToolError, match="c is a file, so nothing"):
            workspace.write_text("c/d", "")
    assert workspace.names(".") == ["old/"]
    with running(Call()):
        assert workspace.walk(".") == ["old/a"]
    call.discard()
    assert snapshot(tmp_path) == {"old/a": b"one"}


def test_what_is_committed_is_what_the_call_saw(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/a").write_text("one")
    workspace = Workspace(tmp_path)
    with running(Call()) as call:
        workspace.move("old", "in/new")
        workspace.make_folder("empty")
        workspace.write_text("x", "1")
        workspace.write_text("x", "2")
    call.commit()
    assert snapshot(tmp_path) == {"in/new/a": b"one", "x": b"2"}
    assert (tmp_path / "empty").is_dir() and not (tmp_path / "old").exists()


PATHS = ("a.txt", "b.txt", "d/c.txt", "d/e/f.txt", "d", "g")
TEXTS = ("one", "two\nthree", "one two")
BATCH = {
    "read_file": ("path",),
    "write_file": ("path", "text"),
    "append_to_file": ("path", "text"),
    "replace_text": ("path", "old", "new"),
    "replace_in_files": ("path", "old", "new"),
    "delete_file": ("path",),
    "delete_folder": ("path",),
    "move_file": ("path", "target"),
    "copy_file": ("path", "target"),
    "list_folder": ("path",),
    "find_files": ("pattern",),
    "count_matches": ("path", "pattern"),
    "read_files": ("paths",),
    "add_todo": ("items",),
    "list_todos": (),
    "create_archive": ("paths", "target"),
    "calculate": ("expression",),
}


def batch(random: Random) -> list[ToolUseBlock]:
    calls: list[ToolUseBlock] = []
    for number in range(random.randint(2, 9)):
        name = random.choice(list(BATCH))
        given = {key: _value(random, name, key) for key in BATCH[name]}
        calls.append({"type": "tool_use", "id": f"c{number}", "name": name, "input": given})
    return calls


def _value(random: Random, name: str, key: str) -> Any:
    if key in ("paths", "items"):
        return random.sample(PATHS, 2)
    if key == "pattern":
        return random.choice(("**", "d/*", "*.txt") if name == "find_files" else ("one", "t\\w+"))
    if key == "target":
        return random.choice(PATHS) + (".zip" if name == "create_archive" else "")
    return random.choice(PATHS if key == "path" else ("1 + 2",) if key == "expression" else TEXTS)


def boxed(root: Path, names: list[str], schedule: str) -> tuple[Toolbox, Path]:
    root.mkdir()
    (root / "d").mkdir()
    (root / "a.txt").write_text("one\n")
    (root / "d/c.txt").write_text("two three\n")
    workspace = Workspace(root)
    tools: list[Tool] = [definition.bind(workspace) for definition in DEFINITIONS if definition.name in names]
    config = ToolsConfig.model_validate({"schedule": schedule, "max_parallel": 4})
    return Toolbox(Partition(config, tools), max_result_chars=4000), root


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_side_by_side_is_one_after_the_other(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.mktemp("pair")
    calls = batch(Random(seed))
    serial, one = boxed(folder / "serial", list(BATCH), "serial")
    beside, other = boxed(folder / "beside", list(BATCH), "effects")
    assert beside.run(calls) == serial.run(calls)
    assert snapshot(other) == snapshot(one)
    assert beside.catches == [], "a call touched what its tool does not declare"
