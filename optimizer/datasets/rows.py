"""Rows of a data file, each with the place it stands at: JSON lines, a JSON list, CSV, or a folder of cases."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.errors import SettingsError

DELIMITERS = ",;\t|"
LONGEST_FIELD = 64 * 1024 * 1024
"""Characters of one CSV field; what is longer is a quote that was never closed."""
INPUTS = ("input.txt", "question.txt", "prompt.txt")
OUTPUTS = ("expected.txt", "answer.txt", "output.txt")
KINDS = "a .jsonl, .json, .csv or .tsv file, or a folder with NAME/input.txt and NAME/expected.txt, or with *.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One case as it was written: its fields, and ``file:line`` (or the file) for errors."""

    fields: dict[str, Any]
    where: str


def read_rows(path: Path) -> list[Row]:
    """Every row of ``path`` in order, at least one.

    Raises :class:`SettingsError` that names the line for text that is not UTF-8, a line that is no JSON object, a bad
    quote, a row with too many or too few fields, and a case without its expected answer.
    """
    if path.is_dir():
        rows = list(_folder(path))
    elif not path.exists():
        raise SettingsError(f"{path}: no such file or folder", hint=f"name {KINDS}")
    else:
        rows = list(_file(path))
    if not rows:
        raise SettingsError(f"{path}: got no cases, expected at least one", hint=f"name {KINDS}")
    return rows


def _file(path: Path) -> Iterator[Row]:
    suffix = path.suffix.lower()
    text = _text(path)
    if suffix in (".csv", ".tsv"):
        return _csv(text, path)
    if suffix == ".json":
        return _list(text, path)
    if suffix in (".jsonl", ".ndjson"):
        return _lines(text, path)
    raise SettingsError(f"{path}: got a file of the kind '{suffix or path.name}', expected {KINDS}")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SettingsError(
            f"{path}:{line}: got the byte 0x{data[error.start]:02x}, expected UTF-8 text",
            hint=f"if it is Latin-1: iconv -f latin1 -t utf-8 {path.name} > fixed{path.suffix}",
        ) from None


def _lines(text: str, path: Path) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _row(_json(line, f"{path}:{number}"), f"{path}:{number}")


def _list(text: str, path: Path) -> Iterator[Row]:
    value = _json(text, str(path))
    if not isinstance(value, list):
        raise SettingsError(f"{path}: got {_short(value)}, expected a list of objects")
    for number, each in enumerate(value, start=1):
        yield _row(each, f"{path}: case {number}")


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = "one JSON object a line, in double quotes; a file cut short has half a line at its end"
        raise SettingsError(f"{where}: no JSON: {error}", hint=hint) from None


def _row(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise SettingsError(
            f'{where}: got {_short(value)}, expected an object such as {{"question": ..., "answer": ...}}'
        )
    return Row(value, where)


def _csv(text: str, path: Path) -> Iterator[Row]:
    """Strict: a quote in the wrong place shifts all that follows, so it is told rather than guessed at."""
    first = text.partition("\n")[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(DELIMITERS, key=first.count)
    before = csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    begins = 1
    try:
        for values in reader:
            where, begins = f"{path}:{begins}", reader.line_num + 1
            if not any(value.strip() for value in values):
                continue
            if header is None:
                header = _header(values, where)
                continue
            yield Row(_fields(header, values, where), where)
    except csv.Error as error:
        raise SettingsError(
            f"{path}:{begins}: got a bad quote in the row that begins here ({error}, noticed in line "
            f'{reader.line_num}), expected each field whole: text, or "text in quotes"',
            hint='write a quote inside a quoted field twice (""), and close every field that begins with one',
        ) from None
    finally:
        csv.field_size_limit(before)


def _header(values: list[str], where: str) -> list[str]:
    names = [value.strip() for value in values]
    if len(set(names)) != len(names):
        raise SettingsError(f"{where}: got the columns {', '.join(names)}, expected each name once")
    return names


def _fields(header: list[str], values: list[str], where: str) -> dict[str, Any]:
    if len(values) != len(header):
        raise SettingsError(
            f"{where}: got {len(values)} field{'' if len(values) == 1 else 's'}, expected {len(header)} "
            f"({', '.join(header)})",
            hint="put a text that has the separator or a line break in it into double quotes",
        )
    return dict(zip(header, values, strict=True))


def _folder(path: Path) -> Iterator[Row]:
    """``NAME/input.txt`` with ``NAME/expected.txt``, and ``*.json`` with one object or a list of them, by name."""
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if (row := _pair(entry)) is not None:
                yield row
        elif entry.suffix.lower() == ".json":
            value = _json(_text(entry), str(entry))
            for number, each in enumerate(value if isinstance(value, list) else [value], start=1):
                yield _row(each, f"{entry}: case {number}" if isinstance(value, list) else str(entry))


def _pair(folder: Path) -> Row | None:
    question = next((folder / name for name in INPUTS if (folder / name).is_file()), None)
    answer = next((folder / name for name in OUTPUTS if (folder / name).is_file()), None)
    if question is None and answer is None:
        return None
    if question is None or answer is None:
        missing, names = ("question", INPUTS) if question is None else ("expected answer", OUTPUTS)
        raise SettingsError(f"{folder}: got no {missing}, expected {' or '.join(names)} in it")
    return Row({"question": _text(question), "answer": _text(answer)}, str(folder))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
