"""``ratchet init --from DIR``: an experiment over files that somebody has; it runs, and changes nothing of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.optimizer.cli.projects import Done, Project, git

Here = Callable[..., Done]
TRAIN = """\
import os
import random

DEPTH = 4
RATE = 0.1
random.seed(int(os.environ["RATCHET_SEED"]))
print(f"loss: {abs(DEPTH - 8) * 0.1 + RATE + random.gauss(1, 0.01)}")
"""
FILES = {
    "CLAUDE.md": "# Rules\n\n- Answer with one word.\n- Never explain.\n- Think first.\n",
    "train.py": TRAIN,
    ".env": "KEY=1\n",
    "agent/mini.yaml": "agent:\n  system_template: Hello.\n  instance_template: |\n    - Do it.\n    - Test it.\n"
    "  step_limit: 9\n",
}
COMMAND = ("--command", "python train.py", "--metric", "loss", "--direction", "minimize", "--seconds", "1")
RANGE = ("--worst", "2.0", "--best", "0.8")


@pytest.fixture
def mine(tmp_path: Path) -> Project:
    root = tmp_path / "mine"
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    git(root, "config", "user.name", "A Person")
    git(root, "config", "user.email", "person@example.org")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    project = Project(root)
    project.commit("files of mine")
    return project


def test_a_command_over_all_of_a_repository_runs(mine: Project, here: Here) -> None:
    made = here(mine, "init", "--from", ".", "--name", "loss", *COMMAND, *RANGE, "--rollouts", "110")
    assert made.code == 0, made.err
    assert "  train.py: DEPTH, 2 to 8 (now 4)" in made.out
    assert "CLAUDE.md: nothing here says that it is read when a variant is measured" in made.out
    add = next(line.strip() for line in made.out.splitlines() if "git add" in line)
    assert add == "git add experiments/loss train.py && git commit -m 'Files to optimize'"
    assert {name: (mine.root / name).read_text(encoding="utf-8") for name in FILES} == FILES
    mine.commit("an experiment")
    done = mine.ratchet("run", "experiments/loss", "--json")
    assert done.code == 0, done.err
    again = here(mine, "run", "experiments/loss", "--dry-run")
    assert again.code == 0, "the campaign's own folder is no change of the harness: " + again.err


def test_instructions_without_a_command_are_asked_questions(mine: Project, here: Here) -> None:
    made = here(mine, "init", "--from", ".", "--name", "chat", "--json")
    assert made.code == 0, made.err
    said = json.loads(made.out)
    assert said["experiment"] == "experiments/chat"
    assert [name for name in said["opened"] if name.startswith("claude.")] == [
        "claude.rules.answer-with-one-word",
        "claude.rules.think-first",
    ]
    assert "prompt.toml" in said["files"]
    assert said["closed"] == [
        "CLAUDE.md: stays as it is, for it forbids or protects: Never explain.",
        *said["closed"][1:],
    ]
    readme = (mine.root / "experiments/chat/README.md").read_text(encoding="utf-8")
    assert "**`cases.jsonl` is a starter and says nothing about your files.**" in readme
    mine.commit("an experiment")
    shown = here(mine, "run", "experiments/chat", "--dry-run")
    assert shown.code == 0, shown.err
    assert "Opens 3 dimensions" in shown.out


def test_a_folder_below_and_a_template_in_yaml(mine: Project, here: Here) -> None:
    command = ("--command", "python run.py mini.yaml", "--metric", "solved", "--direction", "maximize")
    made = here(mine, "init", "--from", "agent", "--name", "mini", *command, "--json")
    assert made.code == 0, made.err
    assert list(json.loads(made.out)["opened"]) == [
        "mini.system-template.top.hello",
        "mini.instance-template.top.do-it",
        "mini.instance-template.top.test-it",
        "mini.step_limit",
    ]
    text = (mine.root / "experiments/mini/experiment.toml").read_text(encoding="utf-8")
    assert 'harness = "../../agent"' in text and "worst = 0.0" in text and "best = 1.0" in text


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--from", "nowhere"), "expected a folder"),
        (("--from", ".", "--command", "x"), "got no --metric, expected --metric NAME and --direction"),
        (("--from", ".", "--command", "x", "--metric", "m", "--direction", "up"), "--direction up"),
        (
            ("--from", ".", *COMMAND),
            "got None and None for a metric to minimize, expected the values that score 0 and 1",
        ),
        (("--from", ".", *COMMAND, "--worst", "1", "--best", "2"), "--worst, --best: got 1.0 and 2.0"),
        (("--from", "agent"), "found no instructions"),
        (COMMAND, "got them without --from"),
        (("--from", ".", "--metric", "m"), "got them without --command"),
        (("--from", ".", "--name", "a/b"), "name: got 'a/b'"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_written(
    mine: Project, here: Here, arguments: tuple[str, ...], why: str
) -> None:
    done = here(mine, "init", *arguments)
    assert done.code == 2
    assert why in done.err and "Traceback" not in done.err
    assert not (mine.root / "experiments").exists()


def test_a_link_is_named_before_anything_is_made(mine: Project, here: Here) -> None:
    (mine.root / "AGENTS.md").symlink_to("CLAUDE.md")
    done = here(mine, "init", "--from", ".")
    assert done.code == 2 and "got symbolic links (AGENTS.md), expected plain files" in done.err


def test_a_folder_outside_of_git_is_refused(tmp_path: Path, mine: Project, here: Here) -> None:
    (tmp_path / "loose").mkdir()
    done = here(mine, "init", "--from", str(tmp_path / "loose"))
    assert done.code == 2 and "is not in a git repository" in done.err


def test_what_is_there_is_not_written_over(mine: Project, here: Here) -> None:
    assert here(mine, "init", "--from", ".", "--name", "chat").code == 0
    before = (mine.root / "prompt.toml").read_bytes()
    again = here(mine, "init", "--from", ".", "--name", "chat")
    assert again.code == 2 and "is there already" in again.err
    assert here(mine, "init", "--from", ".", "--name", "other").code == 0
    assert (mine.root / "prompt.toml").read_bytes() == before
