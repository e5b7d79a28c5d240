"""What the agent finds itself in: the navigator's tools over a source tree, among those over a workspace of its own.

Only the navigator's tools see the tree. The workspace is empty at the start: its tools are real, and beside the point.
A tool of the workspace that has the name of one of the navigator's is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import baselines.workspace as workspace
from experiments.navigator import environment as navigator
from search_space.tools import Effects, Tool


def warm(environment_args: Mapping[str, Any]) -> None:
    """Read and index the tree before any rollout is forked."""
    navigator.warm(environment_args)
    workspace.warm({})


def build(environment_args: Mapping[str, Any]) -> list[Tool]:
    """The navigator's tools over the tree at ``root`` (as :func:`experiments.navigator.environment.build`), then the
    workspace's."""
    return _joined(navigator.build(environment_args), workspace.build({}))


def effects(environment_args: Mapping[str, Any]) -> dict[str, Effects]:
    """What each tool declares to read and write."""
    return {**workspace.effects({}), **navigator.effects(environment_args)}


def _joined(first: Sequence[Tool], second: Sequence[Tool]) -> list[Tool]:
    taken = {tool.name for tool in first}
    return [*first, *(tool for tool in second if tool.name not in taken)]
