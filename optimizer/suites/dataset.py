"""The dataset suite: each task is a question with a known answer, asked of a prompt with stored cases beside it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from optimizer.datasets.judge import SYSTEM, Judge
from optimizer.datasets.metrics import Metric, metric_named, usual_metric
from optimizer.datasets.reading import read_data
from optimizer.datasets.splitting import Divided, divide
from optimizer.errors import SettingsError
from optimizer.records import Split, Task
from optimizer.settings import DatasetSuiteSettings
from search_space.errors import SearchSpaceError
from search_space.prompting.cases import Case, write_cases
from search_space.prompting.harness import prompt_from_files
from search_space.tools import Effects

ENTRY: Final = "baselines.prompted.main:run_rollout"
VERSION: Final = "dataset-1"
"""Part of the suite's hash: changed whenever the same answer could get another score."""
SHOWN: Final = 5


class DatasetSuite:
    """Cases by split, and the metric. Satisfies :class:`optimizer.suites.base.LaunchedSuite`.

    A rollout is told a question and the group whose cases it must not be shown: the question's own, so that neither it
    nor a near-copy of it stands among its examples.
    """

    effects: Mapping[str, Effects] = {}

    def __init__(self, divided: Divided, metric: Metric, *, deterministic: bool | None = None) -> None:
        self.divided: Final = divided
        self.metric: Final = metric
        self.deterministic: Final = deterministic
        self._cases: Final = {case.id: case for cases in divided.asked.values() for case in cases}
        self._tasks: Final = {
            split: tuple(Task(case.id, split, case.question) for case in cases)
            for split, cases in divided.asked.items()
        }
        self.judge: Final = Judge(self._cases) if metric.score is None else None
        self.hash: Final = _hash(divided, metric)

    @classmethod
    def load(cls, settings: DatasetSuiteSettings, folder: Path) -> DatasetSuite:
        """The suite of the experiment in ``folder``. Raises :class:`SettingsError` for data that cannot be read, a
        metric that is none, and a metric that the right answers do not fit."""
        data = read_data(folder / settings.data, question=settings.question, answer=settings.answer)
        holdout = None
        if settings.holdout is not None:
            path = folder / settings.holdout
            holdout = read_data(path, question=settings.question, answer=settings.answer, prefix="holdout").cases
        most = {Split.search: settings.search_cases, Split.certify: settings.certify_cases}
        divided = divide(data.cases, holdout, seed=settings.split_seed, most=most)
        truths = [case.answer for case in data.cases]
        metric = metric_named(settings.metric or usual_metric(truths, labels=divided.labels))
        suite = cls(divided, metric, deterministic=settings.deterministic)
        suite.check_truths()
        return suite

    @property
    def entry(self) -> str:
        return ENTRY

    @property
    def readable(self) -> Sequence[Path]:
        """The stored cases alone: no holdout."""
        return (self.memory,)

    @property
    def preload(self) -> Mapping[str, Mapping[str, Any] | None]:
        """The stored cases are read and indexed once for all rollouts."""
        return {ENTRY.partition(":")[0]: {"cases": str(self.memory)}}

    @cached_property
    def memory(self) -> Path:
        """A file of the stored cases, made when it is first asked for and removed with the suite."""
        folder = tempfile.mkdtemp(prefix="ratchet-cases-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / "cases.jsonl"
        write_cases(path, self.divided.stored)
        return path

    @property
    def remarks(self) -> Sequence[str]:
        """What a person should know of the data before anything is run."""
        return [remark for remark in (_unseen(self.divided), _copied(self.divided)) if remark]

    def problem(self, files: Mapping[str, bytes]) -> str | None:
        """What keeps these files from being a prompt."""
        try:
            prompt_from_files(files)
        except SearchSpaceError as error:
            return str(error)
        return None

    def tasks(self, split: Split) -> Sequence[Task]:
        """In the order of the file."""
        return self._tasks[split]

    def payload(self, task: Task) -> Mapping[str, Any]:
        case = self._cases[task.id]
        return {
            "task": task.id,
            "question": case.question,
            "cases": str(self.memory),
            "exclude_group": case.group,
        }

    def grade(self, task: Task, answer: str | None) -> float:
        """What the metric says; 0.0 without an answer. A judge is asked before (by
        :class:`optimizer.evaluation.judged.JudgedSandbox`); :class:`SettingsError` for what it was not asked about."""
        if answer is None:
            return 0.0
        if self.metric.score is not None:
            return self.metric.score(answer, self._cases[task.id].answer)
        verdict = self.judge.verdict(task.id, answer) if self.judge is not None else None
        if verdict is None:
            raise SettingsError(f"the answer to '{task.id}' was not judged: a judge grades rollouts as they end")
        return verdict

    def kind(self, task: Task) -> str:
        """The right answer, where answers are labels."""
        return self._cases[task.id].answer if self.divided.labels else ""

    def case(self, task: Task) -> Case:
        """The case that a task asks about."""
        return self._cases[task.id]

    def check_truths(self) -> None:
        """Grade every right answer by itself: a metric that cannot is told before anything is run."""
        for case in self._cases.values():
            if self.metric.score is not None and not self.metric.name.startswith("python:"):
                self.metric.score(case.answer, case.answer)


def _unseen(divided: Divided) -> str:
    if not divided.unseen:
        return ""
    names = ", ".join(repr(answer) for answer in list(divided.unseen)[:SHOWN])
    more = "" if len(divided.unseen) <= SHOWN else f" and {len(divided.unseen) - SHOWN} more"
    cases = sum(divided.unseen.values())
    if not divided.labels:
        return ""
    return (
        f"{cases} holdout case{'s have an answer' if cases > 1 else ' has an answer'} that no stored case has: {names}"
        f"{more}; no example can teach {'these' if len(divided.unseen) > 1 else 'it'}"
    )


def _copied(divided: Divided) -> str:
    if not divided.copied:
        return ""
    count, of = len(divided.copied), len(divided.asked[Split.holdout])
    return (
        f"{count} of {of} holdout cases {'is a near-copy' if count == 1 else 'are near-copies'} of cases in the data; "
        "the holdout score is also given without them"
    )


def _hash(divided: Divided, metric: Metric) -> str:
    digest = hashlib.sha256()
    asked = {split.value: [case.id for case in cases] for split, cases in divided.asked.items()}
    cases = [*divided.stored, *divided.asked[Split.holdout]]
    judge = SYSTEM if metric.score is None else ""
    parts: list[Any] = [[VERSION, ENTRY, metric.name, metric.source, judge, asked]]
    for part in [*parts, *([case.id, case.question, case.answer, case.group] for case in cases)]:
        digest.update(json.dumps(part, sort_keys=True).encode() + b"\n")
    return f"sha256:{digest.hexdigest()}"
