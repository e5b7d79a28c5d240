"""What the model can want to know, and the ways to find it out.

A way is a need in plain words, for which a tool is taken by similarity, and the values that its parameters may take.
Plain search (a regular expression, a range of lines) can do almost anything, at more cost and output; those ways are
marked ``plain``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

WantKind = Literal[
    "bases", "class", "sites", "source", "imports", "methods", "signature", "outline", "calls", "line", "value"
]
READ_AROUND = 18
"""Lines read from a definition on."""
READ_TOP = 60
"""Lines read for a module's imports."""


@dataclass(frozen=True, slots=True)
class Want:
    """One thing to find out: ``kind``, the name it is about, and the file or folder (``""``: the whole tree).

    ``line`` is where the thing is known to begin, 0 when not known.
    """

    kind: WantKind
    name: str = ""
    path: str = ""
    line: int = 0

    @property
    def key(self) -> str:
        """Names the want; where the thing begins is not part of it."""
        return f"{self.kind} {self.name} {self.path}"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to make."""

    tool: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to find something out."""

    need: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    plain: bool = False
    local: bool = False
    """Whether it makes no sense without a path."""
    ranged: bool = False
    """Whether ``start`` and ``end`` are part of the way, so that a whole file is the careless version of it."""


def ways(want: Want) -> list[Way]:
    """The ways to ``want``, dedicated ones first."""
    name, bare = want.name, want.name.rpartition(".")[2]
    slots = {"name": name, "path": want.path, "text": bare, "prefix": bare, "query": name, "pattern": rf"\b{bare}\b"}
    dedicated = [Way(need, {**slots, "name": _name_for(want)}) for need in _NEEDS[want.kind]]
    return dedicated + _plain(want, slots)


_NEEDS: Mapping[WantKind, tuple[str, ...]] = {
    "bases": ("the base classes of a class", "where a class is defined, with its bases"),
    "class": (
        "where a class is defined in the whole tree, with its bases",
        "where a name is defined in the whole tree",
    ),
    "sites": ("where a class, function or name is defined in the whole tree",),
    "source": ("from which module a file imports a name", "the import statements of a file"),
    "imports": ("the import statements of a file",),
    "methods": ("the methods of a class with their line numbers", "classes and methods of a file with their lines"),
    "signature": ("the parameters of a function with their default values",),
    "outline": ("the functions and methods of a file and their lines",),
    "calls": ("count where a function is called in a file or folder",),
    "line": ("the line where a function or class is defined", "classes and functions of a file with their lines"),
    "value": (),
}
_SEARCH = "search source lines for a regular expression"
_READ = "read the lines of a file from a start line to an end line"


def _name_for(want: Want) -> str:
    return want.name.rpartition(".")[2] if want.kind in ("source", "calls") else want.name


def _plain(want: Want, slots: Mapping[str, Any]) -> list[Way]:
    bare = re.escape(want.name.rpartition(".")[2])
    top = {**slots, "start": 1, "end": READ_TOP}
    around = {**slots, "start": max(1, want.line), "end": max(1, want.line) + READ_AROUND}
    defined = rf"^\s*{_keyword(bare)}{bare}\b"
    patterns = {
        "bases": rf"^\s*class {bare}\b",
        "class": rf"^\s*class {bare}\b",
        "sites": defined,
        "source": rf"import .*\b{bare}\b",
        "imports": r"^\s*(?:from|import) ",
        "methods": r"^(?:class|    def|    async def|def) ",
        "signature": rf"def {bare}\(",
        "outline": r"^\s*(?:class|def|async def) ",
        "calls": rf"\b{bare}\(",
        "line": defined,
        "value": rf"^{bare}\s*(?::[^=]*)?=",
    }
    local = want.kind in ("imports", "methods", "outline")
    search = Way(_SEARCH, {**slots, "pattern": patterns[want.kind]}, plain=True, local=local)
    if want.kind == "source":
        return [search, Way(_READ, top, plain=True, ranged=True)]
    if want.kind == "imports":
        return [search, Way(_READ, top, plain=True, ranged=True)]
    if want.kind == "signature" and want.line:
        return [Way(_READ, around, plain=True, ranged=True), search]
    return [search]


def _keyword(name: str) -> str:
    """What stands before a name where it is defined, by the habits of Python: constants are in capitals, classes begin
    with one."""
    if name.isupper():
        return ""
    return "class " if name.lstrip("_")[:1].isupper() else "def "
