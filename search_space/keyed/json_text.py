"""JSON text: values found with their places by a scan beside the standard library's reader, and set in place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from search_space.errors import InvalidEdit, InvalidFile
from search_space.keyed.read_back import first_that_reads
from search_space.toml_text import changed, equal, split_key

BLANK = re.compile(r"[ \t\r\n]*")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
PLAIN = re.compile(r"[^\s,\]}]+")


@dataclass(slots=True)
class Place:
    """Where a value stands (``start`` to ``end``), what it holds, and where a member's name stands."""

    start: int
    end: int = 0
    name: tuple[int, int] = (0, 0)
    members: dict[str, Place] | None = None
    items: list[Place] = field(default_factory=list)


class Json:
    """The format of ``*.json``: strict JSON with an object at the top."""

    def values(self, text: str, file: str) -> Mapping[str, Any]:
        return _parsed(text, file)

    def set_value(self, text: str, key: str, value: Any, file: str) -> str:
        parts = split_key(key)
        before = _parsed(text, file)
        expected = changed(before, parts, value, file)
        if equal(before, expected):
            return text
        way = _edited(text, parts, before, value)
        return first_that_reads([way], expected, lambda after: _parsed(after, file), file=file, key=key)


@lru_cache(maxsize=256)
def _parsed(text: str, file: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidFile(file, "", f"invalid JSON ({error})", "a JSON document without comments") from None
    except RecursionError:
        raise InvalidFile(file, "", "JSON that is nested too deeply", "a JSON document") from None
    if not isinstance(value, dict):
        raise InvalidFile(file, "", f"JSON with a {type(value).__name__} at the top", "an object at the top")
    return value


def _edited(text: str, parts: tuple[str, ...], before: Mapping[str, Any], value: Any) -> str:
    place = _scan(text, _skip(text, 0))
    old: Any = before
    for depth, part in enumerate(parts):
        members = place.members or {}
        if part not in members:
            for missing in reversed(parts[depth + 1 :]):
                value = {missing: value}
            return _added(text, place, part, value)
        if value is None and depth == len(parts) - 1:
            return _removed(text, place, part)
        place, old = members[part], old[part]
    return text[: place.start] + _written(value, text, place, old) + text[place.end :]


def _added(text: str, parent: Place, name: str, value: Any) -> str:
    entry = _dump(name)
    if not parent.members:
        return f"{text[: parent.start]}{{{entry}: {_dump(value)}}}{text[parent.end :]}"
    first, last = _ends(parent)
    between = text[parent.start + 1 : first.name[0]]
    colon = text[last.name[1] : last.start]
    return f"{text[: last.end]},{between or ' '}{entry}{colon}{_dump(value)}{text[last.end :]}"


def _removed(text: str, parent: Place, name: str) -> str:
    members = list((parent.members or {}).items())
    at = [each for each, _ in members].index(name)
    if at + 1 < len(members):
        return text[: members[at][1].name[0]] + text[members[at + 1][1].name[0] :]
    if at:
        return text[: members[at - 1][1].end] + text[members[at][1].end :]
    return f"{text[: parent.start]}{{}}{text[parent.end :]}"


def _ends(parent: Place) -> tuple[Place, Place]:
    places = list((parent.members or {}).values())
    return places[0], places[-1]


def _written(value: Any, text: str, place: Place, old: Any) -> str:
    """The value's text; a list keeps its line breaks, and the text of the items that stay."""
    if not isinstance(value, list) or not isinstance(old, list) or not place.items or not value:
        return _dump(value)
    kept = [(each, text[at.start : at.end]) for each, at in zip(old, place.items, strict=True)]
    items = [next((said for each, said in kept if equal(each, item)), None) or _dump(item) for item in value]
    opening = text[place.start + 1 : place.items[0].start]
    closing = text[place.items[-1].end : place.end - 1]
    separator = opening if len(place.items) == 1 else text[place.items[0].end + 1 : place.items[1].start]
    return f"[{opening}{(',' + (separator or ' ')).join(items)}{closing}]"


def _dump(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidEdit(f"got {value}, expected a finite number")
    return json.dumps(value, ensure_ascii=False)


def _scan(text: str, at: int) -> Place:
    """The places of the value that starts at ``at``; ``text`` is valid JSON."""
    place = Place(at)
    if text[at] not in "{[":
        place.end = _end(STRING if text[at] == '"' else PLAIN, text, at)
        return place
    named = text[at] == "{"
    place.members = {} if named else None
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        name = (at, _end(STRING, text, at) if named else at)
        inner = _scan(text, _skip(text, _skip(text, name[1]) + 1) if named else at)
        inner.name = name
        if place.members is None:
            place.items.append(inner)
        else:
            place.members.pop(json.loads(text[slice(*name)]), None)  # of two the last one counts
            place.members[json.loads(text[slice(*name)])] = inner
        at = _skip(text, inner.end)
        at = _skip(text, at + 1) if text[at] == "," else at
    place.end = at + 1
    return place


def _skip(text: str, at: int) -> int:
    return _end(BLANK, text, at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
