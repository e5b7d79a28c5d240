"""``ratchet bench`` as it is typed: JSON, a table, a picture, and what is wrong in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FIGURES = {
    "true_gain",
    "claimed_minus_true",
    "keeps",
    "false_share",
    "harmful_share",
    "certified_share",
    "power",
    "rollouts_per_candidate",
    "own_ms_per_candidate",
    "working_gain",
    "gain_kept",
    "repeats",
    "wrong_share",
}


def bench(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "optimizer.cli.main", "bench", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_a_line_of_json_for_each_problem_and_optimizer(tmp_path: Path) -> None:
    options = (
        "--problem",
        "rich,null",
        "--optimizer",
        "random",
        "--seeds",
        "3",
        "--seed-base",
        "40",
        "--budget",
        "130",
    )
    one = bench(tmp_path, *options, "--json", "--workers", "1")
    assert one.returncode == 0, one.stderr
    lines = [json.loads(line) for line in one.stdout.splitlines()]
    assert [(line["problem"], line["optimizer"]) for line in lines] == [("rich", "random"), ("null", "random")]
    for line in lines:
        assert (line["seeds"], line["seed_base"], line["budget"]) == (3, 40, 130)
        assert line["settings"]
        assert set(line) >= FIGURES and all(set(line[name]) == {"mean", "low", "high"} for name in FIGURES)
        assert line["rollouts"]["mean"] <= 130
    assert lines[1]["true_gain"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    two = bench(tmp_path, *options, "--json", "--workers", "2")
    timeless = [{**json.loads(line), "own_ms_per_candidate": None} for line in two.stdout.splitlines()]
    assert timeless == [{**line, "own_ms_per_candidate": None} for line in lines], "workers make no difference"


def test_a_table_and_a_picture(tmp_path: Path) -> None:
    options = ("--optimizer", "random", "--seeds", "2", "--budget", "130", "--workers", "1", "--plot", "bench.svg")
    done = bench(tmp_path, *options)
    assert done.returncode == 0, done.stderr
    assert "rich: 130 rollouts a campaign, seeds 1000 to 1001" in done.stdout
    assert "own ms" in done.stdout and "random: " in done.stdout
    assert (tmp_path / "bench.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--optimizer", "nobody"), "--optimizer: got nobody, expected all, or some of: "),
        (("--plot", "picture.gif"), "expected a name that ends in .png, .svg, .pdf"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    done = bench(tmp_path, *options)
    assert done.returncode == 2
    assert told in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
