"""The navigator's tools: real, read-only, and fast; some are look-alikes that answer a slightly different question."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from experiments.navigator.index import Index
from experiments.navigator.tools import classes, files, imports, search, symbols
from experiments.navigator.tools.define import Definition
from search_space.tools import Effects, Tool

READS_FILES: Final = Effects(reads=frozenset({"files"}))

LOOK_ALIKES: Final = (
    "search_text",
    "find_references",
    "find_symbol",
    "list_symbols",
    "preview_file",
    "docstring",
    "count_matches",
    "find_file",
)
"""Tools that work as they say, but are not what the questions need."""

_ALL: Final[tuple[Definition, ...]] = (
    *files.DEFINITIONS,
    *search.DEFINITIONS,
    *symbols.DEFINITIONS,
    *classes.DEFINITIONS,
    *imports.DEFINITIONS,
)

DEFINITIONS: Final[tuple[Definition, ...]] = (
    *(d for d in _ALL if d.name not in LOOK_ALIKES),
    *(d for d in _ALL if d.name in LOOK_ALIKES),
)
"""Every tool in the order in which it is offered, the look-alikes last."""


def make_tools(index: Index) -> list[Tool]:
    """The tools over ``index``; all of them only read it."""
    return [replace(definition.bind(index), effects=READS_FILES) for definition in DEFINITIONS]
