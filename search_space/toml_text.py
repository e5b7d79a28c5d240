"""TOML text: read by the standard library, edited in place with every comment kept.

Most edits replace, add or drop one ``key = value`` line. That is done on the text itself and checked by reading the
result back; whatever is not that simple goes through tomlkit, which is exact but takes milliseconds.
"""

from __future__ import annotations

import copy
import json
import math
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from search_space.errors import InvalidEdit, InvalidFile

BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
TABLE = re.compile(r"\s*\[\s*([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\s*\]\s*(?:#.*)?\Z")
ANY_TABLE = re.compile(r"\s*\[")
ENTRY = re.compile(
    r"(?P<left>\s*(?P<key>[A-Za-z0-9_-]+|\"[^\"\\]*\")\s*=\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s\"'\[{#][^\s#]*)(?P<right>\s*(?:#.*)?)\Z"
)


@lru_cache(maxsize=256)
def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def parse_toml(text: str, file: str) -> Mapping[str, Any]:
    """The document as plain values; not to be changed (answers are cached). Raises InvalidFile with line and column."""
    try:
        return _parsed(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile(file, "", f"invalid TOML ({error})", "a TOML document") from None


def split_key(key: str) -> tuple[str, ...]:
    """The parts of a dotted key; a part in double quotes may hold dots. Raises :class:`InvalidEdit`."""
    parts = re.findall(r"\"[^\"\\]+\"|[^.\"]+", key)
    if not parts or ".".join(parts) != key or not all(part[0] == '"' or BARE.match(part) for part in parts):
        raise InvalidEdit(f"got the key {key!r}, expected a dotted key such as 'limits.max_steps'")
    return tuple(part.strip('"') for part in parts)


def join_key(parts: tuple[str, ...]) -> str:
    """The dotted key of ``parts``, quoted where TOML needs it."""
    return ".".join(part if BARE.match(part) else f'"{part}"' for part in parts)


def lookup(data: Mapping[str, Any], parts: tuple[str, ...]) -> Any:
    """The value at a key; raises :class:`KeyError` when it is absent."""
    value: Any = data
    for part in parts:
        if not isinstance(value, dict):  # a concrete type: this is the innermost loop of reading a space
            raise KeyError(part)
        value = value[part]
    return value


def equal(left: Any, right: Any) -> bool:
    """Equality that tells ``true`` from ``1`` from ``1.0``, whatever the order of keys."""
    kind = type(left)
    if kind is str or kind is int:  # most values are
        return kind is type(right) and bool(left == right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return type(left) is type(right) and bool(left == right)


def set_value(text: str, key: str, value: Any, file: str) -> str:
    """``text`` with ``key`` set to ``value``, or removed when ``value`` is None; everything else stays as it is.

    ``value`` is what JSON can hold. Missing tables are made. Raises :class:`InvalidEdit` when the key cannot be set
    (its parent is no table), or is removed but absent; :class:`InvalidFile` when ``text`` is no TOML.
    """
    if value is None or isinstance(value, str | int | float):
        return _set_scalar(text, key, value, file)
    return _set(text, key, value, file)


def _set(text: str, key: str, value: Any, file: str) -> str:
    parts = split_key(key)
    before = parse_toml(text, file)
    expected = changed(before, parts, value, file)
    if equal(before, expected):
        return text
    for attempt in (_edit_line, _edit_document):
        after = attempt(text, parts, value)
        if after is not None and _reads_as(after, expected):
            return after
    raise InvalidEdit(f"{file}: {key}: this value cannot be written without changing the rest of the file")


_set_scalar = lru_cache(maxsize=64, typed=True)(_set)
"""An edit is applied several times on its way through an experiment."""


def changed(before: Mapping[str, Any], parts: tuple[str, ...], value: Any, file: str) -> dict[str, Any]:
    """``before`` with the change made: what the edited text must read as.

    Raises :class:`InvalidEdit` when a part of the key above the last is no table, or what is removed is absent."""
    result: dict[str, Any] = dict(before)
    table = result
    for depth, part in enumerate(parts[:-1], 1):
        inner = table.get(part, {})
        if not isinstance(inner, dict):
            where = join_key(parts[:depth])
            raise InvalidEdit(f"{file}: {where}: got {inner!r} there, expected a table to set {join_key(parts)} in")
        table[part] = dict(inner)
        table = table[part]
    if value is not None:
        table[parts[-1]] = copy.deepcopy(value)
    elif parts[-1] in table:
        del table[parts[-1]]
    else:
        raise InvalidEdit(f"{file}: {join_key(parts)}: got a removal, but the key is not there")
    return result


def _reads_as(text: str, expected: dict[str, Any]) -> bool:
    try:
        return equal(_parsed(text), expected)
    except tomllib.TOMLDecodeError:
        return False


def _edit_line(text: str, parts: tuple[str, ...], value: Any) -> str | None:
    """The edit on one line of a plain table; None when it is not that simple."""
    if '"""' in text or "'''" in text or isinstance(value, list | dict):
        return None
    lines = text.split("\n")
    start, end = _table_lines(lines, ".".join(parts[:-1]))
    if start is None:
        return None if value is None else _new_table(lines, parts, value)
    last = start
    for at in range(start, end):
        match = ENTRY.match(lines[at])
        if match and match["key"].strip('"') == parts[-1]:
            if value is None:
                return "\n".join(lines[:at] + lines[at + 1 :])
            lines[at] = match["left"] + to_toml(value) + match["right"]
            return "\n".join(lines)
        if lines[at].strip():
            last = at + 1
    if value is None:
        return None
    lines.insert(last, f"{join_key(parts[-1:])} = {to_toml(value)}")
    return "\n".join(lines)


def _new_table(lines: list[str], parts: tuple[str, ...], value: Any) -> str | None:
    """The text with a table made for one key: after its parent's lines, else at the end."""
    if len(parts) < 2 or not all(BARE.match(part) for part in parts[:-1]):
        return None
    start, end = _table_lines(lines, ".".join(parts[:-2])) if len(parts) > 2 else (None, 0)
    at = end if start is not None else len(lines)
    while at > 0 and not lines[at - 1].strip():
        at -= 1
    table = [f"[{'.'.join(parts[:-1])}]", f"{join_key(parts[-1:])} = {to_toml(value)}"]
    return "\n".join([*lines[:at], *([""] if at else []), *table, *(lines[at:] or [""])])


def _table_lines(lines: list[str], table: str) -> tuple[int | None, int]:
    """The range of lines in ``[table]``'s body; the part before any header for the table ``""``."""
    start: int | None = 0 if table == "" else None
    for at, line in enumerate(lines):
        if not ANY_TABLE.match(line):
            continue
        if start is not None:
            return start, at
        header = TABLE.match(line)
        if header and header[1] == table:
            start = at + 1
    return start, len(lines)


def _edit_document(text: str, parts: tuple[str, ...], value: Any) -> str | None:
    """The edit through tomlkit, imported here because it is slow to import."""
    import tomlkit

    document = tomlkit.parse(text)
    table: Any = document
    for part in parts[:-1]:
        if part not in table:
            table[part] = tomlkit.table()
        table = table[part]
    if value is None:
        del table[parts[-1]]
    else:
        table[parts[-1]] = value
    return tomlkit.dumps(document)


def to_toml(value: str | int | float | bool) -> str:
    """A scalar as TOML text."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidEdit(f"got {value}, expected a finite number")
    return repr(value).lower() if isinstance(value, bool) else repr(value)
