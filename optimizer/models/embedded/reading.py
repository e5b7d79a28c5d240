"""Reads one tool result: which facts its lines show.

Facts are recognised by the shape of lines (``path:line: source``, numbered source, outlines, totals, ...). Where a line
alone does not say what it is about (a bare name, a number), the call that it answers does: its inputs and what kind of
tool it went to (:mod:`optimizer.models.embedded.toolbox`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

FactKind = Literal[
    "line",
    "sites",
    "bases",
    "methods",
    "imports",
    "resolved",
    "signature",
    "outline",
    "total",
    "grepped",
    "page",
    "absent",
]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: ``kind``, what it is about (``name``, ``path``), and its value.

    ``line``: value (number, source text). ``sites``: tuple of (path, number, head) of all definitions of ``name``.
    ``bases``, ``imports``: tuple of texts. ``methods``: tuple of (name, number). ``resolved``: (module, original name).
    ``signature``: text. ``outline``: tuple of (depth, keyword, name, start, end). ``total``: (number, kind of tool).
    ``grepped``: tuple of (path, number, text), all the lines that match the pattern ``name`` in ``path``.
    ``page``: (last line shown, whether the result was cut there). ``absent``: no value.
    """

    kind: FactKind
    name: str
    path: str
    value: Any = None


_LOCATED = re.compile(r"^([\w./+-]+\.py):(\d+): ?(.*)$")
_NUMBERED = re.compile(r"^ *(\d+): ?(.*)$")
_OUTLINE = re.compile(r"^( *)(class|def|async def) ([\w.]+) \(lines (\d+)-(\d+)\)$")
_METHOD = re.compile(r"^(\w+) \(line (\d+)\)$")
_TOTAL = re.compile(r"^total (?:at least )?(\d+)$|^(\d+) lines$")
_CUT = re.compile(r"^\[.*\b(?:cut|left out|cleared)\b|^\.\.\. ")
_ABSENT = re.compile(r"no such (?:file|path|folder)[^:]*: ?(\S+)")
_DOTTED = re.compile(r"^[A-Za-z_][\w.]*$")
_ORIGINAL = re.compile(r"its name there: (\w+)")
_INTERESTING = re.compile(r"^\s*(?:class|def|async def|from|import)\b|^\w+\s*(?::[^=]+)?=|^\s+\w[\w, ]*[,)]")


@lru_cache(maxsize=8192)
def read_result(role: str, inputs: str, content: str, failed: bool) -> tuple[Fact, ...]:
    """The facts in the result of a call with ``inputs`` (JSON) to a tool that plays ``role``."""
    given = json.loads(inputs)
    name = str(next((given[key] for key in ("name", "text", "pattern", "prefix") if given.get(key)), ""))
    path = str(given.get("path") or "")
    if failed:
        absent = _ABSENT.search(content)
        return (Fact("absent", "", absent[1]),) if absent else ()
    lines = content.split("\n")
    complete = not any(_CUT.match(line) for line in lines)
    found = _located(role, name, path, lines, complete)
    if not found:
        found = _by_shape(role, name, path, lines, complete)
    return tuple(found)


def _located(role: str, name: str, path: str, lines: list[str], complete: bool) -> list[Fact]:
    """Facts of a result whose lines say where they stand."""
    rows = [(m[1], int(m[2]), m[3].strip()) for m in map(_LOCATED.match, lines) if m]
    if not rows:
        total = _total(lines)
        return [Fact("total", name, path, (total, role))] if total is not None else []
    found = [Fact("line", "", row[0], row[1:]) for row in rows]
    if role in ("definition", "class") and complete:
        found.append(Fact("sites", name, "", tuple(rows)))
    elif role in ("grep", "text") and complete:
        found.append(Fact("grepped", name, path, tuple(rows)))
    total = _total(lines)
    if total is not None:
        found.append(Fact("total", name, path, (total, role)))
    return found


