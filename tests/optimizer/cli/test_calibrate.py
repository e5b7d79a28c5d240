"""``ratchet calibrate``, and what a suite is told that nothing can be learnt on."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.optimizer.cli.projects import Done, Project, strict_json

Here = Callable[..., Done]
EXPERIMENT = "experiments/quick/experiment.toml"


def test_it_says_what_can_be_seen_and_changes_nothing(project: Project) -> None:
    done = project.ratchet("calibrate", "experiments/quick", "--rollouts", "24")
    assert done.code == 0, done.err
    for part in ("The harness against itself", "6 of 6 search tasks", "grader", "The gate will use", "passes"):
        assert part in done.out, done.out
    assert not (project.root / ".ratchet").exists() and "ratchet" not in project.git("branch", "-a")
    assert project.git("status", "--porcelain") == ""


def test_as_json_it_is_what_a_campaign_records(project: Project) -> None:
    done = project.ratchet("calibrate", "experiments/quick", "--rollouts", "12", "--json")
    assert done.code == 0, done.err
    record = strict_json(done.out)
    assert record["found"]["rollouts"] == 12 and record["found"]["tasks"] == 6
    assert record["grader"] == {"regraded": record["grader"]["regraded"], "differing": 0, "tasks": []}
    assert record["found"]["equal"] and "every rollout scored 0.0" in record["remarks"][0], "it gives up too early"
    assert {"gate", "sizes", "prospects", "declared"} <= set(record)


def test_a_declared_suite_runs_no_task_twice(project: Project) -> None:
    project.change(EXPERIMENT, 'tasks = "tasks.jsonl"', 'tasks = "tasks.jsonl"\ndeterministic = true')
    plan = project.ratchet("run", "experiments/quick", "--dry-run", "--json")
    assert strict_json(plan.out)["holdout_rollouts"] == 8
    done = project.ratchet("run", "experiments/quick", "--rollouts", "400", "--json")
    assert done.code == 0, done.err
    record = next(line["record"] for line in done.lines if line["event"] == "Calibrated")
    assert record["found"]["repeats"] == 0 and record["gate"]["max_passes"] == 1
    assert record["gate"]["exam_repeats"] == [1, 1] and record["gate"]["holdout_repeats"] == 1
    assert done.lines[-1]["calibration"] == record
    remarks = [line["text"] for line in done.lines if line["event"] == "Remarked"]
    assert any("4 certify tasks" in text and "8 at the least" in text for text in remarks)
    status = project.ratchet("status")
    assert "Calibrated: baseline 0.0 on 6 search tasks; deterministic, as the suite says" in status.out


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ('metric = "latency"', ("objective", "expected 'direction' beside the metric 'latency'", "minimize when")),
        ('metric = "latency"\ndirection = "minimize"', ("objective", "got the metric 'latency', expected 'score'")),
        ('direction = "minimize"', ("objective", "expected 'maximize': more is better")),
        ('direction = "down"', ("objective.direction: got 'down'",)),
    ],
)
def test_a_metric_says_its_direction(project: Project, here: Here, table: str, parts: tuple[str, ...]) -> None:
    project.change(EXPERIMENT, "[budget]", f"[objective]\n{table}\n[budget]")
    done = here(project, "run", "experiments/quick")
    assert done.code == 2
    for part in parts:
        assert part in done.err, done.err


def kept(project: Project, splits: dict[str, int]) -> None:
    """So many tasks of each split."""
    file, left = project.experiment / "tasks.jsonl", dict(splits)
    rows = []
    for line in file.read_text().splitlines():
        row = json.loads(line)
        if left.get(row["split"], 0):
            left[row["split"]] -= 1
            rows.append(line)
    file.write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize(
    ("splits", "parts"),
    [
        ({"search": 1, "certify": 4, "holdout": 4}, ("got 1 search task, expected at least 2", "60 tasks or more")),
        ({"search": 6, "certify": 1, "holdout": 4}, ("got 1 certify task", "can certify nothing", "30 tasks or more")),
    ],
)
def test_a_suite_of_one_task_is_told_how_many_it_takes(
    project: Project, here: Here, splits: dict[str, int], parts: tuple[str, ...]
) -> None:
    kept(project, splits)
    for command in ("run", "calibrate"):
        done = here(project, command, "experiments/quick")
        assert done.code == 2
        for part in parts:
            assert part in done.err, done.err


@pytest.mark.parametrize("split", ["certify", "holdout"])
def test_a_task_of_the_search_is_no_fresh_one(project: Project, here: Here, split: str) -> None:
    file = project.experiment / "tasks.jsonl"
    first = json.loads(file.read_text().splitlines()[0])
    assert first["split"] == "search"
    with file.open("a") as tasks:
        tasks.write(json.dumps({**first, "id": "copy", "split": split, "prompt": f"  {first['prompt']} "}) + "\n")
    done = here(project, "run", "experiments/quick")
    assert done.code == 2
    assert f"tasks 't00' and 'copy' have the same prompt (in splits {split} and search)" in done.err
    assert "what the search has seen says nothing in an exam" in done.err
