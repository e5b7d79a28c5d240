"""A dimension that is proposed, and a space file of many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from search_space.toml_text import join_key, to_toml

WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Opened:
    """One ``[[dimension]]`` table (in the order of its keys, the ``name`` among them), and what it opens in plain
    words: ``sentence``, without a full stop."""

    sentence: str
    table: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.table["name"])

    @property
    def file(self) -> str:
        return str(self.table["file"])


def named(opened: Iterable[Opened]) -> list[Opened]:
    """The proposals with names that are all different: a second one of a name gets a number."""
    seen: dict[str, int] = {}
    result = []
    for each in opened:
        number = seen[each.name] = seen.get(each.name, 0) + 1
        name = each.name if number == 1 else f"{each.name}-{number}"
        result.append(replace(each, table={**each.table, "name": name}))
    return result


def slug(text: str, words: int = 5) -> str:
    """The first words of a text as a name: lower case, with hyphens; ``x`` when it has none."""
    return "-".join(WORD.findall(text.lower())[:words]) or "x"


def stem(file: str) -> str:
    """What a file is called in names: ``claude`` for ``CLAUDE.md``, the folder's name for ``skills/NAME/SKILL.md``."""
    parts = file.split("/")
    last = parts[-1].rsplit(".", 1)[0] if "." in parts[-1].lstrip(".") else parts[-1]
    return slug(parts[-2] if last == "SKILL" and len(parts) > 1 else last)


def space_text(opened: Sequence[Opened], head: Sequence[str]) -> str:
    """The space file: each dimension under its sentence; ``head`` are lines of comment at the top."""
    parts = ["".join(f"# {line}".rstrip() + "\n" for line in head)]
    for each in opened:
        tables = {key: value for key, value in each.table.items() if isinstance(value, Mapping)}
        lines = [f"# {' '.join(each.sentence.split())}", "[[dimension]]"]
        lines += [f"{key} = {_value(value)}" for key, value in each.table.items() if key not in tables]
        for key, table in tables.items():
            lines += [f"[dimension.{key}]", *(f"{join_key((id_,))} = {to_toml(text)}" for id_, text in table.items())]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _value(value: Any) -> str:
    return f"[{', '.join(map(to_toml, value))}]" if isinstance(value, list) else to_toml(value)
