"""A campaign on a command, from the outside: what it finds, and that reports speak the metric's own unit."""

from __future__ import annotations

import subprocess

import pytest

from tests.optimizer.cli.projects import Done, Project, strict_json

TRAIN = """\
import os
import random

RATE = 1.0  # to be lowered
KIND = "plain"
luck = random.Random(int(os.environ["RATCHET_SEED"])).gauss(0.0, 0.01)
loss = 2.0 + 0.3 * (RATE - 0.2) ** 2 + (0.0 if KIND == "better" else 0.5) + luck
open("loss.txt", "w").write(str(loss))
"""
EVALUATE = "import sys\nprint('loss:', open(sys.argv[1]).read())\n"
EXPERIMENT = """\
name = "loss"
harness = "../lab"

[suite]
kind = "command"
command = "python train.py"
evaluator = "python evaluate.py {output}/loss.txt"
pinned = ["evaluate.py"]
metric = "loss"
direction = "minimize"
worst = 4.0
best = 1.0
seconds = 1
seeds = { search = 4, certify = 4, holdout = 4 }

[budget]
rollouts = 70

[gate]
first_look = 2
look_every = 2
min_rollouts = 4
noise = 0.01
prune_share = 0.0
holdout_repeats = 1

[proposers]
sweep = 1.0
"""
SPACE = """\
[[dimension]]
kind = "choice"
file = "train.py"
key = "KIND"
values = ["plain", "better"]

[[dimension]]
kind = "float"
file = "train.py"
key = "RATE"
low = 0.0
high = 4.0
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("command") / "project"
    for name, text in (
        ("lab/train.py", TRAIN),
        ("lab/evaluate.py", EVALUATE),
        ("exp/experiment.toml", EXPERIMENT),
        ("exp/space.toml", SPACE),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for line in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "lab"]):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *who, *line], cwd=root, check=True)
    return Project(root)


@pytest.fixture(scope="module")
def done(project: Project) -> Done:
    return project.ratchet("run", "exp", "--plain")


def test_what_helps_is_kept_certified_and_told_in_its_unit(project: Project, done: Done) -> None:
    assert done.code == 0, done.err
    assert "model none: no model is asked" in done.out
    value = strict_json(project.ratchet("status", "-c", "loss", "--json").out)
    told = value["metric"]
    assert (told["name"], told["worst"], told["best"]) == ("loss", 4.0, 1.0)
    assert told["holdout"]["difference"]["high"] < -0.4
    assert told["holdout"]["champion"]["mean"] == pytest.approx(2.05, abs=0.2)
    assert value["cost"]["calls"] == 0
    text = project.ratchet("status", "-c", "loss").out
    assert "gain, paired" in text
    assert " loss" in text


def test_log_and_show(project: Project, done: Done) -> None:
    rows = [strict_json(line) for line in project.ratchet("log", "-c", "loss", "--json").out.splitlines()]
    kept = next(row for row in rows if row["verdict"] == "keep")
    assert kept["metric"]["effect"] == pytest.approx(-3.0 * kept["effect"])
    assert f"({kept['metric']['raw_effect']:+.3f} loss)" in kept["sentence"]
    assert "variant against champion, loss" in project.ratchet("show", str(kept["number"]), "-c", "loss").out
    line = ["git", "log", "-1", "--format=%B", kept["commit"]]
    message = subprocess.run(line, cwd=project.root, capture_output=True, text=True, check=True).stdout
    assert "Ratchet-Metric: loss 2." in message


def test_results_in_autoresearch_s_columns(project: Project, done: Done) -> None:
    header, baseline, *lines = project.ratchet("log", "-c", "loss", "--tsv").out.splitlines()
    assert header.split("\t") == ["commit", "loss", "memory_gb", "status", "description"]
    assert baseline.split("\t")[2:] == ["0.0", "keep", "baseline"]
    assert float(baseline.split("\t")[1]) == pytest.approx(2.69, abs=0.05)
    kept = [line.split("\t") for line in lines if "\tkeep\t" in line]
    assert min(float(value) for _, value, *_ in kept) < 2.3


def test_dry_run_verify_and_calibrate_ask_no_model(project: Project, done: Done) -> None:
    planned = project.ratchet("run", "exp", "--dry-run", "--name", "other").out
    assert "none: no model is asked" in planned
    assert "loss, less is better: the score is 0 at 4 and 1 at 1" in planned
    kept = strict_json(project.ratchet("log", "-c", "loss", "--kept", "--json").out.splitlines()[0])["number"]
    verified = project.ratchet("verify", str(kept), "-c", "loss", "--repeats", "3")
    assert verified.code == 0, verified.err
    assert project.ratchet("calibrate", "exp", "--rollouts", "8").code == 0
