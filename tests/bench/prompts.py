"""What the embedded learner makes of prompts that show examples chosen in several ways, on two public sets.

``TEST_PUBLIC_DATA`` names the folder with ``symptom_diagnosis`` and ``banking77``. All is chosen from the training rows
alone. ``cv`` leaves out each training row in turn (of a ranking, a tenth of the rows at a time, and the order is
made without them); ``val`` and ``test`` are the official files. ``prompts:600`` asks so many of banking77's 3,080 test
questions, drawn at random; ``prompts:0`` leaves banking77 out.
"""

from __future__ import annotations

import csv
import json
import os
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from optimizer.models.embedded.learner import learned_answer
from optimizer.tuning.rankings import rankings_of
from search_space.prompting import Case, Memory, PromptHarness, compose, prompt_from_files
from search_space.prompting.harness import rankings_text
from tests.bench.tables import table

PLACE = "TEST_PUBLIC_DATA"
QUESTIONS = 3080
FOLDS = 10
RANDOM = 5
"""Random choices that are averaged."""
INSTRUCTIONS = b"Sort the text into one of the known kinds. Answer with the name of the kind alone."
GROUPED = 'format = "grouped"'
LISTED = "\n[answers]\nlist = true\ndescriptions = true\nwords = {}"
HEAD = ("prompt", "context_tokens", "cv", "val or test", "examples", "largest request, tokens", "ms a question")


def report(options: str = "") -> str:
    place = os.environ.get(PLACE)
    if not place:
        return f"skipped: {PLACE} does not name the folder with symptom_diagnosis and banking77"
    folder = Path(place)
    told = [f"symptom_diagnosis: 200 training rows, 50 of val\n\n{table(HEAD, symptoms(folder))}"]
    if questions := int(options or QUESTIONS):
        told.append(f"banking77: {questions} questions of test\n\n{table(HEAD, banking(folder, questions))}")
    return "\n\n".join(told)


def symptoms(folder: Path) -> list[Sequence[object]]:
    train, val = (_lines(folder / f"symptom_diagnosis/{name}.jsonl") for name in ("train", "val"))
    every = 'choice = "random"\ncount = 200\n' + GROUPED
    rows: list[Sequence[object]] = [
        _row("all 200", 11_400, every, train, val, cv="left out"),
        _random_row("80 at random (the mean of 5)", 4000, 'choice = "random"\ncount = 80', train, val),
        _random_row("at random, as many as fit", 4000, every, train, val),
    ]
    for name, words in (("similar", 0), ("similar_per_answer", 0), ("similar_per_answer", 15)):
        settings = f'choice = "{name}"\ncount = 200\n{GROUPED}' + (LISTED.format(words) if words else "")
        told = f"{name}, {words} words a description" if words else name
        rows.append(_row(told, 4000, settings, train, val, cv="left out"))
    for name, words in (("balanced", 0), ("central", 0), ("telling", 0), ("central", 30)):
        settings = f'choice = "{name}"\ncount = 200\n{GROUPED}' + (LISTED.format(words) if words else "")
        told = f"{name} (fixed), {words} words a description" if words else f"{name} (fixed)"
        rows.append(_row(told, 4000, settings, train, val, cv="folds"))
    return rows


def banking(folder: Path, questions: int) -> list[Sequence[object]]:
    train, test = (_table(folder / f"banking77/{name}.csv", name) for name in ("train", "test"))
    asked = random.Random(0).sample(test, questions) if questions < len(test) else test
    shown = f"count = 231\n{GROUPED}"
    rows = [
        _random_row("231 at random (the mean of 5)", 16_000, f'choice = "random"\n{shown}', train, asked, cv=False),
        _random_row(
            "3 a class at random (the mean of 5)", 16_000, f'choice = "balanced"\n{shown}', train, asked, cv=False
        ),
    ]
    memory = Memory(train)
    for name, words in (("central", 0), ("telling", 0), ("central", 12), ("similar", 0), ("similar_per_answer", 0)):
        settings = f'choice = "{name}"\n{shown}' + (LISTED.format(words) if words else "")
        told = name if name.startswith("similar") else f"{name} (fixed)"
        told += f", {words} words a description" if words else ""
        rows.append(_row(told, 16_000, settings, train, asked, memory=memory))
    return rows


