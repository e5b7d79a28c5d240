"""Which tools the model sees, which it can find by a search, and which calls may run side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from search_space.errors import InvalidFile
from search_space.harness import HARNESS_FILE, ToolsConfig
from search_space.memory import MEMORY_TOOLS
from search_space.tools import Tool
from search_space.validation import nearest

SEARCH_TOOL = "search_tools"
"""The name of the tool that finds deferred tools."""

WORD = re.compile(r"[a-z0-9]+")
COMMON = frozenset(
    {"all", "and", "by", "for", "from", "in", "is", "of", "on", "one", "or", "that", "the", "to", "with"}
)
NAME_WEIGHT = 2.0

C = TypeVar("C", bound=Mapping[str, Any])


class Partition:
    """The tools of a rollout, split as ``[tools]`` of a harness says; each part in the order of ``tools``."""

    def __init__(self, config: ToolsConfig, tools: Sequence[Tool]) -> None:
        """Raises :class:`InvalidFile` when the harness names a tool that the environment does not have (memory's tools
        and the tool search may be named even while they are turned off)."""
        _check_names(config, {tool.name for tool in tools})
        parts: dict[str, list[Tool]] = {"offered": [], "deferred": [], "off": []}
        for tool in tools:
            parts[config.visibility.get(tool.name, config.default)].append(tool)
        self.offered: list[Tool] = parts["offered"]
        self.deferred: list[Tool] = parts["deferred"]
        self.max_parallel = config.max_parallel
        self._parallel = {
            tool.name: tool for tool in (*self.offered, *self.deferred) if config.parallel.get(tool.name, False)
        }

    def batches(self, calls: Sequence[C]) -> list[list[C]]:
        """``calls`` (``tool_use`` blocks) cut into batches, in order: the calls of one batch may run side by side.

        A batch holds at most ``max_parallel`` calls, all of tools marked parallel, none of which conflicts with another
        by declared effects. A call of an unknown tool stands alone.
        """
        result: list[list[C]] = []
        for call in calls:
            batch = result[-1] if result else []
            joins = 0 < len(batch) < self.max_parallel and all(self._together(call, other) for other in batch)
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

    def _together(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        first, second = self._parallel.get(one["name"]), self._parallel.get(other["name"])
        return first is not None and second is not None and not first.effects.conflicts(second.effects)


def _check_names(config: ToolsConfig, known: set[str]) -> None:
    for table in ("visibility", "parallel"):
        for name in getattr(config, table):
            if name not in known and name not in (*MEMORY_TOOLS, SEARCH_TOOL):
                expected = f"a tool of the environment: {', '.join(sorted(known)) or 'it has none'}"
                near = nearest(name, known)
                raise InvalidFile(HARNESS_FILE, f"tools.{table}.{name}", "an unknown tool", expected, near)


def _words(text: str) -> frozenset[str]:
    """The words of a text or of a name (``find_class`` is two), without the plural's s and without common words."""
    words = (word for word in WORD.findall(text.lower()) if len(word) > 1 and word not in COMMON)
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in words)
