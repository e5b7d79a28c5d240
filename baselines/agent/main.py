"""One rollout: load the harness, build the environment's tools, run the loop, write trajectory and result."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from baselines.agent.consent import Consent
from baselines.agent.door_client import DoorClient
from baselines.agent.dropped import Dropped
from baselines.agent.loop import Agent, Outcome
from baselines.agent.toolbox import Toolbox
from search_space.compaction import make_compaction
from search_space.errors import SearchSpaceError
from search_space.harness import Harness, load_harness
from search_space.memory import Memory
from search_space.messages import Model
from search_space.partition import Partition
from search_space.tools import Tool
from search_space.trajectory import TrajectoryWriter


class BadPayload(SearchSpaceError):
    """What the rollout was started with is not what it needs; the text says what is missing."""


def run_rollout(payload: Mapping[str, Any]) -> None:
    """Run the harness on the task and leave ``trajectory.jsonl`` and ``result.json`` in the rollout folder.

    ``payload``: ``harness`` and ``folder`` (directories), ``door`` (socket path), ``token``, ``prompt``, ``task``
    (its id), ``environment`` (``package.module:build``) and ``environment_args`` (what ``build`` is called with).
    Raises :class:`SearchSpaceError` for a harness or plug-in that is not valid; then there is no ``result.json``.
    """
    harness_folder, folder = Path(_needed(payload, "harness")), Path(_needed(payload, "folder"))
    harness = load_harness(harness_folder)
    tools = build_tools(payload.get("environment", ""), payload.get("environment_args") or {})
    door = DoorClient(_needed(payload, "door"), payload.get("token", ""))
    with TrajectoryWriter(folder / "trajectory.jsonl") as trajectory:
        prompt, task = _needed(payload, "prompt"), payload.get("task", "")
        trajectory.write({"kind": "task", "task": task, "harness": harness.name, "prompt": prompt})
        agent = assemble(harness, harness_folder, folder, tools, door, trajectory)
        outcome = agent.run(prompt)
        trajectory.write({"kind": "end", **asdict(outcome)})
    door.close()
    write_result(folder / "result.json", outcome)


def assemble(
    harness: Harness, harness_folder: Path, folder: Path, tools: list[Tool], model: Model, trajectory: TrajectoryWriter
) -> Agent:
    """The agent with its parts: ``folder`` is the rollout folder, which holds the memory."""
    memory = Memory(harness.memory, folder / "memory")
    partition = Partition(harness.tools, [*tools, *memory.tools()])
    consent = Consent(harness.permissions, trajectory.write)
    toolbox = Toolbox(
        partition, max_result_chars=harness.limits.max_result_chars, on_cut=memory.archive, refuse=consent
    )
    compaction = make_compaction(harness.compaction, folder=harness_folder, model_name=harness.model)
    agent = Agent(harness, model, toolbox, compaction, trajectory.write, memory.index_text)
    if harness.memory.archive:
        agent.dropped = Dropped(memory.archive)
    return agent


def build_tools(environment: str, arguments: Mapping[str, Any]) -> list[Tool]:
    """The tools that ``package.module:function`` builds from ``arguments``; none when ``environment`` is empty."""
    if not environment:
        return []
    module, _, function = environment.partition(":")
    try:
        build = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise BadPayload(f"environment {environment!r}: {error}; expected 'package.module:build'") from error
    return cast(list[Tool], build(arguments))


def write_result(path: Path, outcome: Outcome) -> None:
    """Write ``result.json`` so that a reader sees all of it or nothing."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(outcome), ensure_ascii=False) + "\n", encoding="utf-8", errors="replace")
    part.replace(path)


def _needed(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not value:
        raise BadPayload(f"payload: {key}: got {value!r}, expected a text")
    return value
