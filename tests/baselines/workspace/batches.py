"""Random batches of calls of the workspace's tools, and what one after the other makes of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from baselines.agent.inputs import check_input
from baselines.workspace.folder import Workspace
from baselines.workspace.tools import DEFINITIONS, FAMILIES
from search_space.calls import Call, running
from search_space.messages import ToolResultBlock, ToolUseBlock
from search_space.tools import Effects, Tool, ToolError
from tests.baselines.workspace.examples import FAILS, FILES, WORKS

PROGRAMS = {definition.name for family in ("git", "programs") for definition in FAMILIES[family]}
"""Tools that start processes: slow, and here without a repository."""
CALLS = [
    (name, given)
    for name, given in [*((each.tool, each.given) for each in WORKS), *((name, given) for name, given, _ in FAILS)]
    if name not in PROGRAMS
]
PATHS = [*(path for path in FILES if not path.endswith(".bin")), "pkg", "data", "new", "new/deep.txt"]
ERROR = "error: "


def lay_out(root: Path) -> None:
    """Make the workspace what it is at the start of a batch."""
    shutil.rmtree(root, ignore_errors=True)
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())


def tools_of(root: Path, latency_s: float = 0.0) -> list[Tool]:
    """The tools over the workspace at ``root``, which is there."""
    workspace = Workspace(root, latency_s=latency_s)
    return [definition.bind(workspace) for definition in DEFINITIONS if definition.name not in PROGRAMS]


def lying(tools: Sequence[Tool], rng: Random, share: float) -> list[Tool]:
    """``tools``, of which a share says to touch nothing."""
    return [replace(tool, effects=Effects()) if rng.random() < share else tool for tool in tools]


def random_batch(rng: Random) -> list[ToolUseBlock]:
    """Two to eight calls: examples that work and that fail, a third of them with another path."""
    calls: list[ToolUseBlock] = []
    for number in range(rng.randint(2, 8)):
        name, given = rng.choice(CALLS)
        given = dict(given)
        for key in ("path", "target"):
            if key in given and rng.random() < 1 / 3:
                given[key] = rng.choice(PATHS)
        calls.append({"type": "tool_use", "id": f"c{number}", "name": name, "input": given})
    return calls


def one_after_the_other(tools: Sequence[Tool], calls: Sequence[ToolUseBlock]) -> list[str]:
    """The oracle: each call by itself, committed before the next one; what it says, or :data:`ERROR` and what it was
    told, of an error of the machine only the kind, since its text names a path."""
    by_name = {tool.name: tool for tool in tools}
    texts = []
    for each in calls:
        with running(Call()) as call:
            try:
                tool = by_name[each["name"]]
                check_input(tool.input_schema, each["input"])
                text = tool.run(each["input"]) or "(empty result)"
                call.commit()
            except (ToolError, OSError) as error:
                text = f"{ERROR}{error if isinstance(error, ToolError) else type(error).__name__}"
            texts.append(text)
    return texts


def said(results: Sequence[ToolResultBlock]) -> list[str]:
    """What results say, in the words of :func:`one_after_the_other`."""
    texts = []
    for each in results:
        text = str(each["content"])
        if each.get("is_error"):
            machine = text.removeprefix("the tool failed: ")
            text = ERROR + (text if machine == text else machine.partition(":")[0])
        texts.append(text)
    return texts


def snapshot(root: Path) -> dict[str, bytes | None]:
    """Every path below ``root``: a file's content, None for a folder."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None for path in root.rglob("*")
    }
