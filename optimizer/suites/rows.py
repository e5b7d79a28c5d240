"""Tasks as written down: rows of a ``tasks.jsonl`` or of a generator, checked one by one and all together."""

from __future__ import annotations

import difflib
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from optimizer.errors import SettingsError
from optimizer.records import Split, Task
from optimizer.suites.grading import bare_answer

_REQUIRED: Final = ("id", "split", "prompt", "answer")
_REQUIRED_OF_SEQUENCE: Final = ("id", "split", "prompts", "answers")
_KNOWN: Final = (*_REQUIRED, "kind")
_KNOWN_OF_SEQUENCE: Final = (*_REQUIRED_OF_SEQUENCE, "kind")
_SPLITS: Final = tuple(split.value for split in Split)


@dataclass(frozen=True, slots=True)
class GradedTask:
    """A task with its truths, one for each prompt. ``prompts`` are those of a sequence, in order; empty for a single
    task. ``kind`` groups tasks in reports and may be empty."""

    task: Task
    truths: tuple[str, ...]
    kind: str = ""
    prompts: tuple[str, ...] = ()


def read_tasks(file: Path) -> list[GradedTask]:
    """The tasks of a JSON-lines file; raises :class:`SettingsError` naming the line."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{file}: no such file", hint="suite.tasks names a JSON-lines file of tasks.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}", hint="It must be a UTF-8 text file.") from None
    return check_together(list(_parse_lines(text, file.name)), file.name)


def generate_tasks(reference: str, args: Mapping[str, Any]) -> list[GradedTask]:
    """The tasks of a generator ``package.module:function``, called with ``args``.

    It returns rows as a tasks file has them. Raises :class:`SettingsError` when there is no such function,
    when it fails, and for rows as :func:`read_tasks` does.
    """
    function = resolve(reference, "suite.generator")
    try:
        rows = list(function(dict(args)))
    except Exception as error:  # the generator may be a user's: its mistakes are shown, not traced
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise SettingsError(f"{reference}: {kind}{error}", hint="Check suite.generator_args.") from error
    return check_together([_checked(row, f"{reference}: task {n}") for n, row in enumerate(rows, start=1)], reference)


def resolve(reference: str, key: str) -> Any:
    """The object that ``package.module:name`` names; raises :class:`SettingsError`, ``key`` saying who named it."""
    module, colon, name = reference.partition(":")
    if not colon or not module or not name.isidentifier():
        raise SettingsError(f"{key}: got {reference!r}, expected package.module:function")
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise SettingsError(f"{key}: cannot import {module}: {error}", hint="Is it installed or on the path?") from None
    except AttributeError:
        raise SettingsError(f"{key}: module {module} has no {name}") from None


def check_together(tasks: Sequence[GradedTask], source: str) -> list[GradedTask]:
    """``tasks`` unless two share an id or a prompt, also one of a sequence; raises :class:`SettingsError`."""
    ids: set[str] = set()
    prompts: dict[str, Task] = {}
    for graded in tasks:
        task = graded.task
        if task.id in ids:
            raise SettingsError(f"{source}: id {task.id!r} stands twice", hint="Give every task an id of its own.")
        ids.add(task.id)
        for prompt in graded.prompts or (task.prompt,):
            _claim(" ".join(prompt.split()), task, prompts, source)
    return list(tasks)


def _claim(prompt: str, task: Task, prompts: dict[str, Task], source: str) -> None:
    """Note that ``task`` asks ``prompt``; raises :class:`SettingsError` when it has been asked already."""
    other = prompts.get(prompt)
    if other is task:
        raise SettingsError(
            f"{source}: task {task.id!r} has the same prompt twice", hint="Ask each question of a sequence once."
        )
    if other is not None:
        splits = {other.split, task.split}
        where = "in split" if len(splits) == 1 else "in splits"
        where += f" {' and '.join(sorted(splits))}"
        raise SettingsError(
            f"{source}: tasks {other.id!r} and {task.id!r} have the same prompt ({where})",
            hint="Keep each task in one split only: what the search has seen says nothing in an exam.",
        )
    prompts[prompt] = task


def _parse_lines(text: str, name: str) -> Iterator[GradedTask]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise SettingsError(f"{where}: no JSON: {error}", hint="One task per line, each a JSON object.") from None
        yield _checked(row, where)


def _checked(row: object, where: str) -> GradedTask:
    if not isinstance(row, Mapping):
        raise SettingsError(f"{where}: got {_short(row)}, expected an object with {_list(_REQUIRED)}")
    sequence = "prompts" in row or "answers" in row
    known, required = (_KNOWN_OF_SEQUENCE, _REQUIRED_OF_SEQUENCE) if sequence else (_KNOWN, _REQUIRED)
    for key in row:
        if sequence and key in ("prompt", "answer"):
            raise SettingsError(
                f"{where}: got {key!r} beside {'prompts' if 'prompts' in row else 'answers'!r}",
                hint="A task has prompt and answer; a sequence has prompts and answers.",
            )
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            raise SettingsError(
                f"{where}: unknown key {key!r}, expected {_list(known)}",
                hint=f"Did you mean {near[0]!r}?" if near else "",
            )
    for key in required:
        if key not in row:
            raise SettingsError(f"{where}: key {key!r} is missing, expected {_list(required)}")
    identifier, kind = (_text(row, key, where) for key in ("id", "kind"))
    if row["split"] not in _SPLITS:
        raise SettingsError(f"{where}: split: got {_short(row['split'])}, expected {_list(_SPLITS, 'or')}")
    if sequence:
        return _sequence(row, identifier, kind, where)
    task = Task(identifier, Split(row["split"]), _text(row, "prompt", where))
    return GradedTask(task, (_answer(row["answer"], where),), kind)


def _sequence(row: Mapping[str, Any], identifier: str, kind: str, where: str) -> GradedTask:
    prompts, answers = row["prompts"], row["answers"]
    for key, value in (("prompts", prompts), ("answers", answers)):
        if not isinstance(value, list | tuple) or len(value) < 2:
            raise SettingsError(
                f"{where}: {key}: got {_short(value)}, expected a list of at least two",
                hint="A single question is written with prompt and answer.",
            )
    if len(prompts) != len(answers):
        raise SettingsError(f"{where}: got {len(prompts)} prompts and {len(answers)} answers, expected as many of both")
    for number, prompt in enumerate(prompts):
        if not isinstance(prompt, str) or not prompt.strip():
            raise SettingsError(f"{where}: prompts[{number}]: got {_short(prompt)}, expected text")
    truths = tuple(_answer(answer, where, f"answers[{number}]") for number, answer in enumerate(answers))
    return GradedTask(Task(identifier, Split(row["split"]), "\n\n".join(prompts)), truths, kind, tuple(prompts))


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str) or (key in _REQUIRED and not value.strip()):
        raise SettingsError(f"{where}: {key}: got {_short(value)}, expected text")
    return value


def _answer(value: object, where: str, key: str = "answer") -> str:
    """The truth as text. It must be able to be given: one line, and something left when quotes and periods are gone."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or "\n" in text.strip() or not bare_answer(text):
        raise SettingsError(f"{where}: {key}: got {_short(value)}, expected one line of text or a whole number")
    return text


def _list(words: Iterable[str], last: str = "and") -> str:
    *first, end = words
    return f"{', '.join(first)} {last} {end}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
