"""Settings: files whose keys are known (Claude Code, mini-swe-agent), and numbers and switches of any other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from search_space.discovery.instructions import instruction_dimensions
from search_space.discovery.numbers import around, closed
from search_space.discovery.opened import Opened, stem
from search_space.keyed.formats import format_of
from search_space.toml_text import join_key

CLAUDE_MODELS = ["opus", "sonnet", "haiku"]
CLAUDE_SETTINGS: Mapping[str, list[str]] = {
    "model": CLAUDE_MODELS,
    "effortLevel": ["low", "medium", "high"],
    "outputStyle": ["default", "Explanatory", "Learning"],
}
"""Keys of ``.claude/settings.json`` that change how the agent works, with values that Claude Code knows."""
TEMPLATES = ("system_template", "instance_template")
STEP_LIMITS = [25, 50, 100, 250]
OUTPUT_LIMITS = re.compile(r"output\.output \| length < (\d+)")


def settings_dimensions(text: str, file: str) -> Iterator[Opened]:
    """Proposals for a file with keys, by what it is."""
    values = format_of(file).values(text, file)
    agent = values.get("agent")
    if file.endswith(".claude/settings.json"):
        yield from _claude_settings(values, file)
    elif isinstance(agent, dict) and all(isinstance(agent.get(key), str) for key in TEMPLATES):
        yield from _mini_swe_agent(values, agent, file)
    else:
        yield from _numbers(values, file, ())


def claude_agent_dimensions(text: str, file: str) -> Iterator[Opened]:
    """Proposals for a sub-agent's file, ``.claude/agents/NAME.md``: its model, its tools, its instructions."""
    values = format_of(file).values(text, file)
    present = values.get("model", "inherit")
    models = [*dict.fromkeys([present, "inherit", *CLAUDE_MODELS])]
    table = {"kind": "choice", "name": f"{stem(file)}.model", "file": file, "key": "model", "values": models}
    if values:
        yield Opened(f"{file}: which model this agent uses", {**table, "default": present})
    tools = values.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        table = {"kind": "member", "name": f"{stem(file)}.tools.{tool}", "file": file, "key": "tools", "member": tool}
        if re.fullmatch(r"[A-Za-z0-9_-]+", str(tool)):
            yield Opened(f"{file}: whether this agent has the tool {tool}", table)
    yield from instruction_dimensions(text, file)


def _claude_settings(values: Mapping[str, Any], file: str) -> Iterator[Opened]:
    for key, known in CLAUDE_SETTINGS.items():
        if isinstance(values.get(key), str):
            options = [*dict.fromkeys([values[key], *known])]
            table = {"kind": "choice", "name": f"settings.{key}", "file": file, "key": key, "values": options}
            yield Opened(f"{file}: {key}, one of {', '.join(options)} (now {values[key]})", table)
    table = {"kind": "flag", "name": "settings.alwaysThinkingEnabled", "file": file, "key": "alwaysThinkingEnabled"}
    yield Opened(f"{file}: whether the model always thinks before it answers", {**table, "default": False})


def _mini_swe_agent(values: Mapping[str, Any], agent: Mapping[str, Any], file: str) -> Iterator[Opened]:
    for key in TEMPLATES:
        yield from instruction_dimensions(agent[key], file, f"agent.{key}")
    if isinstance(agent.get("step_limit"), int):
        now = agent["step_limit"]
        limits = [*dict.fromkeys([now, *STEP_LIMITS])]
        table = {"kind": "choice", "name": f"{stem(file)}.step_limit", "file": file, "key": "agent.step_limit"}
        said = f"{file}: steps of the agent at most, one of {', '.join(map(str, limits))} (now {now}; 0 is no limit)"
        yield Opened(said, {**table, "values": limits})
    rest = {**values, "agent": {key: each for key, each in agent.items() if key not in (*TEMPLATES, "step_limit")}}
    yield from _numbers(rest, file, ())


def _numbers(table: Mapping[str, Any], file: str, above: tuple[str, ...]) -> Iterator[Opened]:
    for key, value in table.items():
        parts = (*above, key)
        if closed(key) or '"' in key or "\\" in key or not key:
            continue
        if isinstance(value, Mapping):
            yield from _numbers(value, file, parts)
        elif (found := around(value)) is not None:
            dotted, (domain, words) = join_key(parts), found
            name = f"{stem(file)}.{re.sub(r'[^A-Za-z0-9_.-]+', '-', dotted)}"
            entry = {"kind": domain["kind"], "name": name, "file": file, "key": dotted}
            yield Opened(f"{file}: {dotted}, {words} (now {str(value).lower()})", {**entry, **domain})
