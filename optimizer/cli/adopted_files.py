"""The files of an experiment over somebody's own files: by command and metric, or by cases with answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from optimizer.errors import SettingsError
from search_space.discovery.finding import Found
from search_space.discovery.opened import Opened
from search_space.prompting.settings import SETTINGS_FILE
from search_space.toml_text import to_toml

PROMPTS = ("PROMPT.md", "prompt.md", "CLAUDE.md", "AGENTS.md", "GEMINI.md", "prompts/system.md", ".claude/agents/*.md")
SEEDS = "seeds = { search = 8, certify = 8, holdout = 16 }"
STARTER: Mapping[str, str] = {
    "fish": "trout salmon cod carp eel tuna herring perch pike sturgeon halibut mackerel",
    "bird": "heron sparrow falcon owl pelican magpie ostrich puffin wren albatross flamingo toucan",
    "tree": "birch willow oak larch cedar hazel sycamore juniper poplar baobab mahogany acacia",
}


@dataclass(frozen=True)
class Suite:
    """``[suite]`` and what goes with it. ``runs(file)`` says whether a change of this file can show in a score;
    ``beside_harness`` are new files that the harness needs, ``more`` those of the experiment."""

    lines: str
    runs: Callable[[str], bool]
    pinned: Sequence[str] = ()
    opened: Sequence[Opened] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    beside_harness: Mapping[str, bytes] = field(default_factory=dict)
    timeout_s: float | None = None
    model: str | None = "embedded"
    measured: str = ""


def command_suite(
    command: str,
    metric: str,
    direction: str,
    worst: float,
    best: float,
    seconds: float,
    evaluator: str | None,
    pinned: Sequence[str],
    model: str | None,
    files: Mapping[str, bytes],
) -> Suite:
    """The suite of a command. When it names files of the harness, only these are opened, and those that they name."""
    lines = ['kind = "command"', f"command = {to_toml(command)}"]
    lines += [f"evaluator = {to_toml(evaluator)}"] if evaluator else []
    lines += [f"pinned = [{', '.join(map(to_toml, pinned))}]"] if pinned else []
    lines += [f"metric = {to_toml(metric)}", f"direction = {to_toml(direction)}"]
    lines += [f"worst = {worst!r}    # scores 0", f"best = {best!r}    # scores 1", f"seconds = {seconds!r}", SEEDS]
    lines += ["model = true"] if model else []
    named = [path for path in files if path in command.split()]
    said = " ".join([command, *(files[path].decode(errors="replace") for path in named)]).lower()
    return Suite(
        lines="\n".join(lines),
        runs=lambda file: not named or file in named or _named(file, said),
        pinned=tuple(pinned),
        timeout_s=3 * seconds + 30,
        model=model,
        measured=f"`{command}`, {metric} to {direction}",
    )


def _named(file: str, said: str) -> bool:
    """Whether a command and its scripts say this file's name, or the name of the agent that reads it."""
    path = Path(file)
    readers = {"CLAUDE.md": ["claude"], "AGENTS.md": ["codex"], "GEMINI.md": ["gemini"]}.get(path.name, [])
    readers = ["claude"] if ".claude" in path.parts else readers
    words = [path.stem if path.suffix == ".py" else path.name, *readers]
    return any(re.search(rf"\b{re.escape(word.lower())}\b", said) for word in words)


def dataset_suite(files: Mapping[str, bytes], source: Path) -> Suite:
    """The suite of questions with answers, asked of the first instructions that are there. Raises SettingsError when
    there are none."""
    prompt = next((path for pattern in PROMPTS for path in sorted(files) if fnmatchcase(path, pattern)), None)
    if prompt is None:
        raise SettingsError(
            f"--from {source}: found no instructions ({', '.join(PROMPTS)}) that questions could be asked of",
            hint="say how it is measured: --command 'python run.py' --metric NAME --direction maximize",
        )
    new = {} if SETTINGS_FILE in files else {SETTINGS_FILE: f"prompt = {to_toml(prompt)}\n".encode()}
    table = {"kind": "choice", "name": "examples.choice", "file": SETTINGS_FILE, "key": "examples.choice"}
    shown = Opened(
        f"{SETTINGS_FILE}: whether a question is shown similar cases with their answers",
        {**table, "values": ["none", "similar"], "default": "none"},
    )
    return Suite(
        lines='kind = "dataset"\ndata = "cases.jsonl"    # a starter: replace it by cases of your own',
        runs=lambda file: file == prompt,
        opened=(shown,),
        more={"cases.jsonl": _starter()},
        beside_harness=new,
        measured=f"answers to the questions of cases.jsonl, asked of {prompt}",
    )


def experiment_files(name: str, harness: str, rollouts: int, suite: Suite, found: Found) -> dict[str, str]:
    """The experiment's files but the space, by name."""
    sandbox = f"\n[sandbox]\nrollout_timeout_s = {suite.timeout_s:g}\n" if suite.timeout_s else ""
    model = f"\n[model]\nagent = {to_toml(suite.model)}\n" if suite.model else ""
    return {
        "experiment.toml": EXPERIMENT.format(
            name=name, harness=to_toml(harness), suite=suite.lines, rollouts=rollouts, sandbox=sandbox, model=model
        ),
        "program.md": PROGRAM,
        "README.md": _readme(name, suite, found),
        "proposals/README.md": PROPOSALS,
        **suite.more,
    }


EXPERIMENT = """\
name = "{name}"
description = "Files of our own, opened by ratchet init --from"
harness = {harness}
space = "space.toml"
program = "program.md"

[suite]
{suite}

[budget]
rollouts = {rollouts}

[proposers]
thompson = 3.0
random = 1.0
human = "proposals"    # drop *.toml or *.diff files here while it runs

[gate]
preset = "fast"
{model}{sandbox}"""
PROGRAM = """\
# What this is about

Say here, in your own words, what the files are for, what a good change would be, and what must not be touched: whoever
proposes edits reads it.
"""
PROPOSALS = """\
Drop `idea.toml` (`hypothesis = "..."` and `[changes]` with dimensions and values) or `idea.diff` (a unified diff, its
hypothesis in leading lines with `#`) here, also while the campaign runs. What it changes must be open in `space.toml`.
"""


def _readme(name: str, suite: Suite, found: Found) -> str:
    starter = STARTER_WARNING if "cases.jsonl" in suite.more else ""
    opened = "\n".join(f"- `{each.name}`: {each.sentence}" for each in found.opened)
    notes = "\n".join(f"- {note}" for note in found.notes) or "- nothing else was seen"
    return f"""\
# {name}

Measured by {suite.measured}. `ratchet run experiments/{name} --dry-run` says what a campaign may cost.
{starter}
## What is open

{opened}

## What was seen and stays closed

{notes}

Permissions, keys, seeds, time limits and files that may hold secrets are never opened by themselves. To open more, or
less, edit `space.toml`.
"""


STARTER_WARNING = """
**`cases.jsonl` is a starter and says nothing about your files.** Replace it by questions of your own with their right
answers, a JSON object a line: `{"question": "...", "answer": "..."}`; a hundred are a beginning.
"""


def _starter() -> str:
    lines = [
        json.dumps({"question": f"Is {word} a fish, a bird or a tree?", "answer": answer, "note": "replace this file"})
        for answer, words in STARTER.items()
        for word in words.split()
    ]
    return "\n".join(lines) + "\n"
