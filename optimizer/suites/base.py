"""The suite protocols: tasks with a split; for those that are launched, how, and the grader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from optimizer.records import Split, Task
from search_space.tools import Effects


class Suite(Protocol):
    """A set of tasks. Their truth never leaves the process that grades."""

    @property
    def hash(self) -> str:
        """``sha256:...`` over every task, its truth and the grader: a score is comparable only under one hash."""
        ...

    @property
    def effects(self) -> Mapping[str, Effects]:
        """What the tools of a rollout declare to touch, by name; empty where that is not known."""
        ...

    @property
    def deterministic(self) -> bool | None:
        """Whether the same harness always scores the same on a task, whatever the seed; None where that is not
        known."""
        ...

    def problem(self, files: Mapping[str, bytes]) -> str | None:
        """Why a harness of these files cannot be measured here, None when nothing stands against it. Looked at before
        any rollout; the files are only read."""
        ...

    def tasks(self, split: Split) -> Sequence[Task]:
        """The tasks of a split, in a fixed order."""
        ...


@runtime_checkable
class LaunchedSuite(Suite, Protocol):
    """A suite whose rollouts are processes in a sandbox, launched at an entry and graded by what they answer."""

    @property
    def entry(self) -> str:
        """``package.module:function`` that the sandbox calls with the payload."""
        ...

    @property
    def readable(self) -> Sequence[Path]:
        """Paths, beside Python's own and the rollout folder, that a rollout may read."""
        ...

    @property
    def preload(self) -> Mapping[str, Mapping[str, Any] | None]:
        """Modules to import once before any rollout, each with the arguments of its ``warm`` function; None: it is not
        called."""
        ...

    def payload(self, task: Task) -> Mapping[str, Any]:
        """What the entry needs to know beside harness, folder and door: JSON, without the truth."""
        ...

    def grade(self, task: Task, answer: str | None) -> float:
        """The score of an answer in [0, 1]; ``None`` (no answer) scores 0."""
        ...
