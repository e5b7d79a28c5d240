"""Tools that run programs in the workspace: no shell, a hard time limit, a bounded output.

They run only where a sandbox confines this process, or where the environment's arguments say that they may.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

from baselines.workspace.folder import Workspace
from baselines.workspace.running import run_program
from search_space.tool_definitions import Definition, Inputs, Parameter, effects
from search_space.tools import ToolError

MAX_SECONDS: Final = 60
SECONDS: Final = 20
RUNS: Final = effects(reads="files", writes="files")


def run_process(workspace: Workspace, inputs: Inputs) -> str:
    if not inputs["command"] or not inputs["command"][0]:
        raise ToolError('empty command: expected the program and its arguments, such as ["ls", "-l"]')
    return _run(workspace, inputs["command"], inputs)


def run_python(workspace: Workspace, inputs: Inputs) -> str:
    path = workspace.clean(inputs["path"])
    if workspace.kind(path) != "file":
        raise ToolError(f"no such file: {path}")
    return _run(workspace, [sys.executable, "-B", path, *(inputs["arguments"] or [])], inputs)


def run_code(workspace: Workspace, inputs: Inputs) -> str:
    return _run(workspace, [sys.executable, "-B", "-c", inputs["code"]], inputs)


def run_tests(workspace: Workspace, inputs: Inputs) -> str:
    path = [workspace.clean(inputs["path"])] if inputs["path"] else []
    if path and workspace.kind(path[0]) == "nothing":
        raise ToolError(f"no such file or folder: {path[0]}")
    if find_spec("pytest"):
        chosen = ["-k", inputs["only"]] if inputs["only"] else []
        words = ["pytest", "-q", "-p", "no:cacheprovider", "--color=no", f"--rootdir={workspace.root}", *chosen, *path]
    else:
        chosen = ["-k", inputs["only"]] if inputs["only"] else []
        found = ["discover", "-s", *path] if path and workspace.kind(path[0]) == "folder" else path
        words = ["unittest", *(found or ["discover"]), *chosen]
    return _run(workspace, [sys.executable, "-B", "-m", *words], inputs)


def _run(workspace: Workspace, command: list[str], inputs: Inputs) -> str:
    if not workspace.processes:
        raise ToolError("programs run only inside a sandbox, and this process is not confined by one")
    workspace.writes_all()
    seconds = inputs["seconds"] or SECONDS
    done = run_program(command, workspace.root, timeout_s=seconds)
    if done.status is None:
        how = f"killed: still running after {seconds} s"
    else:
        how = f"exit status {done.status}" if done.status >= 0 else f"killed by signal {-done.status}"
    return f"{how}\n{done.output}".rstrip()


_SECONDS: Final = Parameter(
    "seconds", f"Time limit; {SECONDS} when left out, {MAX_SECONDS} at most.", "integer", False, 1, MAX_SECONDS
)

DEFINITIONS: Final = (
    Definition(
        "run_process",
        "Run a program in the workspace and show its exit status and output; no shell, so no pipes and no wildcards.",
        (Parameter("command", "The program and its arguments, each on its own.", "strings"), _SECONDS),
        run_process,
        RUNS,
    ),
    Definition(
        "run_python",
        "Run a Python file of the workspace and show its exit status and output.",
        (
            Parameter("path", "The Python file."),
            Parameter("arguments", "Its arguments.", "strings", required=False),
            _SECONDS,
        ),
        run_python,
        RUNS,
    ),
    Definition(
        "run_code",
        "Run Python code in the workspace and show its exit status and what it prints.",
        (Parameter("code", "The code, such as print(6 * 7)."), _SECONDS),
        run_code,
        RUNS,
    ),
    Definition(
        "run_tests",
        "Run the workspace's Python tests (pytest, or unittest where it is not installed) and show what failed.",
        (
            Parameter("path", "Only this file or folder.", required=False),
            Parameter("only", "Only tests whose name holds this word.", required=False),
            _SECONDS,
        ),
        run_tests,
        RUNS,
    ),
)