def _random_row(
    name: str, bound: int, settings: str, train: Sequence[Case], asked: Sequence[Case], cv: bool = True
) -> Sequence[object]:
    memory, found = Memory(train), []
    for seed in range(RANDOM):
        harness = _harness(bound, settings, train, seed)
        left_out = _asked(harness, memory, train)[0] if cv and seed < 2 else None
        found.append((left_out, *_asked(harness, memory, asked)))
    own = [each[0] for each in found if each[0] is not None]
    mean, spread = (statistics.mean(each[1] for each in found), statistics.stdev(each[1] for each in found))
    right = f"{mean:.1f} (sd {spread:.1f})"
    return (name, bound, f"{statistics.mean(own):.1f}" if own else "", right, *_figures(found[0][2:]))


def _row(
    name: str,
    bound: int,
    settings: str,
    train: Sequence[Case],
    asked: Sequence[Case],
    cv: str = "",
    memory: Memory | None = None,
) -> Sequence[object]:
    memory = memory or Memory(train)
    own = ""
    if cv == "left out":
        own = f"{_asked(_harness(bound, settings, train, 0), memory, train)[0]:.1f}"
    elif cv == "folds":
        own = f"{_in_folds(bound, settings, train):.1f}"
    right, *others = _asked(_harness(bound, settings, train, 0), memory, asked)
    return (name, bound, own, f"{right:.1f}", *_figures(others))


def _in_folds(bound: int, settings: str, train: Sequence[Case]) -> float:
    """Percent right when each tenth is asked of a prompt that was made without it."""
    order = random.Random(1).sample(train, len(train))
    right = 0.0
    for fold in range(FOLDS):
        kept = [case for at, case in enumerate(order) if at % FOLDS != fold]
        asked = order[fold::FOLDS]
        right += _asked(_harness(bound, settings, kept, 0), Memory(kept), asked)[0] * len(asked)
    return right / len(train)


def _asked(harness: PromptHarness, memory: Memory, asked: Sequence[Case]) -> tuple[float, float, int, float]:
    """Percent right, examples shown on average, tokens of the largest request, milliseconds a question."""
    began, right, shown, largest = time.perf_counter(), 0, 0, 0
    for case in asked:
        composed = compose(harness, memory, case.question, case.group)
        right += learned_answer(composed.request("agent", harness.settings.max_output_tokens)) == case.answer
        shown, largest = shown + len(composed.shown), max(largest, composed.tokens)
    each = 1000 * (time.perf_counter() - began) / len(asked)
    return 100 * right / len(asked), shown / len(asked), largest, each


def _figures(found: Sequence[float]) -> tuple[str, ...]:
    shown, largest, each = found
    return (f"{shown:.0f}", f"{largest:,}", f"{each:.1f}")


def _harness(bound: int, settings: str, cases: Sequence[Case], seed: int) -> PromptHarness:
    wanted = [name for name in ("random", "balanced", "central", "telling") if f'choice = "{name}"' in settings]
    files: Mapping[str, bytes] = {
        "PROMPT.md": INSTRUCTIONS,
        "prompt.toml": f"context_tokens = {bound}\n[examples]\n{settings}\n".encode(),
        "rankings.json": rankings_text(rankings_of(cases, seed, wanted)).encode(),
    }
    return prompt_from_files(files)


def _lines(path: Path) -> list[Case]:
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        Case(f"{path.stem}-{at}", row["question"], row["answer"], f"{path.stem}-{at}") for at, row in enumerate(rows)
    ]


def _table(path: Path, name: str) -> list[Case]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Case(f"{name}-{at}", row["text"], row["category"]) for at, row in enumerate(rows)]
