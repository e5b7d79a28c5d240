"""Measures the embedded model: what single edits of the harness do to its score on the navigator.

    python tests/optimizer/models/measure_embedded.py --split search,certify --seeds 6
    python tests/optimizer/models/measure_embedded.py --only plain,good --kinds
    python tests/optimizer/models/measure_embedded.py --sentence "Check the answer twice before you give it."
    python tests/optimizer/models/measure_embedded.py --sequence 3 --steps 6 --seeds 3

Every row is one harness: the plain one of ``baselines/minimal`` with one edit, on the same tasks and seeds. With
``--sequence`` the tasks are sequences, the rows are settings of memory in another row's harness, and figures are for
one prompt. Rollouts run in this process (the real agent's loop, the real tools, the real door), without a sandbox. Not
a test: nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from baselines.agent.main import assemble, build_tools  # noqa: E402
from baselines.agent.sequence import run_sequence  # noqa: E402
from experiments.navigator.generator import generate  # noqa: E402
from experiments.navigator.tools import LOOK_ALIKES  # noqa: E402
from optimizer.models.door import Door  # noqa: E402
from optimizer.models.embedded import EmbeddedModel  # noqa: E402
from optimizer.records import Spend  # noqa: E402
from search_space.flags import FLAGS  # noqa: E402
from search_space.harness import harness_from_files, read_folder  # noqa: E402
from search_space.memory import Memory  # noqa: E402
from search_space.messages import Request, Response  # noqa: E402
from search_space.trajectory import TrajectoryWriter  # noqa: E402

SENTENCES = {
    "plan": "Plan the steps before you use a tool.",
    "verify": "Check the deciding fact with one more look before you answer.",
    "grounded": "Use only names and numbers that a tool has shown you, never guess.",
    "answer_form": "Give the bare answer alone on the last line.",
    "notes": "Write key facts down as notes as soon as you find them.",
    "narrow": "Keep every search narrow and give it a path.",
    "dedicated": "Prefer the tool made for the purpose over plain text search.",
    "parallel": "Call independent tools in parallel.",
    "persist": "If a tool finds nothing, try another way.",
    "few_lines": "Read only the lines you need.",
    "code_only": "When counting, leave out comments and strings.",
    "recheck": "Go back over the facts you collected before you combine them.",
    "hurry": "Answer quickly with few tool calls.",
    "exhaustive": "Be exhaustive and read whole files.",
    "explain": "Explain your answer at length.",
    "unrelated": "The library is older than many of its users.",
}
DEMONSTRATION = """

# Example

