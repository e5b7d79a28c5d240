"""``ratchet init``: what it makes runs, and nothing that is there is changed."""

from __future__ import annotations

import os
import pty
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.optimizer.cli.projects import (
    Done,
    Project,
    command,
    environment,
    git,
    make_library,
    strict_json,
    write_tasks,
)

Here = Callable[..., Done]


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """A repository with a library and tasks about it, and nothing of Ratchet."""
    root = tmp_path / "fresh"
    write_tasks(tmp_path / "mine.jsonl", make_library(root / "library"))
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    git(root, "config", "user.name", "A Person")
    git(root, "config", "user.email", "person@example.org")
    project = Project(root)
    project.commit("a library")
    return project


def test_init_commit_run(fresh: Project, here: Here) -> None:
    made = here(fresh, "init", "--tasks", "../mine.jsonl", "--root", "library", "--rollouts", "60")
    assert made.code == 0
    assert "made harness/harness.toml" in made.out
    add = next(line.strip() for line in made.out.splitlines() if "git add" in line)
    assert add == "git add harness experiments/first && git commit -m 'A harness to optimize'"
    before = here(fresh, "run", "experiments/first", "--dry-run")
    assert before.code == 2 and "git" in before.err, "not committed yet"
    fresh.git("add", "harness", "experiments/first")
    fresh.git("commit", "-q", "-m", "A harness to optimize")
    assert here(fresh, "run", "--dry-run").code == 0, "the only experiment is found"
    done = fresh.ratchet("run", "experiments/first", "--json")
    assert done.code == 0, done.err
    assert done.lines[0]["ref"] == "refs/heads/ratchet/first"
    assert fresh.git("status", "--porcelain") == ""
    assert "ratchet/first" in fresh.git("branch", "--list")
    assert done.lines[-1]["holdout"]["baseline"]["mean"] > 0, "the harness it makes answers questions"


def test_questions_from_a_library(fresh: Project, here: Here) -> None:
    """Without tasks of one's own they are generated; the standard library is the default."""
    made = here(fresh, "init", "--json", "--name", "std")
    assert strict_json(made.out)["experiment"] == "experiments/std"
    text = (fresh.root / "experiments/std/experiment.toml").read_text()
    assert "environment_args = {}" in text and "generator_args = { seed = 1 }" in text
    made = here(fresh, "init", "--root", "library", "--name", "own", "--harness", "harness")
    assert made.code == 0, "an existing harness is taken as it is"
    assert 'root = "../../library"' in (fresh.root / "experiments/own/experiment.toml").read_text()
    fresh.commit()
    small = here(fresh, "run", "experiments/own", "--dry-run")
    assert small.code == 2 and "name a larger source tree" in small.err


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--name", "a b"), ("name: got 'a b'", "letters")),
        (("--harness", "../outside"), ("harness: got ../outside", "inside")),
        (("--harness", "library"), ("library is there but is no harness",)),
        (("--tasks", "no.jsonl"), ("no.jsonl", "expected a JSONL file")),
        (("--root", "nowhere"), ("--root: got 'nowhere'", "stdlib")),
        (("--rollouts", "0"), ("--rollouts",)),
        (("nowhere",), ("no such folder",)),
        (("..",), ("not in a git repository", "init, then this command again")),
    ],
)
def test_a_mistake(fresh: Project, here: Here, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    done = here(fresh, "init", *words)
    assert done.code == 2
    for part in parts:
        assert part in done.err, done.err
    assert fresh.git("status", "--porcelain") == "", "nothing was made"


def test_nothing_that_is_there_is_changed(fresh: Project, here: Here) -> None:
    assert here(fresh, "init").code == 0
    prompt = fresh.root / "harness" / "prompts" / "system.md"
    prompt.write_text("My own.\n")
    again = here(fresh, "init")
    assert again.code == 2 and "is there already" in again.err
    assert here(fresh, "init", "--name", "second").code == 0
    assert prompt.read_text() == "My own.\n"


def test_in_another_folder(fresh: Project, here: Here, tmp_path: Path) -> None:
    elsewhere = Project(tmp_path)
    done = here(elsewhere, "init", "fresh")
    assert done.code == 0
    assert f"cd {fresh.root}" in done.out, "the commands that follow work from there"


def test_it_asks_on_a_terminal(fresh: Project) -> None:
    pid, handle = pty.fork()
    if pid == 0:
        os.chdir(fresh.root)
        line = command("init", "--tasks", "../mine.jsonl")
        os.execvpe(line[0], line, environment({"TERM": "dumb"}))
    seen = ""
    for answer, question in (("asked", "Name of the experiment"), ("", "Harness folder"), ("77", "Budget of rollouts")):
        while question not in seen:
            seen += os.read(handle, 4096).decode()
        os.write(handle, f"{answer}\n".encode())
    try:
        while data := os.read(handle, 4096):
            seen += data.decode()
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, seen
    os.close(handle)
    text = (fresh.root / "experiments" / "asked" / "experiment.toml").read_text()
    assert "rollouts = 77" in text
    assert (fresh.root / "harness" / "harness.toml").exists()


def test_a_shipped_baseline_gets_a_repository_of_its_own(fresh: Project, here: Here, tmp_path: Path) -> None:
    here(fresh, "init", "--tasks", "../mine.jsonl", "--root", "library", "--rollouts", "60")
    fresh.change("experiments/first/experiment.toml", '"../../harness"', '"baseline:minimal"')
    done = fresh.ratchet("run", "experiments/first", "--runs", "../elsewhere")
    assert done.code == 0, done.err
    own = tmp_path / "elsewhere" / "first"
    assert git(own, "status", "--porcelain") == ""
    assert git(own, "log", "--format=%s", "main").strip() == "Baseline harness"
    assert "--in ../elsewhere/first  #" in done.out, "the commands that are offered find it"
    assert not (fresh.root / ".ratchet").exists() and not (fresh.root / "runs").exists()
    assert here(fresh, "log", "--in", str(own)).code == 0
    occupied = tmp_path / "elsewhere" / "second"
    occupied.mkdir()
    (occupied / "thing").write_text("mine")
    refused = fresh.ratchet("run", "experiments/first", "--runs", "../elsewhere", "--name", "second")
    assert refused.code == 2 and "is there, but holds no campaign" in refused.err
    assert [path.name for path in occupied.iterdir()] == ["thing"]
