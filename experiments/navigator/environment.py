"""What the agent finds itself in: read-only tools over a source tree. Runs inside the sandbox, without the truth.

After :func:`warm` no tool opens a file or imports a module: a rollout needs the tree, and this package, in memory only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.navigator.index import load_index
from experiments.navigator.tools import DEFINITIONS, READS_FILES, make_tools
from search_space.tools import Effects, Tool


def warm(environment_args: Mapping[str, Any]) -> None:
    """Read and index the tree before any rollout is forked, so that each one starts with it in memory."""
    load_index(_root(environment_args))


def build(environment_args: Mapping[str, Any]) -> list[Tool]:
    """The tools over the tree at ``root`` (the running Python's standard library when there is none)."""
    return make_tools(load_index(_root(environment_args)))


def effects(environment_args: Mapping[str, Any]) -> dict[str, Effects]:
    """What each tool touches, for the judge of proposals: known without reading the tree."""
    return {definition.name: READS_FILES for definition in DEFINITIONS}


def _root(environment_args: Mapping[str, Any]) -> str | None:
    if unknown := sorted(set(environment_args) - {"root"}):
        raise ValueError(f"environment_args: got unknown {', '.join(unknown)}, expected only root")
    root = environment_args.get("root")
    if root is not None and not isinstance(root, str):
        raise ValueError(f"environment_args.root: got {root!r}, expected a path as text")
    return root or None