Question: In which module is the base class of the class `Ring` (defined in the module `shop.jewels`) defined?
Steps: the header of `Ring` names `Jewel`; `shop.jewels` imports it from `shop.base`; `shop.base` defines it.
Answer: shop.base"""


@dataclass(frozen=True)
class Edit:
    """One change to the plain harness: sentences, text behind them, and replacements in harness.toml."""

    sentences: Sequence[str] = ()
    text: str = ""
    toml: Mapping[str, str] = field(default_factory=dict)


def edits() -> dict[str, Edit]:
    """The harnesses to measure, by name."""
    found = {"plain": Edit()}
    found.update({f"say {name}": Edit((text,)) for name, text in SENTENCES.items()})
    found["1 demonstration"] = Edit(text=DEMONSTRATION)
    for steps in (8, 14, 20):
        found[f"max_steps {steps}"] = Edit(toml={"max_steps = 10": f"max_steps = {steps}"})
    for tokens in (4000, 6000, 12000):
        found[f"context {tokens}"] = Edit(toml={"context_tokens = 8000": f"context_tokens = {tokens}"})
    for chars in (2000, 12000):
        found[f"results {chars}"] = Edit(toml={"[compaction]": f"max_result_chars = {chars}\n\n[compaction]"})
    for strategy in ("none", "clear_results", "truncate_results", "summary", "fact_ledger"):
        found[strategy] = Edit(toml={'"sliding_window"': f'"{strategy}"'})
    for mode in ("off", "deferred"):
        found[f"look-alikes {mode}"] = Edit(toml={'default = "offered"': _tools(mode)})
    for flag in FLAGS:
        found[f"flag {flag}"] = Edit(toml={"[compaction]": f"[flags]\n{flag} = true\n\n[compaction]"})
    memory = {"index = false": "index = true", "notes = false": "notes = true"}
    found["notes on"] = Edit(toml=memory)
    found["notes on and said"] = Edit((SENTENCES["notes"],), toml=memory)
    found["verify and 14 steps"] = Edit((SENTENCES["verify"],), toml={"max_steps = 10": "max_steps = 14"})
    good = ["plan", "verify", "grounded", "answer_form", "dedicated", "few_lines", "persist", "recheck"]
    found["good"] = Edit(
        [SENTENCES[name] for name in good],
        DEMONSTRATION,
        {
            "max_steps = 10": "max_steps = 20",
            '"sliding_window"': '"fact_ledger"',
            'default = "offered"': _tools("off"),
        },
    )
    return found


MEMORIES: Mapping[str, Mapping[str, Any]] = {
    "first lines": {},
    "topics": {"index_shows": "topics"},
    "whole notes": {"index_shows": "notes"},
    "whole notes 300": {"index_shows": "notes", "index_chars": 300},
    "whole notes 3000": {"index_shows": "notes", "index_chars": 3000},
    "start": {"notes_read": "start"},
    "dropped": {"notes_written": "dropped"},
    "dropped + start": {"notes_written": "dropped", "notes_read": "start"},
    "results + start": {"notes_written": "results", "notes_read": "start"},
}
"""Settings of ``[memory]`` with notes and index on."""


def memories() -> dict[str, Edit]:
    """The harnesses to measure on sequences: memory off, then every setting without and with the sentence."""
    say = (SENTENCES["notes"],)
    found = {"memory off": Edit(), "memory off + said": Edit(say)}
    for name, keys in MEMORIES.items():
        found[name] = Edit(toml=_memory(keys))
        found[f"{name} + said"] = Edit(say, toml=_memory(keys))
    for how in ("words", "phrase", "recent"):
        found[f"archive by {how}"] = Edit(
            toml={"archive = false": f'archive = true\narchive_search = "{how}"', "index = false": "index = true"}
        )
    for how in ("merge", "trim_oldest", "trim_least_read"):
        for name in ("first lines", "topics"):
            keys = {**MEMORIES[name], "consolidation": how, "notes_chars": 500}
            found[f"{name} + {how} + said"] = Edit(say, toml=_memory(keys))
    return found


def _memory(keys: Mapping[str, Any]) -> dict[str, str]:
    rows = "".join(f"\n{key} = {value!r}".replace("'", '"') for key, value in keys.items())
    return {"index = false": "index = true", "notes = false": f"notes = true{rows}"}


def _tools(mode: str) -> str:
    rows = "\n".join(f'{name} = "{mode}"' for name in LOOK_ALIKES)
    return f'default = "offered"\n\n[tools.visibility]\n{rows}\n'


def on(base: Edit, edit: Edit) -> Edit:
    """Both edits."""
    return Edit([*base.sentences, *edit.sentences], base.text + edit.text, {**base.toml, **edit.toml})


def harness_files(edit: Edit, steps: int) -> dict[str, bytes]:
    """The plain harness's files with ``edit`` made, and ``steps`` model calls for a prompt (0: as it is)."""
    files = dict(read_folder(ROOT / "baselines" / "minimal"))
    config = files["harness.toml"].decode()
    if steps:
        config = config.replace("max_steps = 10", f"max_steps = {steps}", 1)
    for old, new in edit.toml.items():
        if steps and old == "max_steps = 10":
            continue
        if old not in config:
            raise SystemExit(f"baselines/minimal/harness.toml: no '{old}' to replace")
        config = config.replace(old, new, 1)
    method = "\n\n# Method\n\n" + "\n".join(f"- {s}" for s in edit.sentences) if edit.sentences else ""
    files["harness.toml"] = config.encode()
    files["prompts/system.md"] = (files["prompts/system.md"].decode().rstrip() + method + edit.text + "\n").encode()
    return files


class Free:
    """A meter without a limit."""

    def reserve(self, worst: Spend) -> int:
        return 0

    def settle(self, ticket: int, actual: Spend) -> None:
        pass


class Client:
    """The door as the agent's model."""

    def __init__(self, door: Door, token: str) -> None:
        self._door, self._token = door, token

    def create(self, request: Request) -> Response:
        return self._door.create(self._token, request)


def rollout(
    files: Mapping[str, bytes], prompts: list[str], seed: int, door: Door, folder: Path, root: str | None
) -> Any:
    """One rollout's outcome and spend."""
    harness = harness_from_files(files)
    token = door.open(f"{seed}", seed, float("inf"), None)
    tools = build_tools("experiments.navigator.environment:build", {"root": root} if root else {})
    with TrajectoryWriter(folder / "trajectory.jsonl") as trajectory:
        memory = Memory(harness.memory, folder / "memory")
        start = partial(assemble, harness, folder, memory, tools, Client(door, token), trajectory)
        outcome = run_sequence(prompts, start, memory, trajectory.write)
    return outcome, door.close(token).spend


