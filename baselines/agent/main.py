"""One rollout: load the harness, build the environment's tools, run the loop, write trajectory and result."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

from baselines.agent.children import Archive, Children, Connect, Refuse
from baselines.agent.consent import Consent
from baselines.agent.door_client import DoorClient
from baselines.agent.dropped import Dropped
from baselines.agent.loop import Agent, Record
from baselines.agent.mcp import mcp_tools, relay_of
from baselines.agent.outcome import write_result
from baselines.agent.sequence import run_sequence
from baselines.agent.spending import Spending
from baselines.agent.toolbox import Toolbox
from search_space.compaction import make_compaction
from search_space.errors import SearchSpaceError
from search_space.harness import Harness, load_harness
from search_space.memory import Memory
from search_space.messages import Model
from search_space.partition import Partition, check_permissions
from search_space.tools import Tool
from search_space.trajectory import TrajectoryWriter


class BadPayload(SearchSpaceError):
    """What the rollout was started with is not what it needs; the text says what is missing."""


def run_rollout(payload: Mapping[str, Any]) -> None:
    """Run the harness on the task and leave ``trajectory.jsonl`` and ``result.json`` in the rollout folder.

    ``payload``: ``harness`` and ``folder`` (directories), ``door`` (socket path), ``token``, ``prompt`` (or, for a
    sequence, ``prompts``: see :mod:`baselines.agent.sequence`), ``task`` (its id), ``environment``
    (``package.module:build``), ``environment_args`` (what ``build`` is called with) and, where there is no network,
    ``mcp`` (the names of the MCP servers that the door relays to).
    Raises :class:`SearchSpaceError` for a harness or plug-in that is not valid and for an MCP server that does not
    start; then there is no ``result.json``.
    """
    harness_folder, folder = Path(_needed(payload, "harness")), Path(_needed(payload, "folder"))
    harness = load_harness(harness_folder)
    tools = build_tools(payload.get("environment", ""), payload.get("environment_args") or {})
    door = DoorClient(_needed(payload, "door"), payload.get("token", ""))
    prompts = _prompts(payload)
    with TrajectoryWriter(folder / "trajectory.jsonl") as trajectory:
        told = {"prompts": prompts} if "prompts" in payload else {"prompt": prompts[0]}
        trajectory.write({"kind": "task", "task": payload.get("task", ""), "harness": harness.name, **told})
        memory = Memory(harness.memory, folder / "memory")
        with mcp_tools(harness, harness_folder, folder, relay_of(payload), trajectory.write) as mcp:
            parts = (mcp.fitting(harness), harness_folder, memory, [*tools, *mcp.tools], door, trajectory)
            start = partial(assemble, *parts, connect=partial(_connection, payload))
            if "prompts" in payload:
                outcome = run_sequence(prompts, start, memory, trajectory.write)
            else:
                outcome = start().run(prompts[0])
            trajectory.write({"kind": "end", **asdict(outcome)})
            door.close()
            # Before the servers are ended: they may take their time.
            write_result(folder / "result.json", outcome)


def assemble(
    harness: Harness,
    harness_folder: Path,
    memory: Memory,
    tools: list[Tool],
    model: Model,
    trajectory: TrajectoryWriter,
    dropped: Dropped | None = None,
    *,
    connect: Connect | None = None,
) -> Agent:
    """An agent with its parts, for one conversation; ``dropped`` follows what leaves it (one that nobody else asks when
    left out). ``connect`` gives each sub-agent a model of its own; without it they share ``model``, which must then be
    safe for several threads."""

    def toolbox(partition: Partition, archive: Archive, record: Record, refuse: Refuse) -> Toolbox:
        consent = Consent(harness.permissions, record)
        return Toolbox(
            partition,
            max_result_chars=harness.limits.max_result_chars,
            on_cut=archive,
            refuse=lambda call: refuse(call) or consent(call),
        )

    known = Partition(harness.tools, tools := [*tools, *memory.tools()]).adapt(tools)
    make = partial(make_compaction, harness.compaction, folder=harness_folder, model_name=harness.model)
    children = Children(harness, known, connect or (lambda: nullcontext(model)), toolbox, make, memory)
    if children.agents:
        known = [*known, children.tool()]
    check_permissions(harness.permissions, [tool.name for tool in known])
    partition = Partition(harness.tools, known)
    agent = Agent(
        harness,
        model,
        toolbox(partition, memory.archive, trajectory.write, lambda call: None),
        make(),
        trajectory.write,
        memory.index_text,
        dropped or Dropped(memory),
        known={tool.name: tool for tool in known},
        spending=Spending(harness.limits.total_tokens),
    )
    children.join(agent, partition)
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


def _prompts(payload: Mapping[str, Any]) -> list[str]:
    """The tasks of the rollout, one after another."""
    if "prompts" not in payload:
        return [_needed(payload, "prompt")]
    prompts = payload["prompts"]
    if "prompt" in payload:
        raise BadPayload("payload: got prompt and prompts, expected one of them")
    if not isinstance(prompts, list) or not prompts or not all(isinstance(each, str) and each for each in prompts):
        raise BadPayload(f"payload: prompts: got {prompts!r:.80}, expected a list of texts")
    return prompts


def _connection(payload: Mapping[str, Any]) -> AbstractContextManager[Model]:
    return closing(DoorClient(_needed(payload, "door"), payload.get("token", "")))


def _needed(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not value:
        raise BadPayload(f"payload: {key}: got {value!r}, expected a text")
    return value
