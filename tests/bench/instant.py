"""A campaign whose evaluation answers at once, from a seeded function: what is left is Ratchet's own work."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from optimizer.acceptance.objective import Objective
from optimizer.acceptance.presets import FAST
from optimizer.evaluation.checks import check_files
from optimizer.evaluation.runner import Runner, Wanted
from optimizer.ledger.branch import Branch
from optimizer.ledger.rows import Campaign
from optimizer.ledger.store import Ledger
from optimizer.parts import Parts
from optimizer.proposers.tpe import TPEProposer
from optimizer.records import Rollout, RolloutKey, Spend, Split, Status, Task
from optimizer.workspace.workspace import Workspace
from search_space.space import load_space

SUITE = "sha256:" + "0" * 64
TASKS = 72
GOOD_SHARE = 0.1
"""So many of the variants are much better than their champion, and are kept."""
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


class InstantRunner(Runner):
    """Scores without rollouts: a champion's variants are drawn good or bad by their tree. ``busy_s`` and ``cpu_s``
    add up the time spent here, by the clock and of the processor: what an evaluation would have taken. The ledger's
    record of each rollout is part of it."""

    waited_s = 0.0

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self._ledger, self._seed = ledger, seed
        self._level: dict[str, float] = {}
        self.busy_s = self.cpu_s = 0.0

    def run_together(
        self,
        wanted: Sequence[Wanted],
        *,
        deadline: float,
        purpose: str,
        cancel: threading.Event | None = None,
    ) -> list[list[Rollout]]:
        began, cpu_began = time.perf_counter(), time.process_time()
        variant, champion = wanted
        level = self._level.setdefault(champion.tree, 0.0)
        if variant.tree not in self._level:
            good = self._draw(variant.tree) < GOOD_SHARE
            self._level[variant.tree] = level + (0.3 if good else -0.3)
        rollouts = [[self._rollout(one.tree, task.id, seed) for task, seed in one.rollouts] for one in wanted]
        store, all_of_them = self._ledger.rollouts, [rollout for each in rollouts for rollout in each]
        store.start([rollout.key for rollout in all_of_them], purpose)
        for rollout in all_of_them:
            store.finish(rollout)
        self.busy_s += time.perf_counter() - began
        self.cpu_s += time.process_time() - cpu_began
        return rollouts

    def _rollout(self, tree: str, task: str, seed: int) -> Rollout:
        noise = 0.3 if self._draw(tree, task, seed) < 0.5 else -0.3
        spend = Spend(rollouts=1, calls=5, input_tokens=9000, output_tokens=120, seconds=0.1)
        score = self._level[tree] + noise
        return Rollout(RolloutKey(tree, SUITE, task, seed), Status.ok, score, answer="an answer", steps=5, spend=spend)

    def _draw(self, *parts: object) -> float:
        text = "|".join(map(str, (self._seed, *parts)))
        return int.from_bytes(sha256(text.encode()).digest()[:8], "big") / 2**64


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


@contextmanager
def open_parts(root: Path, seed: int) -> Iterator[tuple[Parts, InstantRunner, str, str]]:
    """The parts of a campaign in the repository at ``root``, its runner, its first harness tree and first commit."""
    name = f"seed-{seed}"
    branch = Branch(root, name)
    workspace = Workspace.open(root, HARNESS, ref=branch.ref)
    (space := root / ".git" / "space.toml").write_text(SPACE)
    made = Campaign(name, "", {}, seed, SUITE, branch.ref, workspace.base, HARNESS, "")
    with Ledger.create(workspace.private() / name, made) as ledger:
        branch.create(workspace.base)
        runner = InstantRunner(ledger, seed)
        tasks = [Task(f"search-{number:02}", Split.search, "A question.") for number in range(TASKS)]
        parts = Parts(
            campaign=name,
            seed=seed,
            limits="none",
            gate=replace(FAST),
            objective=Objective(),
            baseline=workspace.tree(workspace.base),
            experiment_timeout_s=600.0,
            program="",
            suite_hash=SUITE,
            tasks={task.id: task for task in tasks},
            space=load_space(space),
            workspace=workspace,
            ledger=ledger,
            branch=branch,
            runner=runner,
            proposer=TPEProposer(),
            check=check_files,
            emit=lambda event: None,
            cancel=threading.Event(),
        )
        yield parts, runner, workspace.tree(workspace.base), workspace.base
