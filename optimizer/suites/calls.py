"""A suite whose rollouts are calls of a function, which grades them itself: nothing but task ids by split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from optimizer.errors import SettingsError
from optimizer.records import Split, Task
from search_space.tools import Effects


class CallSuite:
    """The ids of the tasks that the function knows, by split. Its hash is over these alone: whether a function is still
    the same one, nobody but its author can tell."""

    effects: Mapping[str, Effects] = {}

    def __init__(self, ids: Mapping[Split, Sequence[str]], *, deterministic: bool | None = None) -> None:
        """Raises :class:`SettingsError` for an id that is there twice: a task of two splits would be no fresh one."""
        self.deterministic = deterministic
        met: dict[str, Split] = {}
        for split in Split:
            for task in ids.get(split, ()):
                if task in met:
                    raise SettingsError(
                        f"suite: got the task '{task}' in {split} and in {met[task]}, expected it once",
                        hint="search, certify and holdout tasks have to differ, else nothing that is claimed holds",
                    )
                met[task] = split
        self._tasks = {split: tuple(Task(task, split, task) for task in ids.get(split, ())) for split in Split}
        told = json.dumps([[split, list(ids.get(split, ()))] for split in Split])
        self.hash = "sha256:" + hashlib.sha256(told.encode()).hexdigest()

    def problem(self, files: Mapping[str, bytes]) -> str | None:
        """The function judges what it is given."""
        return None

    def tasks(self, split: Split) -> Sequence[Task]:
        return self._tasks[split]
