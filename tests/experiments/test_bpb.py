"""The language model of bytes: its space fits, every alternative trains, and nobody but the evaluator says how well."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import optimizer
from optimizer.settings import CommandSuiteSettings, load_experiment
from optimizer.suites.command.reading import mentions, read_metric
from optimizer.suites.command.suite import CommandSuite
from search_space.harness import read_folder
from search_space.space import Choice, load_space

FOLDER = Path(optimizer.__file__).parents[1] / "experiments" / "bpb"
SPACE = load_space(FOLDER / "space.toml")
PARTS = ("activation", "normalisation", "schedule", "optimizer", "output")
SMALL = {"CONTEXT": 4, "EMBEDDING": 4, "WIDTH": 32, "DEPTH": 2}


def test_the_baseline_lies_in_the_space() -> None:
    files = read_folder(FOLDER / "lab")
    values = SPACE.read(files)
    assert len(values) == 18
    for name, value in values.items():
        assert SPACE.domain(name).contains(value), (name, value)


def test_what_is_pinned_is_there_and_closed() -> None:
    settings, _ = load_experiment(FOLDER)
    assert isinstance(settings.suite, CommandSuiteSettings)
    files = read_folder(FOLDER / "lab")
    suite = CommandSuite(settings.suite).founded(files)
    assert set(suite.pinned_files) == {"evaluate.py", "prepare.py"}
    edited = SPACE.edit(files, {"width": 96, "optimizer": "adam"}).apply(files)
    assert suite.problem(edited) is None


def test_every_alternative_has_the_gradients_that_it_says(tmp_path: Path) -> None:
    """The gradients of each one against differences of the loss, on a small model in double precision."""
    files = read_folder(FOLDER / "lab")
    names = []
    for part in PARTS:
        domain = SPACE.domain(part)
        assert isinstance(domain, Choice)
        for text in domain.values:
            changed = SPACE.read(files)[part] != text
            write(tmp_path, dict(SPACE.edit(files, {part: text}).apply(files)) if changed else files)
            names.append(f"train_{part}_{text}")
            (tmp_path / "train.py").rename(tmp_path / f"{names[-1]}.py")
    (tmp_path / "check.py").write_text(CHECK)
    done = run(tmp_path, "check.py", *names)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == names


def test_a_run_by_hand_and_its_metric(tmp_path: Path) -> None:
    write(tmp_path, read_folder(FOLDER / "lab"))
    trained = run(tmp_path, "train.py", seconds="0.2")
    assert trained.returncode == 0, trained.stderr
    assert not mentions(trained.stdout, "val_bpb")
    assert 2.0 < read_metric(run(tmp_path, "evaluate.py", ".").stdout, "val_bpb") < 8.0


def test_a_model_that_praises_itself_says_it_to_nobody(tmp_path: Path) -> None:
    files = dict(read_folder(FOLDER / "lab"))
    files["train.py"] = b"import sys\nsys.stdin.buffer.read()\nprint('val_bpb: 0.1')\n"
    write(tmp_path, files)
    done = run(tmp_path, "evaluate.py", ".")
    assert done.returncode != 0
    assert "expected 256 float32 for each position" in done.stderr
    assert not mentions(done.stdout + done.stderr, "val_bpb")


CHECK = """
import importlib
import sys

import numpy as np


def check(train):
    rng = np.random.default_rng(0)
    first = train.first_weights(rng)
    weights = {name: w.astype(np.float64) + 0.1 * rng.standard_normal(w.shape) for name, w in first.items()}
    past = rng.integers(0, 256, size=(16, train.CONTEXT)).astype(np.uint8)
    truth = rng.integers(0, 256, size=16).astype(np.uint8)
    _, gradients = train.loss_gradients(weights, past, truth)
    assert set(gradients) == set(weights), (set(gradients), set(weights))
    for name, gradient in gradients.items():
        way = rng.standard_normal(gradient.shape)
        step = 1e-5
        ends = []
        for sign in (1, -1):
            moved = {**weights, name: weights[name] + sign * step * way}
            ends.append(train.loss_gradients(moved, past, truth)[0] * np.log(2.0))
        told, seen = float((gradient * way).sum()), (ends[0] - ends[1]) / (2 * step)
        assert abs(told - seen) < 2e-3 * max(1.0, abs(seen)), (name, told, seen)
    before = {name: w.copy() for name, w in weights.items()}
    train.step(weights, gradients, {}, 0.1 * train.rate(0.5), 1)
    assert any(not np.array_equal(before[name], weights[name]) for name in weights)
    assert all(np.isfinite(w).all() for w in weights.values())


for name in sys.argv[1:]:
    try:
        check(importlib.import_module(name))
    except AssertionError as error:
        raise SystemExit(f"{name}: {error}")
    print(name)
"""


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """The files of a harness, with a small model."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    text = (folder / "train.py").read_text()
    for name, value in SMALL.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    (folder / "train.py").write_text(text)


def run(folder: Path, *line: str, seconds: str = "0.1") -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "RATCHET_SECONDS": seconds, "RATCHET_SEED": "3", "OPENBLAS_NUM_THREADS": "1"}
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    return subprocess.run(
        [sys.executable, *line], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
