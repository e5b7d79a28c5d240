"""The tools on offer: what each is for, and which one is taken for a need.

A tool's *role* is the kind of tool that its name and description are most similar to, among a documented list of kinds;
it only tells how a result is to be read. Which tool is *taken* for a need is a draw: every tool has the utility
``similarity / temperature + gumbel``, so that the chance of a tool is the softmax of its similarity to the need. The
temperature grows with the number of tools offered: look-alikes mislead, and more so in a crowd.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.similarity import Corpus, Vectors, similarity

ROLES: Mapping[str, str] = {
    "files": "list files: list the files in a folder, one path per line",
    "glob": "glob: list the files whose path matches a glob pattern",
    "grep": "grep: search source lines for a regular expression pattern",
    "read": "read file: read the lines of a file from a start line to an end line",
    "outline": "outline: show classes, methods and functions of a file with their line ranges",
    "definition": "find definition: where a class, function, method or name is defined in the whole tree",
    "class": "find class: where a class is defined in the whole tree, with its bases",
    "bases": "class bases: the base classes of a class as written",
    "methods": "list methods: the methods that a class defines, with line numbers",
    "signature": "signature: the signature of a function, its parameters with default values",
    "imports": "list imports: the import statements of a file",
    "resolve": "resolve import: from which module a file imports a name",
    "calls": "find calls: find and count the call sites of a function",
    "length": "count lines: count the lines of a file",
    "text": "search text: search source lines for plain text, comments and strings included",
    "references": "find references: lines where a name occurs, definition, import or use, and the total",
    "prefix": "find symbol: names that start with a prefix",
    "symbols": "list symbols: names of classes, methods and functions of a file, without their lines",
    "preview": "preview file: the first lines of a file",
    "docstring": "docstring: the docstring of a class or function",
    "matches": "count matches: count the lines that hold a text",
    "names": "find file: find files by their file name",
    "note": "write note: write a note on a topic to memory",
    "recall": "read note: read the note on a topic from memory",
    "archive": "search archive: search earlier messages and results that were dropped",
    "tools": "search tools: find more tools by what they do",
    "delegate": "delegate: hand tasks to sub-agents, which work on them side by side and report back",
}
MEMORY_ROLES = frozenset({"note", "recall", "archive", "tools", "delegate"})
LEAST_ROLE = 0.25
"""A tool less similar than this to every kind has no role."""
LEAST_FIT = 0.30
"""A tool less similar than this to a need is not taken for it."""
LOOK_ALIKE_SHARE = 0.62
"""Nor is one with less than this share of the best tool's similarity."""
TEMPERATURE = 0.055
CROWD = 0.035
"""Growth of the temperature for every tool offered beyond ``CALM_TOOLS``, as a share of itself."""
CALM_TOOLS = 8


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """One tool as the request offers it."""

    name: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    required: frozenset[str]
    role: str


class Toolbox:
    """The tools of one request. Made once for each different list (:func:`toolbox_for`)."""

    def __init__(self, specs: Sequence[Mapping[str, Any]]) -> None:
        self.tools = {spec["name"]: _offered(spec) for spec in specs}
        self._corpus = Corpus(_words_of(tool) for tool in self.tools.values())
        self._vectors = {name: self._corpus.vectors(_words_of(tool)) for name, tool in self.tools.items()}
        self._fits: dict[str, dict[str, float]] = {}

    def with_role(self, role: str) -> OfferedTool | None:
        """The first tool of that role."""
        return next((tool for tool in self.tools.values() if tool.role == role), None)

    def role_of(self, name: str) -> str:
        """The role of a tool by its name, also of one that is not offered (then by its name alone)."""
        tool = self.tools.get(name)
        return tool.role if tool else role_of(name, "")

    def temperature(self, calm: float) -> float:
        """The choice's temperature; ``calm`` in [0, 1] is how far care takes it down to a third."""
        crowd = 1 + CROWD * max(0, len(self.tools) - CALM_TOOLS)
        return TEMPERATURE * crowd * (1 - min(1.0, calm) * 2 / 3)

    def fits(self, need: str) -> dict[str, float]:
        """The similarity of each working tool (memory's and the tool search left out) to a need in words."""
        if need not in self._fits:
            wanted = self._corpus.vectors(need)
            self._fits[need] = {
                name: similarity(wanted, self._vectors[name])
                for name, tool in self.tools.items()
                if tool.role not in MEMORY_ROLES
            }
        return self._fits[need]

    def take(self, need: str, dice: Dice, calm: float, without: Collection[str] = ()) -> OfferedTool | None:
        """The tool taken for ``need``; None when no tool left fits."""
        fits = self.fits(need)
        best = max(fits.values(), default=0.0)
        least = max(LEAST_FIT, LOOK_ALIKE_SHARE * best)
        able = [name for name, fit in fits.items() if fit >= least and name not in without]
        if not able:
            return None
        heat = self.temperature(calm)
        return self.tools[max(able, key=lambda name: fits[name] / heat + dice.gumbel("tool", need, name))]


def toolbox_for(specs: Sequence[Mapping[str, Any]]) -> Toolbox:
    """The toolbox of these tools, remembered by their JSON; without the provider's own, which have no schema."""
    told = [spec for spec in specs if "input_schema" in spec]
    bare = [{k: spec.get(k) for k in ("name", "description", "input_schema")} for spec in told]
    return _toolbox(json.dumps(bare, separators=(",", ":")))


@lru_cache(maxsize=256)
def _toolbox(text: str) -> Toolbox:
    return Toolbox(json.loads(text))


@lru_cache(maxsize=4096)
def role_of(name: str, description: str) -> str:
    """The kind of tool that a name and description are most similar to, ``other`` when to none."""
    corpus, kinds = _kinds()
    vectors = corpus.vectors(f"{name} {name} {description}")
    role, score = max(((role, similarity(vectors, known)) for role, known in kinds.items()), key=lambda pair: pair[1])
    return role if score >= LEAST_ROLE else "other"


@lru_cache(maxsize=1)
def _kinds() -> tuple[Corpus, dict[str, Vectors]]:
    corpus = Corpus(ROLES.values())
    return corpus, {
        role: corpus.vectors(text.replace(":", f" {text.partition(':')[0]}")) for role, text in ROLES.items()
    }


def _offered(spec: Mapping[str, Any]) -> OfferedTool:
    """A tool as it is offered; parts of its schema that are no schema are taken as empty."""
    description = spec.get("description") or ""
    properties, required = spec["input_schema"].get("properties"), spec["input_schema"].get("required")
    return OfferedTool(
        spec["name"],
        description,
        {k: v if isinstance(v, dict) else {} for k, v in properties.items()} if isinstance(properties, dict) else {},
        frozenset(name for name in required if isinstance(name, str)) if isinstance(required, list) else frozenset(),
        role_of(spec["name"], description),
    )


def _words_of(tool: OfferedTool) -> str:
    return f"{tool.name} {tool.name} {tool.description}"
