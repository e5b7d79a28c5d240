"""Dimensions of tools: who sees one, which stands first, what is said of one, and which may run side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search_space.dimensions.base import Files
from search_space.dimensions.keys import KeyDimension, document
from search_space.domains import Assignment, Choice, Domain, Scalar, same
from search_space.edits import Edit, SetKey
from search_space.harness_file import AGENT
from search_space.toml_text import lookup

WORDS = {
    "offered": "offer the tool {}",
    "deferred": "put the tool {} behind the tool search",
    "off": "take the tool {} away",
}


@dataclass(frozen=True)
class ToolDimension(KeyDimension):
    """Who sees a tool. The default of ``[tools]`` is written by leaving the tool out."""

    tool: str = ""

    def read(self, files: Files) -> Scalar:
        value = super().read(files)
        return self._default(files) if value is None else value

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        if same(self.read(files), value):
            return None
        return SetKey(file=self.file, key=self.key, value=None if value == self._default(files) else value)

    def describe(self, value: Scalar) -> str:
        text = str(value)
        if text.startswith(AGENT):
            return f"give the tool {self.tool} to the sub-agent {text.removeprefix(AGENT)} alone"
        return WORDS.get(text, "set the tool {} to " + text).format(self.tool)

    def _default(self, files: Files) -> str:
        try:
            return str(lookup(document(files, self.file), ("tools", "default")))
        except KeyError:
            return "offered"


@dataclass(frozen=True)
class ParallelDimension(KeyDimension):
    """Whether a tool is marked parallel: never when two of its calls always conflict (``because`` says over what), and
    not beside ``rivals``, the dimensions of the tools that its calls always conflict with."""

    tool: str = ""
    because: str = ""
    rivals: tuple[str, ...] = ()

    def allowed(self, assignment: Assignment) -> Domain:
        taken = any(assignment.get(rival) is True for rival in self.rivals)
        return Choice((False,)) if taken else self.domain

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        if same(self.read(files), value):
            return None
        return SetKey(file=self.file, key=self.key, value=True if value else None)

    def describe(self, value: Scalar) -> str:
        return f"let calls of {self.tool} run in parallel" if value else f"run calls of {self.tool} one by one"


@dataclass(frozen=True)
class FirstToolDimension(KeyDimension):
    """Which of ``tools`` stands first among the tools; None is the environment's order. The key is a list: what else is
    in it stays behind, in its order."""

    tools: tuple[str, ...] = ()

    def read(self, files: Files) -> Scalar:
        return next((name for name in self._list(files) if name in self.tools), None)

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        if same(self.read(files), value):
            return None
        order = self.order(self._list(files), value)
        return SetKey(file=self.file, key=self.key, value=[*order] or None)

    def order(self, present: list[str], value: Scalar) -> list[str]:
        """The list with ``value`` in front of what other tools it holds."""
        return [*([str(value)] if value is not None else []), *(each for each in present if each not in self.tools)]

    def describe(self, value: Scalar) -> str:
        return "offer the tools in the environment's order" if value is None else f"offer the tool {value} first"

    def _list(self, files: Files) -> list[str]:
        try:
            value: Any = lookup(document(files, self.file), self.parts)
        except KeyError:
            return []
        return value if isinstance(value, list) else []


@dataclass(frozen=True)
class DescriptionDimension(KeyDimension):
    """What is said of a tool: one of ``texts`` by its id; None is the tool's own description."""

    tool: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)

    def read(self, files: Files) -> Scalar:
        text = super().read(files)
        return next((id_ for id_, wording in self.texts.items() if wording == text), text)

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        if same(self.read(files), value):
            return None
        return SetKey(file=self.file, key=self.key, value=None if value is None else self.texts[str(value)])

    def describe(self, value: Scalar) -> str:
        if value is None:
            return f"describe the tool {self.tool} in its own words"
        return f"describe the tool {self.tool} as '{self.texts.get(str(value), value)}'"
