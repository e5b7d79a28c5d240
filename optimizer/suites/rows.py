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
_KNOWN: Final = (*_REQUIRED, "kind")
_SPLITS: Final = tuple(split.value for split in Split)


@dataclass(frozen=True, slots=True)
class GradedTask:
    """A task with its truth. ``kind`` groups tasks in reports and may be empty."""

    task: Task
    truth: str
    kind: str = ""


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
    """``tasks`` unless two share an id or a prompt; raises :class:`SettingsError`."""
    ids: set[str] = set()
    prompts: dict[str, Task] = {}
    for graded in tasks:
        task = graded.task
        if task.id in ids:
            raise SettingsError(f"{source}: id {task.id!r} stands twice", hint="Give every task an id of its own.")
        ids.add(task.id)
        other = prompts.setdefault(" ".join(task.prompt.split()), task)
        if other is not task:
            splits = {other.split, task.split}
            where = "in split" if len(splits) == 1 else "in splits"
            where += f" {' and '.join(sorted(splits))}"
            raise SettingsError(
                f"{source}: tasks {other.id!r} and {task.id!r} have the same prompt ({where})",
                hint="Keep each task in one split only: what the search has seen says nothing in an exam.",
            )
    return list(tasks)


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
    for key in row:
        if key not in _KNOWN:
            near = difflib.get_close_matches(str(key), _KNOWN, 1)
            raise SettingsError(
                f"{where}: unknown key {key!r}, expected {_list(_KNOWN)}",
                hint=f"Did you mean {near[0]!r}?" if near else "",
            )
    for key in _REQUIRED:
        if key not in row:
            raise SettingsError(f"{where}: key {key!r} is missing, expected {_list(_REQUIRED)}")
    identifier, prompt, kind = (_text(row, key, where) for key in ("id", "prompt", "kind"))
    if row["split"] not in _SPLITS:
        raise SettingsError(f"{where}: split: got {_short(row['split'])}, expected {_list(_SPLITS, 'or')}")
    return GradedTask(Task(identifier, Split(row["split"]), prompt), _answer(row["answer"], where), kind)


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str) or (key in _REQUIRED and not value.strip()):
        raise SettingsError(f"{where}: {key}: got {_short(value)}, expected text")
    return value


def _answer(value: object, where: str) -> str:
    """The truth as text. It must be able to be given: one line, and something left when quotes and periods are gone."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or "\n" in text.strip() or not bare_answer(text):
        raise SettingsError(f"{where}: answer: got {_short(value)}, expected one line of text or a whole number")
    return text


def _list(words: Iterable[str], last: str = "and") -> str:
    *first, end = words
    return f"{', '.join(first)} {last} {end}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
