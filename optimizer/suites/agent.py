"""The agent suite: each task is a prompt for the reference agent, in an environment of tools, graded exactly."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from optimizer.errors import SettingsError
from optimizer.records import Split, Task
from optimizer.settings import AgentSuiteSettings
from optimizer.suites.grading import GRADER_VERSION, SEQUENCE_VERSION, is_exact, share_right
from optimizer.suites.rows import GradedTask, generate_tasks, read_tasks, resolve
from search_space.errors import SearchSpaceError
from search_space.harness import harness_from_files
from search_space.tools import Effects

ENTRY: Final = "baselines.agent.main:run_rollout"


class AgentSuite:
    """Tasks for the reference agent with their truths. Satisfies :class:`optimizer.suites.base.LaunchedSuite`.

    ``environment`` (``package.module:function``) gives the tools inside the sandbox and is called with
    ``environment_args``; ``hash_args`` stand for them in the hash (the arguments as they were written, before a path in
    them was made absolute).
    """

    def __init__(
        self,
        tasks: Sequence[GradedTask],
        *,
        environment: str,
        environment_args: Mapping[str, Any],
        hash_args: Mapping[str, Any] | None = None,
        readable: Sequence[Path] = (),
        effects: Mapping[str, Effects] | None = None,
        deterministic: bool | None = None,
    ) -> None:
        self._environment: Final = environment
        self._environment_args: Final = dict(environment_args)
        self._graded: Final = {graded.task.id: graded for graded in tasks}
        self._splits: Final = {split: tuple(g.task for g in tasks if g.task.split == split) for split in Split}
        self._readable: Final = tuple(readable)
        self._effects: Final = dict(effects or {})
        self._deterministic: Final = deterministic
        self._hash: Final = _hash(tasks, environment, self._environment_args if hash_args is None else hash_args)

    @classmethod
    def load(cls, settings: AgentSuiteSettings, folder: Path, *, need_holdout: bool = False) -> AgentSuite:
        """The suite of the experiment in ``folder``.

        Raises :class:`SettingsError` for bad tasks, for ``search`` or ``certify`` without a task (``holdout`` too if
        ``need_holdout``), and for a generator or environment that is not there or fails.
        """
        args = {key: _beside(value, folder) for key, value in settings.environment_args.items()}
        if settings.tasks is not None:
            source = settings.tasks
            tasks = read_tasks(folder / settings.tasks)
        else:
            source = settings.generator or ""
            own_args = {key: _beside(value, folder) for key, value in settings.generator_args.items()}
            tasks = generate_tasks(source, {**args, **own_args})
        _check_splits(tasks, source, need_holdout)
        return cls(
            tasks,
            environment=settings.environment,
            environment_args=args,
            hash_args=settings.environment_args,
            readable=_readable(settings.environment, args),
            effects=_effects(settings.environment, args),
            deterministic=settings.deterministic,
        )

    @property
    def hash(self) -> str:
        """``sha256:...`` over tasks, truths, environment and grader version."""
        return self._hash

    @property
    def entry(self) -> str:
        return ENTRY

    @property
    def readable(self) -> Sequence[Path]:
        """What the environment's module asks for in its ``readable(environment_args)``, when it has one."""
        return self._readable

    @property
    def preload(self) -> Mapping[str, Mapping[str, Any] | None]:
        """Agent and environment."""
        return {ENTRY.partition(":")[0]: None, self._environment.partition(":")[0]: dict(self._environment_args)}

    @property
    def effects(self) -> Mapping[str, Effects]:
        """What the environment's module says in its ``effects(environment_args)``, when it has one."""
        return self._effects

    @property
    def deterministic(self) -> bool | None:
        """What the settings say."""
        return self._deterministic

    def problem(self, files: Mapping[str, bytes]) -> str | None:
        """What keeps the reference agent from running these files."""
        try:
            harness_from_files(files)
        except SearchSpaceError as error:
            return str(error)
        return None

    def tasks(self, split: Split) -> Sequence[Task]:
        """The tasks of a split, in the order of the file or the generator."""
        return self._splits[split]

    def payload(self, task: Task) -> Mapping[str, Any]:
        """``prompt`` (for a sequence ``prompts``), ``task``, ``environment``, ``environment_args``: never the truth."""
        prompts = self._graded[task.id].prompts
        return {
            **({"prompts": list(prompts)} if prompts else {"prompt": task.prompt}),
            "task": task.id,
            "environment": self._environment,
            "environment_args": dict(self._environment_args),
        }

    def grade(self, task: Task, answer: str | None) -> float:
        """1.0 for the exact answer (see :mod:`optimizer.suites.grading`), else 0.0; for a sequence, the mean over its
        prompts."""
        graded = self._graded[task.id]
        return share_right(answer, graded.truths) if graded.prompts else float(is_exact(answer, graded.truths[0]))

    def kind(self, task: Task) -> str:
        """The task's kind, for reports; empty when it has none."""
        return self._graded[task.id].kind


def _beside(value: object, folder: Path) -> object:
    """A text that starts with ``./`` or ``../`` as the absolute path it means, seen from the experiment's folder."""
    if isinstance(value, str) and (value in (".", "..") or value.startswith(("./", "../"))):
        return str((folder / value).resolve())
    return value


def _check_splits(tasks: Sequence[GradedTask], source: str, need_holdout: bool) -> None:
    present = {graded.task.split for graded in tasks}
    for split in Split:
        if split not in present and (split is not Split.holdout or need_holdout):
            raise SettingsError(
                f"{source}: got no task in split {split}, expected at least one",
                hint=f'Give some tasks "split": "{split}".',
            )


def _readable(environment: str, args: Mapping[str, Any]) -> list[Path]:
    return [Path(path) for path in _said(environment, "readable", args) or ()]


def _effects(environment: str, args: Mapping[str, Any]) -> Mapping[str, Effects]:
    said = _said(environment, "effects", args) or {}
    if not isinstance(said, Mapping) or not all(isinstance(each, Effects) for each in said.values()):
        raise SettingsError(
            f"{environment}: effects(environment_args) returned {str(said)[:80]}, expected a dictionary that gives the "
            "search_space.tools.Effects of each tool by its name"
        )
    return said


def _said(environment: str, function: str, args: Mapping[str, Any]) -> Any:
    """What an optional function of the environment's module answers; None when it has none."""
    resolve(environment, "suite.environment")
    module = importlib.import_module(environment.partition(":")[0])
    if not hasattr(module, function):
        return None
    try:
        return getattr(module, function)(args)
    except (ValueError, OSError) as error:
        raise SettingsError(f"{environment}: {error}", hint="Check suite.environment_args.") from None


def _hash(tasks: Sequence[GradedTask], environment: str, args: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for part in (
        [GRADER_VERSION, ENTRY, environment, dict(args)],
        *(_hashed(graded) for graded in tasks),
    ):
        digest.update(json.dumps(part, sort_keys=True, default=str).encode() + b"\n")
    return f"sha256:{digest.hexdigest()}"


def _hashed(graded: GradedTask) -> list[Any]:
    task = graded.task
    if not graded.prompts:
        return [task.id, task.split.value, task.prompt, graded.truths[0]]
    return [SEQUENCE_VERSION, task.id, task.split.value, list(graded.prompts), list(graded.truths)]
