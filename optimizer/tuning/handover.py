"""What tuning hands over: the prompt, its diff, its settings and stored cases, and what was measured, in one folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.datasets.splitting import Divided
from optimizer.errors import SettingsError
from optimizer.records import Split
from search_space.diffs import make_diff
from search_space.prompting.cases import Case, write_cases
from search_space.prompting.compose import Composed, compose
from search_space.prompting.harness import PromptHarness, prompt_from_files
from search_space.prompting.memory import Memory

RESULT_FILE = "tuned.json"
PROMPT_FILE = "PROMPT.md"
DIFF_FILE = "prompt.diff"
HARNESS = "harness"
CASES_FILE = "cases.jsonl"
QUESTION = "{question}"


@dataclass(frozen=True, slots=True)
class Handover:
    """A tuned prompt. ``prompt_file`` is the text that stands before every question; it is all there is when
    ``self_contained``, else examples are looked up for each question in the folder. ``context_tokens`` is the largest
    request of any question that was asked."""

    folder: Path
    prompt_file: Path
    self_contained: bool
    context_tokens: int
    diff: str


def check_place(folder: Path) -> None:
    """Raises :class:`SettingsError` for a folder that holds something else than an earlier handover."""
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--out: got {folder}, which is a file, expected a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / RESULT_FILE).is_file():
        raise SettingsError(f"--out: got {folder}, which has other files in it, expected a new or an empty folder")


def hand_over(
    folder: Path,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    divided: Divided,
    told: Mapping[str, Any],
    tokens: Mapping[str, int] | None = None,
) -> Handover:
    """Write the harness ``after``, tuned from ``before``, and what is ``told`` of it into ``folder``. ``tokens`` are
    estimates of requests that are known already, by case: making one takes a look through all stored cases."""
    harness, memory = prompt_from_files(after), Memory(divided.stored)
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(after):
        _write(folder / HARNESS / name, after[name])
    write_cases(folder / CASES_FILE, divided.stored)
    text = _standing(harness, memory)
    original = prompt_from_files(before).instructions + "\n"
    diff = make_diff({PROMPT_FILE: original.encode()}, {PROMPT_FILE: text.encode()}) if text != original else ""
    _write(folder / PROMPT_FILE, text.encode())
    _write(folder / DIFF_FILE, diff.encode())
    made = Handover(
        folder, folder / PROMPT_FILE, self_contained(harness), largest(harness, memory, divided, tokens or {}), diff
    )
    summary = {
        **told,
        "context_tokens": made.context_tokens,
        "prompt_file": str(made.prompt_file),
        "self_contained": made.self_contained,
        "asked_as": _asked_as(harness, memory),
        "settings": harness.settings.model_dump(mode="json"),
    }
    _write(folder / RESULT_FILE, (json.dumps(summary, ensure_ascii=False, indent=2) + "\n").encode())
    return made


def render(folder: Path, question: str) -> tuple[Composed, PromptHarness]:
    """The request for a question, by the tuned prompt in ``folder``. Raises SettingsError when there is none."""
    if not (folder / RESULT_FILE).is_file():
        raise SettingsError(f"{folder}: got no {RESULT_FILE}, expected a folder that 'ratchet tune' made")
    files = {path.name: path.read_bytes() for path in sorted((folder / HARNESS).iterdir()) if path.is_file()}
    harness = prompt_from_files(files)
    return compose(harness, Memory.load(folder / CASES_FILE), question), harness


def self_contained(harness: PromptHarness) -> bool:
    """Whether the text before the question is the same for all questions, and all in one piece."""
    examples = harness.settings.examples
    turns = examples.format == "turns" and examples.choice != "none"
    return not harness.per_question and not turns


def largest(harness: PromptHarness, memory: Memory, divided: Divided, known: Mapping[str, int]) -> int:
    """Tokens of the largest request, estimated as ``context_tokens`` is, over every question of every split."""
    asked: Iterable[Case] = (case for cases in divided.asked.values() for case in cases)
    if harness.per_question:
        return max(known.get(case.id) or compose(harness, memory, case.question, case.group).tokens for case in asked)
    # The examples are the same for all that are not among them: the longest question tells.
    longest = sorted(asked, key=lambda case: len(case.question))[-20:]
    return max(compose(harness, memory, case.question, case.group).tokens for case in longest)


def _standing(harness: PromptHarness, memory: Memory) -> str:
    """What stands before every question: instructions, answers and, when they are the same for all, the examples."""
    return compose(harness, memory, QUESTION).system.rstrip() + "\n"


def _asked_as(harness: PromptHarness, memory: Memory) -> str:
    """The message that a question is asked in, examples that depend on it left out."""
    settings = harness.settings
    bare = settings.model_copy(update={"examples": settings.examples.model_copy(update={"choice": "none"})})
    content = compose(PromptHarness(bare, harness.instructions), Memory([]), QUESTION).messages[-1]["content"]
    return content if isinstance(content, str) else ""


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def scores_without(scores: Mapping[str, float], divided: Divided) -> list[float]:
    """Holdout scores of the cases that are no near-copy of a stored one."""
    holdout = [case.id for case in divided.asked[Split.holdout]]
    return [scores[name] for name in holdout if name in scores and name not in divided.copied]
