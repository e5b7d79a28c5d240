"""A person's project to run campaigns in: a small library, tasks about it, a harness, an experiment; all in git."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.ledger.store import Ledger

TIMEOUT_S = 120
SPLITS = ("search",) * 6 + ("certify",) * 4 + ("holdout",) * 4
ROLLOUTS = 90
"""Enough for a keep, one or two discards, the last exam and the holdout."""

HARNESS = """\
# A harness that gives up too early: one step is not enough to answer anything.
name = "ours"

[limits]
max_steps = 1  # to be raised
"""
SPACE = """\
[[dimension]]
kind = "choice"
key = "limits.max_steps"
values = [1, 2, 9]

[[dimension]]
kind = "choice"
key = "limits.max_result_chars"
values = [500, 6000]

[[dimension]]
kind = "compaction"
strategies = ["none", "plugin"]
[dimension.parameters.plugin]
file = { values = ["strategies/x.py"] }

[[dimension]]
kind = "text"
name = "strategies"
file = "strategies/*.py"
"""
EXPERIMENT = """\
name = "quick"
description = "Where classes come from"
harness = "../../harness"

[suite]
environment = "experiments.navigator.environment:build"
environment_args = { root = "../../library" }
tasks = "tasks.jsonl"

[budget]
rollouts = 90

[proposers]
random = 1.0
human = "proposals"

[gate]
holdout_repeats = 1

[sandbox]
workers = 3
rollout_timeout_s = 10.0
"""
IDEA = 'hypothesis = "More steps, more answers"\n[changes]\n"limits.max_steps" = 9\n'


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The output as JSON lines."""
        return [strict_json(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Project:
    """A repository with ``harness/``, ``library/`` and ``experiments/quick``."""

    root: Path

    @property
    def experiment(self) -> Path:
        return self.root / "experiments" / "quick"

    @property
    def campaign(self) -> Path:
        return self.root / ".ratchet" / "quick"

    def ratchet(self, *words: str, env: dict[str, str] | None = None) -> Done:
        """Run a command in the project, to its end."""
        done = subprocess.run(
            command(*words), cwd=self.root, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment(env)
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Run a command in the project, in the background; its output comes by a pipe."""
        return subprocess.Popen(
            command(*words),
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            **more,
        )

    def rows(self) -> list[tuple[object, ...]]:
        """Number, edit, verdict, reason, variant and champion of each experiment."""
        with Ledger.open(self.campaign, read_only=True) as ledger:
            return [
                (
                    row.number,
                    row.proposal.what,
                    row.decision and (row.decision.verdict, row.decision.reason),
                    row.variant,
                    row.champion,
                )
                for row in ledger.experiments()
            ]

    def git(self, *words: str) -> str:
        return git(self.root, *words)

    def commit(self, message: str = "a change") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def change(self, file: str, before: str, after: str) -> None:
        """Replace a text that stands once in a file below ``root``."""
        path = self.root / file
        text = path.read_text()
        assert text.count(before) == 1, f"{before!r} in {file}"
        path.write_text(text.replace(before, after))


def strategy_diff(code: str) -> str:
    """A person's proposal: the harness gets ``code`` as its compaction strategy."""
    lines = code.split("\n")
    added = "".join(f"+{line}\n" for line in lines)
    return (
        "# Perhaps this helps.\n"
        "--- a/harness.toml\n+++ b/harness.toml\n@@ -3,3 +3,7 @@\n \n [limits]\n max_steps = 1  # to be raised\n"
        '+\n+[compaction]\n+strategy = "plugin"\n+file = "strategies/x.py"\n'
        f"--- /dev/null\n+++ b/strategies/x.py\n@@ -0,0 +1,{len(lines)} @@\n{added}"
    )


def strict_json(text: str) -> Any:
    """JSON as every program reads it: no NaN, no Infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "optimizer.cli.main", *words]


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    here = str(Path(__file__).parents[3])
    return {**os.environ, "PYTHONPATH": here, **(more or {})}


def git(folder: Path, *words: str) -> str:
    name = ("-c", "user.name=A Person", "-c", "user.email=person@example.org")
    done = subprocess.run(["git", *name, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def make_library(folder: Path) -> list[dict[str, str]]:
    """One small package a task, and the tasks."""
    tasks = []
    for number, split in enumerate(SPLITS):
        package = folder / f"pack{number}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / f"root{number}.py").write_text(
            f"class Root{number}:\n    def start(self):\n        return {number}\n"
        )
        leaf = f"from pack{number}.root{number} import Root{number}\n\n\nclass Leaf{number}(Root{number}):\n    pass\n"
        (package / f"leaf{number}.py").write_text(leaf)
        where = f"(defined in the module `pack{number}.leaf{number}`)"
        prompt = f"In which module is the base class of the class `Leaf{number}` {where} defined?"
        prompt += " Answer with the dotted module name."
        tasks.append({"id": f"t{number:02}", "split": split, "prompt": prompt, "answer": f"pack{number}.root{number}"})
    return tasks


def write_tasks(file: Path, tasks: list[dict[str, str]]) -> None:
    file.write_text("".join(json.dumps(task) + "\n" for task in tasks))


@dataclass(frozen=True)
class Finished:
    """A project whose campaign has come to its end, and what the run printed."""

    project: Project
    run: Done


def make_project(root: Path) -> Project:
    """The project before any campaign."""
    experiment = root / "experiments" / "quick"
    (experiment / "proposals").mkdir(parents=True)
    write_tasks(experiment / "tasks.jsonl", make_library(root / "library"))
    for path, text in {
        "harness/harness.toml": HARNESS,
        "harness/prompts/system.md": "You answer questions about a source tree with tools.\n",
        "experiments/quick/space.toml": SPACE,
        "experiments/quick/experiment.toml": EXPERIMENT,
        "experiments/quick/proposals/steps.toml": IDEA,
        "notes.txt": "mine\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "A Person")
    git(root, "config", "user.email", "person@example.org")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "A harness to optimize")
    return Project(root)
