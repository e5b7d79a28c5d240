"""The command suite: a task is a seed, a rollout a timed run of a command, its score a metric mapped onto 0 to 1."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from optimizer.errors import SettingsError
from optimizer.metric import Metric
from optimizer.records import Split, Task
from optimizer.settings import CommandSuiteSettings
from search_space.tools import Effects

VERSION: Final = "command-1"
"""Part of the hash: changed whenever the same run could get another score."""
ENTRY: Final = "optimizer.sandboxes.shell:run_command"
THREAD_VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class CommandSuite:
    """Satisfies :class:`optimizer.suites.base.LaunchedSuite`. ``pinned_files`` are the files of the baseline that match
    the settings' ``pinned``: no variant may change them, and the evaluator consists of them."""

    effects: Mapping[str, Effects] = {}

    def __init__(
        self,
        settings: CommandSuiteSettings,
        readable: Sequence[Path] = (),
        pinned_files: Mapping[str, bytes] | None = None,
    ) -> None:
        self.settings: Final = settings
        self.readable: Final = tuple(readable)
        self.pinned_files: Final = dict(pinned_files or {})
        self._splits: Final = {
            split: tuple(
                Task(f"{split}-{number}", split, f"seed {number} of {split}")
                for number in range(1, getattr(settings.seeds, split.value) + 1)
            )
            for split in Split
        }
        self.hash: Final = _hash(settings, self.pinned_files)

    @classmethod
    def load(cls, settings: CommandSuiteSettings, folder: Path) -> CommandSuite:
        """The suite of the experiment in ``folder``, before the harness is known. Raises :class:`SettingsError` when
        something that it must read is not there, or a variable that it passes on is not set."""
        readable = []
        for name in settings.readable:
            path = folder / Path(name).expanduser()
            if not path.exists():
                raise SettingsError(
                    f"suite.readable: got '{name}', which is {path}: no such file or folder",
                    hint="make it first (a data set that is to be prepared once, say), or leave it out",
                )
            readable.append(path.resolve())
        for name in settings.environment:
            if name not in os.environ:
                raise SettingsError(
                    f"suite.environment: got '{name}', which is not set, expected a variable of this environment",
                    hint=f"export {name}=..., or leave it out",
                )
        return cls(settings, readable)

    def founded(self, files: Mapping[str, bytes]) -> CommandSuite:
        """The suite with the pinned files of the harness that the campaign begins from. Raises :class:`SettingsError`
        when a pattern matches none of them."""
        patterns = self.settings.pinned
        for pattern in patterns:
            if not any(matches(name, pattern) for name in files):
                raise SettingsError(
                    f"suite.pinned: got '{pattern}', which matches none of the harness's {len(files)} committed files",
                    hint="a pattern is relative to the harness folder: 'evaluate.py', 'data/*.txt'",
                )
        pinned = {name: files[name] for name in sorted(files) if any(matches(name, pattern) for pattern in patterns)}
        return CommandSuite(self.settings, self.readable, pinned)

    @property
    def metric(self) -> Metric:
        """The metric with its range."""
        return self.settings.scale

    @property
    def entry(self) -> str:
        return ENTRY

    @property
    def preload(self) -> Mapping[str, Mapping[str, Any] | None]:
        return {ENTRY.partition(":")[0]: None}

    @property
    def deterministic(self) -> bool | None:
        """What the settings say."""
        return self.settings.deterministic

    def problem(self, files: Mapping[str, bytes]) -> str | None:
        """Which pinned file is not as it was in the baseline."""
        for name, content in self.pinned_files.items():
            if files.get(name) != content:
                what = "changed" if name in files else "gone"
                return f"{name}: the file is {what}, expected it as the baseline has it: it is pinned (suite.pinned)"
        return None

    def tasks(self, split: Split) -> Sequence[Task]:
        return self._splits[split]

    def payload(self, task: Task) -> Mapping[str, Any]:
        """Command and evaluator as they were written; the seed comes from the rollout."""
        return {"command": self.settings.command, "evaluator": self.settings.evaluator}

    def grade(self, task: Task, answer: str | None) -> float:
        """The score of a metric's value, which is what a rollout answers."""
        return 0.0 if answer is None else self.metric.score(float(answer))

    def environment(self) -> dict[str, str]:
        """What a command finds in its environment beside what a sandbox gives: read now, kept nowhere."""
        threads = self.settings.threads
        limits = dict.fromkeys(THREAD_VARIABLES, str(threads)) if threads else {}
        return {**limits, **{name: os.environ[name] for name in self.settings.environment if name in os.environ}}


def matches(path: str, pattern: str) -> bool:
    """Whether the file at ``path`` is meant: ``*`` stays within one folder, ``folder/**`` is all beneath one."""
    if pattern.endswith("/**"):
        return path.startswith(pattern.removesuffix("**"))
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _hash(settings: CommandSuiteSettings, pinned: Mapping[str, bytes]) -> str:
    decisive = settings.model_dump(mode="json", exclude={"memory_mb", "disk_mb", "devices", "deterministic"})
    files = {name: hashlib.sha256(content).hexdigest() for name, content in pinned.items()}
    text = json.dumps([VERSION, decisive, files], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
