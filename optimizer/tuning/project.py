"""A person's prompt and data as an experiment: a repository of its own with harness, space and first proposals."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from optimizer.datasets.metrics import JUDGE, metric_named, usual_metric
from optimizer.datasets.reading import read_data
from optimizer.datasets.splitting import Divided, divide
from optimizer.errors import CampaignMissing, SettingsError
from optimizer.records import Split
from optimizer.tuning.rankings import rankings_of
from optimizer.tuning.space import Material, recipes_of, space_of
from optimizer.workspace.workspace import Workspace
from search_space.errors import SearchSpaceError
from search_space.messages import CHARS_PER_TOKEN
from search_space.prompting.compose import compose
from search_space.prompting.harness import prompt_from_files, rankings_text
from search_space.prompting.memory import Memory
from search_space.prompting.settings import SETTINGS_FILE, PromptSettings

CONTEXT_TOKENS = 8000
LONGEST_PROMPT = 1_000_000
LEAST_SEARCH = 3000
"""Rollouts of a search, where that is no more than thirty variants on all of its cases."""
HARNESS = "harness"
EXPERIMENT = "experiment"
RANKINGS = ("balanced", "central", "telling")
"""The orders of stored cases that a prompt may show the first of."""
MARKS = 40
"""Characters that a format may put around an example, as JSON: more than any but ``turns`` does."""
PLACEHOLDER = re.compile(r"\{\{?\s*(question|input|text|query|prompt|message)\s*\}?\}")
PROGRAM = """\
Make the prompt answer more questions rightly within its context budget. The cases in the data are all there is to
learn from; the holdout is never shown.
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked to be tuned. ``prompt`` is a text file that is only read; ``rollouts`` is the budget, None
    for what fits the data. ``static``: only what makes a prompt that needs no lookup for each question."""

    prompt: Path
    data: Path
    holdout: Path | None = None
    question: str | None = None
    answer: str | None = None
    metric: str | None = None
    context_tokens: int = CONTEXT_TOKENS
    model: str = "embedded"
    rollouts: int | None = None
    seed: int = 0
    static: bool = False

    @property
    def embedded(self) -> bool:
        return self.model == "embedded"


@dataclass(frozen=True, slots=True)
class Project:
    """The experiment's files, by their path in the project's folder, and the name of its campaign."""

    name: str
    harness: Mapping[str, bytes]
    experiment: Mapping[str, str]
    divided: Divided


def plan_project(wanted: Wanted) -> Project:
    """Read everything and write it as an experiment; nothing on disk is changed.

    Raises :class:`SettingsError` for a prompt or data that cannot be used, and when the prompt alone does not fit into
    ``context_tokens``.
    """
    instructions = _instructions(wanted.prompt)
    divided = _divided(wanted)
    labels = divided.labels
    metric = wanted.metric or usual_metric([case.answer for case in divided.stored], labels=labels)
    if metric == JUDGE and wanted.embedded:
        raise SettingsError(
            "--metric: got judge with the embedded model, which reads examples alone, expected a language model",
            hint="say --model anthropic:ID, or take a metric that needs no judge",
        )
    rankings = rankings_of(divided.stored, wanted.seed, RANKINGS)
    material = Material(
        cases=len(divided.stored),
        labels=labels,
        rankings=list(rankings),
        static=wanted.static,
        instructed=not wanted.embedded,
        context_tokens=wanted.context_tokens,
        fits=_fit(divided, len(instructions), wanted),
    )
    settings = PromptSettings(context_tokens=wanted.context_tokens)
    harness = {
        settings.prompt: instructions.encode(),
        SETTINGS_FILE: _settings_text(settings, material).encode(),
        **({"rankings.json": rankings_text(rankings).encode()} if rankings else {}),
    }
    _check_fits(harness, divided, wanted)
    name = _name(wanted, harness, divided, metric)
    experiment = {
        "experiment.toml": _experiment_text(name, wanted, divided, metric),
        "space.toml": tomlkit.dumps(space_of(material)),
        "program.md": PROGRAM,
        **{
            f"recipes/{number:02}.toml": tomlkit.dumps({"hypothesis": why, "changes": dict(changes)})
            for number, (why, changes) in enumerate(recipes_of(material), start=1)
        },
    }
    return Project(name, harness, experiment, divided)


def make_project(project: Project, runs: Path) -> Path:
    """The folder of the project under ``runs``, made whole or not at all; one that is there already is left as it is,
    so that the same command goes on with its campaign."""
    folder = (runs / project.name).absolute()
    if (folder / EXPERIMENT / "experiment.toml").is_file():
        return folder
    if folder.exists():
        raise CampaignMissing(f"{folder} is there, but holds no tuning project", hint="remove it, or name other --runs")
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    Workspace.create(new, project.harness, harness=HARNESS, message="The prompt as it was given\n", at=time.time())
    for name, text in project.experiment.items():
        path = new / EXPERIMENT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    new.rename(folder)
    return folder


def _instructions(path: Path) -> str:
    """The prompt's text without a last line that only says where the question goes: it is asked in a message."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file, expected a prompt: a text or Markdown file") from None
    except IsADirectoryError:
        raise SettingsError(f"{path}: got a folder, expected a prompt: a text or Markdown file") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: got bytes that are not UTF-8 (at {error.start}), expected text") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > LONGEST_PROMPT or not text.strip():
        got = f"{len(data):,} bytes" if text.strip() else "an empty file"
        raise SettingsError(f"{path}: got {got}, expected the text of a prompt")
    lines = text.replace("\r\n", "\n").rstrip().split("\n")
    asks = [number for number, line in enumerate(lines) if PLACEHOLDER.search(line)]
    if asks and asks[0] < len(lines) - 2:
        raise SettingsError(
            f"{path}:{asks[0] + 1}: got a place for the question in the middle of the prompt, expected it at the end",
            hint="take the line out: every question is asked in a message after the prompt",
        )
    kept = lines[: asks[0]] if asks else lines
    return "\n".join(kept).strip() + "\n"