def _by_shape(role: str, name: str, path: str, lines: list[str], complete: bool) -> list[Fact]:
    """Facts of a result whose lines tell neither path nor, some of them, number."""
    outline = [m for m in map(_OUTLINE.match, lines) if m]
    if outline:
        entries = tuple((len(m[1]) // 2, m[2], m[3], int(m[4]), int(m[5])) for m in outline)
        return [Fact("outline", "" if complete else "cut", path, entries)]
    methods = tuple((m[1], int(m[2])) for m in map(_METHOD.match, lines) if m)
    if methods:
        return [Fact("methods", name, path, methods)] if complete else []
    first = lines[0].strip()
    if first.startswith(("def ", "async def ")):
        return [Fact("signature", name, path, " ".join(line.strip() for line in lines))]
    numbered = [(int(m[1]), m[2]) for m in map(_NUMBERED.match, lines) if m]
    if numbered:
        found = [Fact("line", "", path, (n, text)) for n, text in numbered if _INTERESTING.match(text)]
        if role == "read":
            found.append(Fact("page", "", path, (numbered[-1][0], not complete)))
        if role == "imports" and complete:
            found.append(Fact("imports", "", path, tuple(text for _, text in numbered)))
        return found
    return _bare(role, name, path, lines, complete)


def _bare(role: str, name: str, path: str, lines: list[str], complete: bool) -> list[Fact]:
    """Facts of a result of bare names: what they are follows from the kind of tool."""
    first = lines[0].strip()
    if role == "resolve" and _DOTTED.match(first):
        original = _ORIGINAL.search("\n".join(lines[1:]))
        return [Fact("resolved", name, path, (first, original[1] if original else name))]
    if role == "bases" and complete:
        none = " " in first and "no base" in first
        return [Fact("bases", name, path, () if none else tuple(line.strip() for line in lines if line.strip()))]
    if role == "methods" and "no methods" in first:
        return [Fact("methods", name, path, ())]
    if role == "imports" and "imports nothing" in first:
        return [Fact("imports", "", path, ())]
    return []


def _total(lines: list[str]) -> int | None:
    found = next((m for line in reversed(lines) if (m := _TOTAL.match(line.strip()))), None)
    return int(found[1] or found[2]) if found else None


_CALL = re.compile(r"^\[?(?:call: )?(\w+)\((\{.*\})\)(\])?$")
_NOTED = re.compile(r"^\W*(?:.{1,80}?: )?((?:[a-z]+ ){1,4}(?:of|in|from|to) [^=:]{1,200}?) = (\S.*)$")


@dataclass(frozen=True, slots=True)
class Written:
    """What a text holds: results quoted under their calls, located source lines, and noted conclusions."""

    quoted: tuple[tuple[str, str, str], ...]
    """(tool, inputs as JSON, the lines quoted)."""
    facts: tuple[Fact, ...]
    noted: Mapping[str, str]


@lru_cache(maxsize=2048)
def read_text(text: str) -> Written:
    """The facts in a note, a summary, a ledger, or in what was said.

    A call such as ``grep({"pattern":"x"})`` alone on a line heads the lines quoted from its result: those indented
    below it, or, when it stands in brackets, all up to the next empty line. A conclusion reads ``what about = value``.
    """
    quoted: list[tuple[str, str, str]] = []
    facts: list[Fact] = []
    noted: dict[str, str] = {}
    call: tuple[str, str] | None = None
    whole = False
    held: list[str] = []
    for line in [*text.split("\n"), ""]:
        match = _CALL.match(line)
        if match or not line or not (whole or line.startswith(" ")):
            if call and call[1] and held:
                quoted.append((*call, "\n".join(held)))
            call, held = ((match[1], _normal(match[2])) if match else None), []
            whole = bool(match and match[3])
        elif call is not None:
            held.append(line if whole else line[2:])
        if located := _LOCATED.match(line.strip().lstrip("-* ")):
            facts.append(Fact("line", "", located[1], (int(located[2]), located[3].strip())))
        elif (note := _NOTED.match(line.strip())) and not note[2].endswith("..."):
            noted[note[1]] = note[2].strip()
    return Written(tuple(quoted), tuple(facts), noted)


def _normal(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return inputs_key(value) if isinstance(value, dict) else ""


def inputs_key(inputs: Mapping[str, Any]) -> str:
    """A call's inputs as JSON that names them: keys in order."""
    return json.dumps(inputs, sort_keys=True, ensure_ascii=False)
