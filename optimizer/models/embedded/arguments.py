"""Fills a tool's parameters from what the model has in mind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from optimizer.models.embedded.similarity import Corpus, Vectors, similarity
from optimizer.models.embedded.toolbox import OfferedTool
from optimizer.models.embedded.wants import Way

SLOT_WORDS: Mapping[str, str] = {
    "name": "name: the name of a class, function, method or identifier",
    "path": "path: a file or folder, relative to the root",
    "pattern": "pattern: a regular expression or glob pattern",
    "start": "start: the first line to read",
    "end": "end: the last line to read",
    "text": "text: the text to look for or to remember",
    "query": "query: words to search for",
    "topic": "topic: the topic of a note",
    "prefix": "prefix: the beginning of a name",
}
LEAST_SLOT = 0.25
"""A parameter less similar than this to every slot is left out."""


def fill(tool: OfferedTool, way: Way, *, broad: bool, whole: bool) -> dict[str, Any] | None:
    """The input for ``tool``, or None when a required parameter cannot be filled.

    ``broad``: an optional path is left out; ``whole``: optional line numbers are left out.
    """
    inputs: dict[str, Any] = {}
    for name, schema in tool.parameters.items():
        slot = slot_of(name, str(schema.get("description") or ""))
        value = way.slots.get(slot) if slot else None
        optional = name not in tool.required
        if optional and ((slot == "path" and broad) or (slot in ("start", "end") and whole)):
            continue
        if value is None or value == "":
            if optional:
                continue
            if slot != "path":
                return None
            value = "."
        inputs[name] = value if isinstance(value, int) else str(value)
    return inputs


@lru_cache(maxsize=2048)
def slot_of(name: str, description: str) -> str:
    """The slot that a parameter takes its value from, by name, else by similarity; empty when none is similar."""
    if name in SLOT_WORDS:
        return name
    corpus, slots = _slots()
    vectors = corpus.vectors(f"{name} {name} {description}")
    score, best = max((similarity(vectors, known), slot) for slot, known in slots.items())
    return best if score >= LEAST_SLOT else ""


@lru_cache(maxsize=1)
def _slots() -> tuple[Corpus, dict[str, Vectors]]:
    corpus = Corpus(SLOT_WORDS.values())
    return corpus, {slot: corpus.vectors(text) for slot, text in SLOT_WORDS.items()}