def _divided(wanted: Wanted) -> Divided:
    data = read_data(wanted.data, question=wanted.question, answer=wanted.answer)
    holdout = None
    if wanted.holdout is not None:
        holdout = read_data(wanted.holdout, question=wanted.question, answer=wanted.answer, prefix="holdout").cases
    divided = divide(data.cases, holdout, seed=wanted.seed)
    if (
        len(divided.asked[Split.search]) < 2
        or len(divided.asked[Split.certify]) < 2
        or not divided.asked[Split.holdout]
    ):
        sizes = ", ".join(f"{len(divided.asked[split])} {split}" for split in Split)
        raise SettingsError(
            f"{wanted.data}: got {len(data.cases)} cases, too few to divide ({sizes}), expected about 40 at the least",
            hint="near-copies count once; 100 to 400 cases make differences of a few points visible",
        )
    return divided


def _settings_text(settings: PromptSettings, material: Material) -> str:
    """``prompt.toml`` with every key that the space opens: the prompt as it was given, no example beside it."""
    table: dict[str, Any] = settings.model_dump(mode="json")
    table["examples"]["count"] = material.count
    return tomlkit.dumps(table)


def _fit(divided: Divided, instructions: int, wanted: Wanted) -> bool:
    """Whether all stored cases surely fit into a request, whatever their format."""
    chars = sum(len(case.question) + len(case.answer) + MARKS for case in divided.stored)
    return instructions + chars <= wanted.context_tokens * CHARS_PER_TOKEN


def _check_fits(harness: Mapping[str, bytes], divided: Divided, wanted: Wanted) -> None:
    """The prompt has to fit with the longest question."""
    prompt, memory = prompt_from_files(harness), Memory([])
    longest = max((case for cases in divided.asked.values() for case in cases), key=lambda case: len(case.question))
    try:
        compose(prompt, memory, longest.question)
    except SearchSpaceError as error:
        raise SettingsError(
            f"--context-tokens: got {wanted.context_tokens}, but {wanted.prompt.name} does not fit with the longest "
            f"question ({longest.id}): {error}",
            hint="allow more tokens, or shorten the prompt",
        ) from None


def _name(wanted: Wanted, harness: Mapping[str, bytes], divided: Divided, metric: str) -> str:
    """The same input has the same name, and so goes on with the same campaign."""
    digest = hashlib.sha256()
    for path in sorted(harness):
        digest.update(path.encode() + b"\0" + harness[path] + b"\0")
    source = metric_named(metric).source
    told = [metric, source, wanted.model, wanted.seed, wanted.static, wanted.context_tokens]
    cases = [[case.question, case.answer] for case in (*divided.stored, *divided.asked[Split.holdout])]
    digest.update(json.dumps([told, wanted.holdout is None, cases]).encode())
    stem = re.sub(r"[^A-Za-z0-9]+", "-", wanted.prompt.stem).strip("-").lower()[:24] or "prompt"
    return f"tune-{stem}-{digest.hexdigest()[:8]}"


def _experiment_text(name: str, wanted: Wanted, divided: Divided, metric: str) -> str:
    suite: dict[str, Any] = {"kind": "dataset", "data": str(wanted.data.absolute())}
    if wanted.holdout is not None:
        suite["holdout"] = str(wanted.holdout.absolute())
    if wanted.question is not None:
        suite["question"] = wanted.question
    if wanted.answer is not None:
        suite["answer"] = wanted.answer
    suite |= {"metric": metric, "split_seed": wanted.seed}
    if wanted.embedded:
        suite["deterministic"] = True
    return tomlkit.dumps(
        {
            "name": name,
            "description": f"Tuning of {wanted.prompt.name}",
            "harness": f"../{HARNESS}",
            "suite": suite,
            "budget": {"rollouts": wanted.rollouts or usual_rollouts(divided)},
            "proposers": {"thompson": 3.0, "random": 1.0, "human": "proposals", "recipes": "recipes"},
            # What is looked for is the score within the context budget: nothing is given up for being simpler.
            "gate": {
                "preset": "careful" if wanted.embedded else "fast",
                "prune_share": 0.0,
                "holdout_repeats": 1,
                "calibrate": not wanted.embedded,
            },
            "model": {"agent": wanted.model},
        }
    )


def usual_rollouts(divided: Divided) -> int:
    """A budget that fits the data: the holdout twice, two exams, and a search of eight variants on all of its cases,
    more where these are few (most variants are dropped after some)."""
    sizes = {split: len(divided.asked[split]) for split in Split}
    search = max(8 * sizes[Split.search], min(30 * sizes[Split.search], LEAST_SEARCH))
    return 2 * sizes[Split.holdout] + 4 * sizes[Split.certify] + search
