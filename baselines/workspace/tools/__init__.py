"""Every tool over a workspace, family by family, the look-alikes last."""

from __future__ import annotations

from typing import Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools import (
    archives,
    arithmetic,
    checks,
    dates,
    git,
    lists,
    processes,
    python_code,
    reading,
    searching,
    structured,
    tables,
    texts,
    writing,
)
from search_space.tool_definitions import Definition

LOOK_ALIKES: Final = (
    "find_by_name",
    "find_text",
    "count_lines_with",
    "find_mentions",
    "list_symbols",
    "squeeze_lines",
    "workdays_between",
    "percent_of",
)
"""Tools that work as they say, but answer a slightly different question than another tool: ``find_text`` knows no
patterns, ``find_mentions`` finds more than calls, ``squeeze_lines`` keeps equal lines that stand apart."""

FAMILIES: Final[dict[str, tuple[Definition[Workspace], ...]]] = {
    "reading": reading.DEFINITIONS,
    "writing": writing.DEFINITIONS,
    "searching": searching.DEFINITIONS,
    "Python": python_code.DEFINITIONS,
    "JSON and TOML": structured.DEFINITIONS,
    "CSV": tables.DEFINITIONS,
    "text": texts.DEFINITIONS,
    "archives": archives.DEFINITIONS,
    "dates": dates.DEFINITIONS,
    "arithmetic": arithmetic.DEFINITIONS,
    "git": git.DEFINITIONS,
    "lists": lists.DEFINITIONS,
    "programs": processes.DEFINITIONS,
    "checks": checks.DEFINITIONS,
}

_ALL: Final = tuple(definition for family in FAMILIES.values() for definition in family)

DEFINITIONS: Final[tuple[Definition[Workspace], ...]] = (
    *(definition for definition in _ALL if definition.name not in LOOK_ALIKES),
    *(definition for definition in _ALL if definition.name in LOOK_ALIKES),
)
