"""What a person gets wrong is said in a sentence, with what was got, what was expected and what to do; exit code 2."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.optimizer.cli.projects import Done, Project

Here = Callable[..., Done]
EXPERIMENT = "experiments/quick/experiment.toml"
SPACE = "experiments/quick/space.toml"
HARNESS = "harness/harness.toml"


def refused(done: Done, *parts: str) -> None:
    """Exit code 2, and an error that holds every part."""
    assert done.code == 2, done.out + done.err
    assert done.err.startswith(("error: ", "Usage"))
    for part in parts:
        assert part in done.err, f"{part!r} not in: {done.err}"


@pytest.mark.parametrize(
    ("file", "before", "after", "parts"),
    [
        (EXPERIMENT, "rollouts = 90", "rollots = 90", ("budget.rollots", "unknown key", "did you mean 'rollouts'?")),
        (EXPERIMENT, "rollouts = 90", 'rollouts = "90"', ("budget.rollouts: got '90'", "expected a valid integer")),
        (EXPERIMENT, "rollouts = 90", "rollouts = 0", ("budget.rollouts: got 0", "greater than 0")),
        (EXPERIMENT, "rollouts = 90", "minutes = inf", ("budget.minutes", "finite")),
        (EXPERIMENT, "rollouts = 90", 'until = "7 am"', ("budget.until: got '7 am'", "such as 07:00")),
        (EXPERIMENT, "rollouts = 90", "", ("budget: got no limit", "--rollouts")),
        (
            EXPERIMENT,
            "[budget]",
            '[objective]\ntie_breaks = "lines"\n[budget]',
            ("tie_breaks: got 'lines'", "a valid list"),
        ),
        (EXPERIMENT, "random = 1.0", "random = true", ("proposers.random: got true", "expected a valid number")),
        (EXPERIMENT, 'random = 1.0\nhuman = "proposals"', "tpe = 0", ("proposers", "at least one proposer")),
        (EXPERIMENT, "holdout_repeats = 1", 'preset = "fasst"', ("gate.preset", "did you mean 'fast'?")),
        (EXPERIMENT, "[sandbox]", "[sandbx]", ("sandbx", "did you mean 'sandbox'?")),
        (EXPERIMENT, 'name = "quick"', 'name = "a..b"', ("name: got 'a..b'", "without '..'")),
        (EXPERIMENT, 'name = "quick"', "", ("name: got nothing", "required")),
        (EXPERIMENT, 'name = "quick"', 'name = "quick', ("invalid TOML",)),
        (EXPERIMENT, '"../../harness"', '"../../harnes"', ("harness: got '../../harnes'", "no such folder", "init")),
        (EXPERIMENT, '"../../harness"', '"baseline:minimum"', ("baseline: got 'minimum'", "minimal")),
        (EXPERIMENT, '"tasks.jsonl"', '"task.jsonl"', ("task.jsonl: no such file",)),
        (EXPERIMENT, 'tasks = "tasks.jsonl"', "", ("suite", "either 'tasks'")),
        (EXPERIMENT, "navigator.environment:", "navigator.environs:", ("suite.environment: cannot import",)),
        (EXPERIMENT, "[suite]", 'program = "no.md"\n[suite]', ("program: got 'no.md'", "no such file")),
        (EXPERIMENT, "[suite]", 'space = "no.toml"\n[suite]', ("no.toml", "expected a space file")),
        (SPACE, "limits.max_steps", "limits.max_stepz", ("limits.max_stepz", "did you mean 'limits.max_steps'?")),
        (SPACE, "values = [1, 2, 9]", 'values = [1, "two"]', ("space.toml: limits.max_steps: got 'two'", "integer")),
        (SPACE, "values = [500, 6000]", "values = [5, 6000]", ("space.toml: limits.max_result_chars: got 5", "100")),
        (SPACE, 'kind = "text"', 'kind = "txt"', ("txt", "did you mean 'text'?")),
    ],
)
def test_a_mistake_in_a_file(
    project: Project, here: Here, file: str, before: str, after: str, parts: tuple[str, ...]
) -> None:
    project.change(file, before, after)
    refused(here(project, "run", "experiments/quick"), *parts)
    assert not (project.root / ".ratchet").exists(), "nothing was begun"
    assert "ratchet" not in project.git("branch", "-a")


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ("max_steps", "max_stepz", ("harness.toml: limits.max_stepz", "did you mean 'max_steps'?")),
        ("max_steps = 1", 'max_steps = "1"', ("harness.toml: limits.max_steps: got '1'",)),
        ('name = "ours"', "", ("harness.toml: name", "required")),
    ],
)
def test_a_mistake_in_the_harness(
    project: Project, here: Here, before: str, after: str, parts: tuple[str, ...]
) -> None:
    project.change(HARNESS, before, after)
    project.commit()
    refused(here(project, "run", "experiments/quick"), *parts)
    assert not (project.root / ".ratchet" / "quick").exists()


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ({"answr": "x"}, ("tasks.jsonl:15", "unknown key 'answr'", "Did you mean 'answer'?")),
        ({"split": "train"}, ("tasks.jsonl:15", "split: got 'train'", "search, certify or holdout")),
        ({"prompt": 3}, ("tasks.jsonl:15", "prompt: got 3")),
        ({"id": "t00"}, ("'t00' stands twice",)),
        (None, ("tasks.jsonl:15", "no JSON")),
    ],
)
def test_a_mistake_in_the_tasks(
    project: Project, here: Here, row: dict[str, object] | None, parts: tuple[str, ...]
) -> None:
    whole = {"id": "t99", "split": "search", "prompt": "What?", "answer": "that"}
    with (project.experiment / "tasks.jsonl").open("a") as tasks:
        tasks.write("{\n" if row is None else json.dumps({**whole, **row}) + "\n")
    refused(here(project, "run", "experiments/quick"), *parts)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--rollouts", "0"), ("--rollouts: got 0", "more than 0")),
        (("--rollouts", "35"), ("budget: got 35 rollouts, expected at least 36", "8 for the holdout")),
        (("--rollouts", "many"), ("valid integer",)),
        (("--tokens", "-5"), ("--tokens: got -5",)),
        (("--usd", "0"), ("--usd: got 0",)),
        (("--minutes", "0"), ("--minutes: got 0",)),
        (("--minutes", "nan"), ("--minutes: got nan",)),
        (("--minutes", "inf"), ("--minutes: got inf",)),
        (("--until", "24:00"), ("--until: got '24:00'", "such as 07:00")),
        (("--name", "a b"), ("--name: got 'a b'", "letters")),
        (("--workers", "0"), ("--workers",)),
        (("--seed", "-1"), ("--seed",)),
        (("--rollout", "5"), ("--rollout",)),
    ],
)
def test_a_mistake_in_an_option(project: Project, here: Here, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    refused(here(project, "run", "experiments/quick", "--dry-run", *words), *parts)
    refused(here(project, "run", "experiments/quick", *words), *parts)
    assert not (project.root / ".ratchet" / "quick").exists()


def test_an_experiment_that_is_not_there(project: Project, here: Here) -> None:
    refused(here(project, "run", "navigatr"), "got 'navigatr'", "navigator")
    refused(here(project, "run", "library/pack0"), "no such file", "ratchet init")
    shutil.copytree(project.experiment, project.root / "experiments" / "second")
    refused(here(project, "run"), "several experiments", "experiments/quick", "experiments/second")


def test_a_harness_that_is_not_in_git(project: Project, here: Here) -> None:
    shutil.rmtree(project.root / ".git")
    refused(here(project, "run", "experiments/quick"), "not in a git repository", "git init")


def test_a_harness_that_was_never_committed(project: Project, here: Here) -> None:
    project.git("rm", "-r", "-q", "--cached", "harness")
    project.git("commit", "-q", "-m", "without")
    refused(here(project, "run", "experiments/quick"), "harness", "commit")


def test_a_repository_without_a_commit(project: Project, here: Here) -> None:
    shutil.rmtree(project.root / ".git")
    project.git("init", "-q")
    refused(here(project, "run", "experiments/quick"), "there is no commit yet", "git -C")


@pytest.mark.parametrize("how", ["changed", "staged", "added", "deleted"])
def test_a_harness_that_is_dirty(project: Project, here: Here, how: str) -> None:
    prompt = project.root / "harness" / "prompts" / "system.md"
    if how == "added":
        prompt.with_name("more.md").write_text("More.\n")
    elif how == "deleted":
        prompt.unlink()
    else:
        prompt.write_text("Changed.\n")
        if how == "staged":
            project.git("add", "harness")
    refused(here(project, "run", "experiments/quick"), "not as it is in the last commit", "prompts/", "git add")


def test_a_harness_folder_that_is_gone(project: Project, here: Here) -> None:
    shutil.rmtree(project.root / "harness")
    refused(here(project, "run", "experiments/quick"), "no such folder", "checkout HEAD -- 'harness'")


def test_what_else_is_dirty_is_nobodys_business(project: Project, here: Here) -> None:
    (project.root / "notes.txt").write_text("changed\n")
    (project.root / "new.txt").write_text("untracked\n")
    assert here(project, "run", "experiments/quick", "--dry-run").code == 0


def test_commands_without_a_campaign(project: Project, here: Here) -> None:
    for words in (("status",), ("log",), ("show", "1"), ("verify", "1"), ("stop",)):
        refused(here(project, *words), "no campaign", "ratchet run")


def test_commands_with_the_wrong_campaign(finished: object, here: Here) -> None:
    project: Project = finished.project  # type: ignore[attr-defined]
    refused(here(project, "status", "-c", "quickk"), "no campaign 'quickk'", "quick")
    refused(here(project, "show", "99"), "experiment 99", "1 to ")
    refused(here(project, "show", "one"), "valid integer")
    refused(here(project, "run", "experiments/quick", "--seed", "5"), "--seed: got 5", "seed 0", "--name")


def without(project: Project, split: str) -> None:
    tasks = project.experiment / "tasks.jsonl"
    lines = [line for line in tasks.read_text().splitlines(keepends=True) if f'"{split}"' not in line]
    tasks.write_text("".join(lines))


def test_a_suite_without_holdout_is_refused(project: Project, here: Here) -> None:
    without(project, "holdout")
    refused(here(project, "run", "experiments/quick"), "no holdout tasks", "--no-holdout")


def test_unless_it_is_said_and_then_the_report_says_so_on_top(project: Project, here: Here) -> None:
    without(project, "holdout")
    assert "No holdout" in here(project, "run", "experiments/quick", "--no-holdout", "--dry-run").out
    done = project.ratchet("run", "experiments/quick", "--no-holdout", "--rollouts", "40")
    assert done.code == 0, done.err
    ended = done.out.index("ended: ")
    assert done.out[ended:].splitlines()[1].startswith("No holdout: nothing below is a measurement")
    assert "No holdout: nothing below" in here(project, "status").out
    value = json.loads(here(project, "status", "--json").out)
    assert (value["has_holdout"], value["holdout"]) == (False, None)


def test_the_environment_cannot_be_loaded(project: Project) -> None:
    project.change(EXPERIMENT, "../../library", "../../librar")
    done = project.ratchet("run", "experiments/quick")
    refused(done, "could not load what rollouts need", "librar")
    assert not (project.root / ".ratchet" / "quick").exists(), "the same name is free once it is mended"
    project.change(EXPERIMENT, "../../librar", "../../library")
    assert project.ratchet("run", "experiments/quick", "--rollouts", "36").code == 0


def test_a_harness_that_never_runs(project: Project) -> None:
    with (project.root / HARNESS).open("a") as out:
        out.write('\n[tools.visibility]\nno_such_tool = "off"\n')
    project.commit()
    done = project.ratchet("run", "experiments/quick")
    refused(done, "the harness to be improved does not run", "no_such_tool", "--name")
    assert not Path(project.campaign / "stop").exists()
