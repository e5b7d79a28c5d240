"""A campaign on a function that answers at once: what is left is Ratchet's own work."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from optimizer.assemble.callable import CallableRequest
from optimizer.evaluation.base import Runner, Wanted
from optimizer.records import Rollout, Split
from optimizer.settings import ProposerSettings
from search_space.space import Assignment, load_space

TASKS = 72
HARMLESS_SHARE = 0.4
"""So many of the variants do nothing, of which some are kept by luck; the others are clearly worse."""
HARNESS = "agents/one"

SPACE = """\
description = "Eight dimensions."

[[dimension]]
kind = "sentence"
name = "method.plan"
section = "Method"
[dimension.texts]
short = "Plan first."
long = "First work out which steps are needed, then carry them out one by one."

[[dimension]]
kind = "sentence"
name = "method.verify"
section = "Method"
text = "Confirm the deciding fact with one more look before you reply."

[[dimension]]
kind = "sentence"
name = "answer.form"
section = "Answer"
[dimension.texts]
bare = "End with the answer by itself on the last line."
exact = "Reply with nothing but the value, in exactly the form that was asked for."

[[dimension]]
kind = "int"
key = "limits.max_steps"
low = 4
high = 40

[[dimension]]
kind = "int"
key = "limits.context_tokens"
low = 2000
high = 64000
log = true

[[dimension]]
kind = "int"
key = "limits.max_result_chars"
low = 500
high = 20000
log = true

[[dimension]]
kind = "tool"
tools = ["search_text"]

[[dimension]]
kind = "int"
key = "tools.max_parallel"
low = 1
high = 8
"""

FILES = {
    "harness.toml": """\
name = "one"
description = "A harness to be measured with."

[limits]
max_steps = 10  # model calls in one rollout
context_tokens = 8000
max_result_chars = 4000

[tools]
default = "offered"
max_parallel = 4
""",
    "prompts/system.md": """\
You answer questions with tools.

# Method

- Look before you answer.

# Answer

- Be brief.
""",
}


def score(assignment: Assignment, task: str, seed: int) -> float:
    """Success by chance: one half where the assignment does nothing, one fifth where it harms. Whatever leaves the
    baseline's steps alone does nothing, so that the baseline does."""
    told = sorted(assignment.items())
    harmless = assignment["limits.max_steps"] == 10 or _draw(told) < HARMLESS_SHARE
    return float(_draw((told, task, seed)) < (0.5 if harmless else 0.2))


def request(root: Path, name: str, seed: int, proposers: ProposerSettings) -> CallableRequest:
    """The campaign ``name`` in the repository at ``root``, without end."""
    (declared := root / ".git" / "space.toml").write_text(SPACE)
    space = load_space(declared)
    tasks = {Split.search: [f"search-{number:02}" for number in range(TASKS)]}
    return CallableRequest(
        score,
        space,
        root / HARNESS,
        tasks,
        rollouts=10**9,
        seed=seed,
        view=space.read,
        proposers=proposers,
        name=name,
    )


def make_repository(root: Path, files: int) -> None:
    """A git repository with ``files`` files, two of which are the harness."""
    contents = {f"{HARNESS}/{name}": text for name, text in FILES.items()}
    for number in range(files - len(contents)):
        contents[f"src/part{number // 100:02}/module{number:04}.py"] = f'"""Module {number}."""\n\nVALUE = {number}\n'
    for name, text in contents.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "All")):
        subprocess.run(["git", *who, *command], cwd=root, check=True)


class Timed(Runner):
    """A runner whose time is taken: ``busy_s`` and ``cpu_s`` add up what was spent in it, by the clock and of the
    processor (the calls and the ledger's record of each); ``spans`` are when each batch began and ended."""

    waited_s = 0.0

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.busy_s = self.cpu_s = 0.0
        self.spans: list[tuple[float, float]] = []

    def run_together(
        self, asked: Sequence[Wanted], *, deadline: float, purpose: str, cancel: threading.Event | None = None
    ) -> list[list[Rollout]]:
        began, cpu_began = time.perf_counter(), time.process_time()
        try:
            return self._runner.run_together(asked, deadline=deadline, purpose=purpose, cancel=cancel)
        finally:
            self.spans.append((began, ended := time.perf_counter()))
            self.busy_s += ended - began
            self.cpu_s += time.process_time() - cpu_began


def _draw(what: object) -> float:
    return int.from_bytes(sha256(repr(what).encode()).digest()[:8], "big") / 2**64
