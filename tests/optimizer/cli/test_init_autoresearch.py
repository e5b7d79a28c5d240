"""``ratchet init --autoresearch``: a look-alike of its layout, which needs no GPU, is recognised and run as it is."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.settings import CommandSuiteSettings, load_experiment
from optimizer.suites.command.suite import CommandSuite
from search_space.harness import read_folder
from search_space.space import Choice, load_space
from tests.optimizer.cli.projects import Done, Project, strict_json

TRAIN = '''\
"""A look-alike: a loss that is computed, no model."""

import os
import random

from prepare import TIME_BUDGET, judged

# Hyperparameters
ASPECT_RATIO = 64       # model_dim = depth * ASPECT_RATIO
WINDOW_PATTERN = "SSSL"
TOTAL_BATCH_SIZE = 2**15
EMBEDDING_LR = 0.6
WEIGHT_DECAY = 0.2
ADAM_BETAS = (0.8, 0.95)
WARMUP_RATIO = 0.0
DEPTH = 4
FINAL_EVAL_BATCH_SIZE = 256

if __name__ == "__main__":
    luck = random.Random(int(os.environ.get("RATCHET_SEED", "42"))).gauss(0.0, 0.0005)
    print(f"step 1 | loss: {TIME_BUDGET}")
    print("---")
    print(f"val_bpb:          {judged(DEPTH, EMBEDDING_LR, WARMUP_RATIO) + luck:.6f}")
    print("peak_vram_mb:     0.0")
'''
PREPARE = """\
import math

TIME_BUDGET = 5  # seconds


def judged(depth, rate, warm_up):
    return 1.0 + 0.02 * (4 - depth) + 0.05 * math.log2(rate / 0.3) ** 2 - 0.1 * warm_up
"""
FILES = {"train.py": TRAIN, "prepare.py": PREPARE, "program.md": "# autoresearch\n\nLower val_bpb.\n"}
COLUMNS = "commit\tval_bpb\tmemory_gb\tstatus\tdescription"
Here = Callable[..., Done]


@pytest.fixture
def layout(tmp_path: Path) -> Project:
    """The layout, committed; results.tsv is left out of git, as its program says."""
    root = tmp_path / "autoresearch"
    root.mkdir()
    for name, text in FILES.items():
        (root / name).write_text(text)
    commit(root)
    (root / "results.tsv").write_text(f"{COLUMNS}\nabc\t1.050000\t0.0\tkeep\tbaseline\n")
    return Project(root)


def commit(root: Path) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    for line in (["init", "-q"], ["add", "train.py", "prepare.py", "program.md"], ["commit", "-qm", "layout"]):
        subprocess.run(["git", *who, *line], cwd=root, check=True)


def test_what_is_written_and_what_it_opens(layout: Project, here: Here) -> None:
    before = read_folder(layout.root)
    done = here(layout, "init", "--autoresearch", ".", "--name", "night")
    assert done.code == 0, done.err
    assert "printf '%s\\n' results.tsv >> .git/info/exclude" in done.out
    after = read_folder(layout.root)
    assert {name: after[name] for name in before} == before
    folder = layout.root / "experiments" / "night"
    settings, _ = load_experiment(folder)
    suite = settings.suite
    assert isinstance(suite, CommandSuiteSettings)
    assert (suite.metric, suite.direction, suite.pinned) == ("val_bpb", "minimize", ("prepare.py",))
    assert (suite.worst, suite.best) == (pytest.approx(1.26), pytest.approx(0.84))
    assert (suite.seconds, settings.sandbox.rollout_timeout_s, settings.sandbox.workers) == (5.0, 10.0, 1)
    space = load_space(folder / "space.toml")
    keys = [each["key"] for each in tomllib.loads((folder / "space.toml").read_text())["dimension"]]
    assert keys == [
        "ASPECT_RATIO",
        "WINDOW_PATTERN",
        "TOTAL_BATCH_SIZE",
        "EMBEDDING_LR",
        "WEIGHT_DECAY",
        "ADAM_BETAS.0",
        "ADAM_BETAS.1",
        "WARMUP_RATIO",
        "DEPTH",
    ]
    warm_up = space.domain(space.names[7])
    assert isinstance(warm_up, Choice)
    assert warm_up.values[0] == 0.0
    assert space.read(before)[space.names[2]] == 2**15
    assert "which `train.py` reads" in (folder / "README.md").read_text()


def test_it_runs_as_it_is_and_gets_better(layout: Project) -> None:
    made = layout.ratchet("init", "--autoresearch", ".", "--name", "night", "--json")
    assert made.code == 0, made.err
    assert strict_json(made.out)["experiment"] == "experiments/night"
    (layout.root / ".git" / "info" / "exclude").write_text("results.tsv\n")
    subprocess.run(["git", "add", "experiments"], cwd=layout.root, check=True)
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x"], cwd=layout.root, check=True
    )
    done = layout.ratchet("run", "experiments/night", "--minutes", "2", "--rollouts", "48", "--plain")
    assert done.code == 0, done.err
    told = strict_json(layout.ratchet("status", "-c", "night", "--json").out)["metric"]
    assert told["holdout"]["difference"]["high"] < 0
    assert layout.ratchet("log", "-c", "night", "--tsv").out.startswith(f"{COLUMNS}\n")


@pytest.mark.parametrize(
    ("missing", "told"),
    [("prepare.py", "prepare.py: got no such file, expected autoresearch's layout"), ("", "got no 'val_bpb' in it")],
)
def test_what_is_no_such_layout(layout: Project, here: Here, missing: str, told: str) -> None:
    if missing:
        (layout.root / missing).unlink()
    else:
        (layout.root / "train.py").write_text("DEPTH = 4\nprint('loss: 3')\n")
    done = here(layout, "init", "--autoresearch", ".")
    assert done.code == 2
    assert told in done.err
    assert not (layout.root / "experiments").exists()


def test_no_constants_and_a_name_that_is_taken(layout: Project, here: Here) -> None:
    assert here(layout, "init", "--autoresearch", ".").code == 0
    done = here(layout, "init", "--autoresearch", ".")
    assert (done.code, "is there already; nothing was changed" in done.err) == (2, True)
    (layout.root / "train.py").write_text("print('val_bpb: 3')\n")
    done = here(layout, "init", "--autoresearch", ".", "--name", "other")
    assert (done.code, "got no constant in capitals" in done.err) == (2, True)


def test_an_environment_of_its_own_is_used_as_uv_made_it(layout: Project, here: Here) -> None:
    (layout.root / "pyproject.toml").write_text("[project]\nname = 'x'\nversion = '0'\n")
    assert here(layout, "init", "--autoresearch", ".").code == 0
    settings, folder = load_experiment(layout.root / "experiments" / "autoresearch")
    assert isinstance(settings.suite, CommandSuiteSettings)
    assert f"{layout.root}/.venv/bin/python train.py" in settings.suite.command
    assert settings.suite.pinned == ("prepare.py", "pyproject.toml")
    from optimizer.errors import SettingsError

    with pytest.raises(SettingsError, match="make it first"):
        try:
            CommandSuite.load(settings.suite, folder)
        except SettingsError as error:
            assert ".venv" in error.message
            raise SettingsError(error.hint) from None
