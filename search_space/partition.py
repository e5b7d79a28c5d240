"""Which tools the model sees, which it can find by a search, and which calls may run side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from search_space.errors import InvalidFile
from search_space.harness import HARNESS_FILE, ToolsConfig
from search_space.memory import MEMORY_TOOLS
from search_space.tools import Tool
from search_space.validation import nearest

SEARCH_TOOL = "search_tools"
"""The name of the tool that finds deferred tools."""

WORD = re.compile(r"[a-z0-9]+")
COMMON = frozenset(["a", "an", "and", "by", "for", "from", "in", "is", "of", "on", "or", "that", "the", "to", "with", "which", "all", "one"])
NAME_WEIGHT = 2.0

C = TypeVar("C", bound=Mapping[str, Any])


@dataclass(frozen=True)
class Partition:
    """The tools of a rollout, split. ``parallel`` names those whose calls may run beside others."""

    offered: tuple[Tool, ...]
    deferred: tuple[Tool, ...]
    off: tuple[Tool, ...] = ()
    parallel: frozenset[str] = frozenset()
    max_parallel: int = 1

    def batches(self, calls: Sequence[C]) -> list[list[C]]:
        """``calls`` (``tool_use`` blocks) cut into batches, in order: the calls of one batch may run side by side.

        A batch holds at most ``max_parallel`` calls, all of tools marked parallel, none of which conflicts with another
        by declared effects. A call of an unknown tool stands alone.
        """
        tools = {tool.name: tool for tool in (*self.offered, *self.deferred, *self.off)}
        result: list[list[C]] = []
        for call in calls:
            batch = result[-1] if result else []
            joins = 0 < len(batch) < self.max_parallel and all(self._together(tools, call, other) for other in batch)
            if joins:
                batch.append(call)
            else:
                result.append([call])
        return result

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

    def _together(self, tools: Mapping[str, Tool], one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        first, second = tools.get(one["name"]), tools.get(other["name"])
        if first is None or second is None or not {first.name, second.name} <= self.parallel:
            return False
        return not first.effects.conflicts(second.effects)


def make_partition(config: ToolsConfig, tools: Sequence[Tool]) -> Partition:
    """Split ``tools``, in their order, as ``[tools]`` of a harness says.

    Raises :class:`InvalidFile` when the harness names a tool that the environment does not have (memory's tools and
    the tool search may be named even while they are turned off).
    """
    known = {tool.name for tool in tools}
    for table in ("visibility", "parallel"):
        for name in getattr(config, table):
            if name not in known and name not in (*MEMORY_TOOLS, SEARCH_TOOL):
                expected = f"a tool of the environment: {', '.join(sorted(known)) or 'it has none'}"
                raise InvalidFile(
                    HARNESS_FILE, f"tools.{table}.{name}", "an unknown tool", expected, nearest(name, known)
                )
    parts: dict[str, list[Tool]] = {"offered": [], "deferred": [], "off": []}
    for tool in tools:
        parts[config.visibility.get(tool.name, config.default)].append(tool)
    return Partition(
        offered=tuple(parts["offered"]),
        deferred=tuple(parts["deferred"]),
        off=tuple(parts["off"]),
        parallel=frozenset(name for name, allowed in config.parallel.items() if allowed),
        max_parallel=config.max_parallel,
    )


def _words(text: str) -> frozenset[str]:
    """The words of a text or of a name (``find_class`` is two), without endings of the plural and common words."""
    words = WORD.findall(text.lower())
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in words if word not in COMMON)
