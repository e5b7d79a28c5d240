"""Variants that misbehave, through a whole campaign: each is recorded with its reason, and the campaign goes on.

The misbehaviour is a strategy of the harness's own (code that runs in the sandbox), proposed by a person as a diff.
Each does a bounded amount of harm at most, should nothing hold it.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.optimizer.cli.projects import Project, strategy_diff

STRATEGIES = {
    "a_fine": ("def compact(messages, limit_tokens, parameters):\n    return messages", "", ""),
    "b_raises": ("raise ValueError('no such luck')", "crash", "no such luck"),
    "c_exits": ("import os\nos._exit(7)", "crash", "exit code 7"),
    "d_prints": ("for _ in range(4000):\n    print('x' * 1000000, flush=True)", "crash", "it printed more than"),
    "e_forks": ("import os, time\nfor _ in range(7):\n    os.fork()\ntime.sleep(20)", "crash", "processes"),
    "f_never_returns": (
        "import time\nend = time.time() + 60\nwhile time.time() < end:\n    pass",
        "timeout",
        "still running",
    ),
    "g_ignores_sigterm": (
        "import signal, time\nfor number in (15, 2, 1):\n    signal.signal(number, signal.SIG_IGN)\ntime.sleep(60)",
        "timeout",
        "still running",
    ),
    "h_writes_outside": ("open('{outside}', 'w').write('was here')", "crash", "PermissionError"),
    "i_reads_truth": ("open('{truth}').read()", "crash", "PermissionError"),
    "j_lacks_compact": ("pass", "crash", "compact"),
    "k_no_python": ("def compact(:", "checks_failed", "strategies/x.py:1: invalid syntax"),
}
ORDER = sorted(STRATEGIES)
LABORIOUS = ("d_prints", "e_forks")


@pytest.fixture(scope="module")
def misbehaved(template: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[dict[str, Any]]]:
    """A campaign of nothing but such proposals, and its log."""
    root = tmp_path_factory.mktemp("misbehaved") / "project"
    shutil.copytree(template.root, root)
    project = Project(root)
    file = "experiments/quick/experiment.toml"
    project.change(file, "rollout_timeout_s = 10.0", "rollout_timeout_s = 1.5")
    project.change(file, "workers = 3", "workers = 5")
    project.change(file, "random = 1.0\n", "")
    project.change(file, "rollouts = 90", "rollouts = 400")
    proposals = project.experiment / "proposals"
    (proposals / "steps.toml").unlink()
    outside, truth = root.parent / "outside.txt", project.experiment / "tasks.jsonl"
    for name, (code, _, _) in STRATEGIES.items():
        text = code.replace("{outside}", str(outside)).replace("{truth}", str(truth))
        (proposals / f"{name}.diff").write_text(strategy_diff(text))
    began = time.monotonic()
    done = project.ratchet("run", "experiments/quick")
    assert done.code == 0, done.err
    assert time.monotonic() - began < 100
    assert "the proposers have nothing more to offer" in done.out
    return project, project.ratchet("log", "--json").lines


@pytest.mark.parametrize("name", ORDER)
def test_recorded_with_its_reason(misbehaved: tuple[Project, list[dict[str, Any]]], name: str) -> None:
    _, verdict, reason = STRATEGIES[name]
    row = misbehaved[1][ORDER.index(name)]
    assert row["hypothesis"] == "Perhaps this helps."
    if not verdict:
        assert row["verdict"] in ("keep", "discard"), row["reason"]
    else:
        if name in LABORIOUS and row["verdict"] == "timeout":
            return  # a machine that is busy elsewhere: the deadline came before the bound did
        assert row["verdict"] == verdict, row["reason"]
        assert reason in row["reason"]
        assert verdict == "checks_failed" or " rollouts: " in row["reason"]


def test_nothing_is_left_of_them(misbehaved: tuple[Project, list[dict[str, Any]]]) -> None:
    project, _ = misbehaved
    assert not (project.root.parent / "outside.txt").exists()
    assert project.git("status", "--porcelain", "--", "harness", "library") == ""
    assert project.ratchet("log", "--tsv").out.count("\tcrash\t") == len(STRATEGIES) - 1
    assert not processes_of(project)


def processes_of(project: Project) -> list[str]:
    """Processes that have something of the project open as their folder, or were started for it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if int(process.name) != os.getpid() and str(project.root) in line:
                found.append(line)
        except (OSError, ValueError):
            continue
    return found