def extract(answer: str | None) -> str:
    """The value that an answer gives: its last line without a label, quotes and a final period."""
    line = (answer or "").strip().split("\n")[-1].strip()
    return line.removeprefix("Answer:").strip().strip("`\"'").rstrip(".").strip("`\"'")


def measure(job: tuple[str, Edit, list[Any], list[int], str | None, int]) -> tuple[str, list[dict[str, Any]]]:
    """All rollouts of one harness."""
    name, edit, tasks, seeds, root, steps = job
    files, door, rows = harness_files(edit, steps), Door({"agent": EmbeddedModel()}, Free()), []
    for task in tasks:
        for seed in seeds:
            with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
                prompts = task.get("prompts") or [task["prompt"]]
                outcome, spend = rollout(files, prompts, seed, door, Path(folder), root)
            given, truths = json.loads(outcome.answer), task.get("answers") or [task["answer"]]
            right = [got is not None and extract(got) == truth for got, truth in zip(given, truths, strict=True)]
            rows.append({"task": task, "right": right, "given": given, "spend": spend})
    return name, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="search", help="splits, separated by commas")
    parser.add_argument("--seeds", type=int, default=3, help="rollouts a task")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="names of rows, separated by commas")
    parser.add_argument(
        "--sentence", action="append", default=[], help="also measure the plain harness with this sentence"
    )
    parser.add_argument("--kinds", action="store_true", help="scores by kind of question, and by place in a sequence")
    parser.add_argument("--sequence", type=int, default=0, help="questions in a sequence")
    parser.add_argument("--on", default="good", help="with --sequence: the row that memory is added to")
    parser.add_argument("--steps", type=int, default=0, help="limits.max_steps of every row")
    parser.add_argument("--root", default=None, help="source tree; the standard library when left out")
    given = parser.parse_args()
    base = edits()[given.on]
    rows = {name: on(base, edit) for name, edit in memories().items()} if given.sequence else edits()
    rows |= {f"say {text!r}": Edit((text,)) for text in given.sentence}
    names = [*given.only.split(","), *(f"say {text!r}" for text in given.sentence)] if given.only else list(rows)
    if unknown := [name for name in names if name not in rows]:
        raise SystemExit(f"--only: no row {', '.join(unknown)}; the rows are: {', '.join(rows)}")
    where = {"root": given.root} if given.root else {}
    tasks = [
        task
        for task in generate({**where, "seed": 1, "sequence": given.sequence})
        if task["split"] in given.split.split(",")
    ]
    jobs = [(name, rows[name], tasks, list(range(given.seeds)), given.root, given.steps) for name in names]
    _report(jobs, given.processes, given.kinds)


def _report(jobs: list[Any], processes: int, kinds: bool) -> None:
    print(f"{'harness':34} score   gain  +- se  calls tokens  no-answer  s")
    base: list[float] | None = None
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        begun = time.monotonic()
        for name, rows in pool.imap(measure, jobs):
            right = [statistics.mean(row["right"]) for row in rows]
            base = right if base is None else base
            gains = [a - b for a, b in zip(right, base, strict=True)]
            error = statistics.stdev(gains) / len(gains) ** 0.5 if any(gains) else 0.0
            calls = statistics.mean(row["spend"].calls / len(row["given"]) for row in rows)
            tokens = statistics.mean(row["spend"].tokens / len(row["given"]) for row in rows)
            silent = statistics.mean(answer is None for row in rows for answer in row["given"])
            figures = (
                f"{statistics.mean(right):5.3f} {statistics.mean(gains):+6.3f} {error:6.3f} {calls:6.1f} {tokens:6.0f}"
            )
            print(f"{name:34} {figures} {silent:9.2f} {time.monotonic() - begun:6.0f}", flush=True)
            if kinds:
                for kind in ("all", *sorted({row["task"]["kind"] for row in rows})):
                    own = [row for row in rows if kind in ("all", row["task"]["kind"])]
                    silent = statistics.mean(answer is None for row in own for answer in row["given"])
                    places = zip(*(row["right"] for row in own), strict=True)
                    shares = " ".join(f"{statistics.mean(place):5.3f}" for place in places)
                    print(f"    {kind:30} {shares} silent {silent:4.2f}", flush=True)


if __name__ == "__main__":
    main()
