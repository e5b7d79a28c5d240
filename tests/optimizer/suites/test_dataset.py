"""The dataset suite: what a rollout is told, what stays with the grader, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import SettingsError
from optimizer.records import Split
from optimizer.settings import DatasetSuiteSettings
from optimizer.suites.base import Suite
from optimizer.suites.dataset import DatasetSuite
from search_space.prompting.cases import read_cases

WORDS = [
    "river",
    "stone",
    "copper",
    "lantern",
    "meadow",
    "harbor",
    "violin",
    "winter",
    "ladder",
    "canyon",
    "saddle",
    "pepper",
]


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "text": f"{WORDS[n % 12]} {WORDS[(n * 5 + n // 12) % 12]} and the {WORDS[(n * 7 + 3) % 12]} number {n}",
            "label": "ab"[n % 2],
        }
        for n in range(start, start + count)
    ]


def loaded(
    folder: Path, *, holdout: list[dict[str, Any]] | None = None, data: list[dict[str, Any]] | None = None, **more: Any
) -> DatasetSuite:
    for name, kept in (("data", rows(40) if data is None else data), ("holdout", holdout)):
        if kept is not None:
            (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in kept))
    named = {} if holdout is None else {"holdout": "holdout.jsonl"}
    return DatasetSuite.load(DatasetSuiteSettings(data="data.jsonl", **named, **more), folder)


def test_a_rollout_gets_the_question_and_no_truth(tmp_path: Path) -> None:
    suite: Suite = loaded(tmp_path)
    task = suite.tasks(Split.search)[0]
    payload = suite.payload(task)
    assert set(payload) == {"task", "question", "cases", "exclude_group"}
    assert payload["question"] == task.prompt
    assert suite.grade(task, "A" if task.prompt.endswith(("0", "2", "4", "6", "8")) else "B") == 1.0
    assert suite.grade(task, "neither") == suite.grade(task, None) == 0.0


def test_the_memory_holds_every_case_but_the_holdout_with_its_group(tmp_path: Path) -> None:
    suite = loaded(tmp_path)
    stored = {case.question: case.group for case in read_cases(suite.memory)}
    held = {task.prompt for task in suite.tasks(Split.holdout)}
    assert held and not held & set(stored) and len(held) + len(stored) == 40
    assert all(stored[task.prompt] == suite.payload(task)["exclude_group"] for task in suite.tasks(Split.search))
    assert list(suite.readable) == [suite.memory]


def test_the_memory_is_gone_with_the_suite(tmp_path: Path) -> None:
    suite = loaded(tmp_path)
    path = suite.memory
    assert path.exists()
    del suite
    assert not path.exists()


def test_what_decides_a_score_is_in_the_hash(tmp_path: Path) -> None:
    plain = loaded(tmp_path).hash
    assert loaded(tmp_path).hash == plain
    others = [
        loaded(tmp_path, metric="exact").hash,
        loaded(tmp_path, split_seed=1).hash,
        loaded(tmp_path, search_cases=5).hash,
        loaded(tmp_path, data=rows(41)).hash,
        loaded(tmp_path, holdout=rows(9, 50)).hash,
    ]
    assert len({plain, *others}) == 6


def test_labels_only_in_the_holdout_and_near_copies_are_told(tmp_path: Path) -> None:
    holdout = [
        *rows(8, 50),
        {"text": rows(1)[0]["text"] + "!", "label": "a"},
        {"text": "nothing like it", "label": "zz"},
    ]
    unseen, copied = loaded(tmp_path, holdout=holdout).remarks
    assert "1 holdout case has an answer that no stored case has: 'zz'" in unseen
    assert "1 of 10 holdout cases is a near-copy of cases in the data" in copied
    assert loaded(tmp_path, holdout=rows(8, 50)).remarks == []


def test_answers_that_the_metric_cannot_grade_are_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"got the right answer '[ab]', expected a number"):
        loaded(tmp_path, metric="numeric")


def test_files_that_are_no_prompt_are_a_problem(tmp_path: Path) -> None:
    suite = loaded(tmp_path)
    assert "prompt.toml" in (suite.problem({"PROMPT.md": b"Answer."}) or "")
    assert suite.problem({"PROMPT.md": b"Answer.", "prompt.toml": b""}) is None
