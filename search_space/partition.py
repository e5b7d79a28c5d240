"""Which tools an agent sees and in which order and words, which it can find by a search, and what its calls touch."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from search_space.errors import InvalidFile
from search_space.harness_file import AGENT, HARNESS_FILE, ToolsConfig
from search_space.mcp_servers import SEPARATOR
from search_space.memory import MEMORY_TOOLS
from search_space.permissions import Permissions
from search_space.subagents import DELEGATE_TOOL
from search_space.tools import Effects, Tool, always_conflicting, conflict_text
from search_space.validation import nearest

SEARCH_TOOL = "search_tools"
"""The name of the tool that finds deferred tools."""
OWN_TOOLS = (*MEMORY_TOOLS, DELEGATE_TOOL)
"""Tools that a harness has because it turned a part of itself on: offered unless it names them."""

WORD = re.compile(r"[a-z0-9]+")
COMMON = frozenset(
    {"all", "and", "by", "for", "from", "in", "is", "of", "on", "one", "or", "that", "the", "to", "with"}
)
NAME_WEIGHT = 2.0


class Partition:
    """The tools that one agent of a rollout sees, as ``[tools]`` of a harness says: ``offered`` at once, ``deferred``
    behind the tool search."""

    def __init__(self, config: ToolsConfig, tools: Sequence[Tool], agent: str = "", also: Collection[str] = ()) -> None:
        """``agent`` names a sub-agent, ``""`` is the main one. A sub-agent is offered the tools whose visibility is
        ``agent:NAME`` and those in ``also``, whoever else sees them; a tool that is ``off`` is nobody's.

        Raises :class:`InvalidFile` when the harness names a tool that the environment does not have (memory's tools and
        the tool search may be named even while they are turned off), and when two tools marked parallel always
        conflict.
        """
        self._config = config
        _check_names(config, {tool.name for tool in tools}, agent, also)
        tools = self.adapt(tools)
        _check_marks(config, tools)
        default = {tool.name: "offered" if tool.name in OWN_TOOLS else config.default for tool in tools}
        seen = {name: config.visibility.get(name, by_default) for name, by_default in default.items()}
        if agent:
            mine = {name for name in seen if seen[name] == AGENT + agent or (name in also and seen[name] != "off")}
            seen = {name: "offered" if name in mine else "off" for name in seen}
        self.offered: list[Tool] = [tool for tool in tools if seen[tool.name] == "offered"]
        self.deferred: list[Tool] = [tool for tool in tools if seen[tool.name] == "deferred"]
        self.max_parallel = 1 if config.schedule == "serial" else config.max_parallel

    def adapt(self, tools: Iterable[Tool]) -> list[Tool]:
        """``tools`` with the harness's descriptions and effects, in the harness's order."""
        place = {name: number for number, name in enumerate(self._config.order)}
        return [self._adapted(tool) for tool in sorted(tools, key=lambda tool: place.get(tool.name, len(place)))]

    def effects_of(self, tool: Tool, given: Any) -> Effects | None:
        """What a call of ``tool`` with the input ``given`` is declared to touch; None when it must run alone."""
        if not self._config.parallel.get(tool.name, self._config.schedule == "effects"):
            return None
        return tool.effects.of(given)

    def search(self, query: str, *, at_most: int = 5) -> list[Tool]:
        """The deferred tools whose name and description share most words with ``query``, best first; a word of the name
        counts twice. Ties keep the tools' order; tools that share no word are left out."""
        wanted = _words(query)
        scores: list[tuple[float, int]] = []
        for number, tool in enumerate(self.deferred):
            name, description = _words(tool.name), _words(tool.description)
            score = NAME_WEIGHT * len(wanted & name) + len(wanted & (description - name))
            if score:
                scores.append((-score, number))
        return [self.deferred[number] for _, number in sorted(scores)[:at_most]]

    def _adapted(self, tool: Tool) -> Tool:
        description = self._config.descriptions.get(tool.name, tool.description)
        effects = tool.effects
        if said := self._config.effects.get(tool.name):
            effects = said.effects() if tool.assumed else effects | said.effects()
        if description == tool.description and effects == tool.effects:
            return tool
        return replace(tool, description=description, effects=effects)


def check_permissions(permissions: Permissions, known: Collection[str]) -> None:
    """Raise :class:`InvalidFile` when a permission names a tool that is not among ``known``: a rule with a misspelt
    name forbids nothing. Names with a glob in them and those of MCP servers' tools, which may be away, are not looked
    at."""
    named = [(f"permissions.tools.{name}", name) for name in permissions.tools]
    named += [(f"permissions.rules[{at}].tool", rule.tool) for at, rule in enumerate(permissions.rules)]
    for key, name in named:
        if not any(char in name for char in "*?[") and SEPARATOR not in name:
            _check_name(key, name, set(known))


def _check_names(config: ToolsConfig, known: set[str], agent: str, also: Collection[str]) -> None:
    for key in ("visibility", "order", "descriptions", "parallel", "effects"):
        for name in getattr(config, key):
            _check_name(f"tools.{key}" + ("" if key == "order" else f".{name}"), name, known)
    for name in also:
        _check_name(f"subagents.{agent}.tools", name, known)


def _check_name(key: str, name: str, known: set[str]) -> None:
    if name not in known and name not in (*OWN_TOOLS, SEARCH_TOOL):
        got = f"an unknown tool, '{name}'" if not key.endswith(f".{name}") else "an unknown tool"
        expected = f"a tool of the environment: {', '.join(sorted(known)) or 'it has none'}"
        raise InvalidFile(HARNESS_FILE, key, got, expected, nearest(name, known))


def _check_marks(config: ToolsConfig, tools: Iterable[Tool]) -> None:
    marked = {tool.name: tool.effects for tool in tools if config.parallel.get(tool.name, False)}
    for one, other, over in always_conflicting(marked):
        expected = f"tools that may run side by side, but {conflict_text(one, other, over)}"
        raise InvalidFile(HARNESS_FILE, f"tools.parallel.{one}", "true", expected)


def _words(text: str) -> frozenset[str]:
    """The words of a text or of a name (``find_class`` is two), without the plural's s and without common words."""
    words = (word for word in WORD.findall(text.lower()) if len(word) > 1 and word not in COMMON)
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in words)
