"""What tuning may change about a prompt: the ready space, and the recipes that are tried first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_space.prompting.settings import PER_QUESTION, SETTINGS_FILE, PromptSettings

COUNTS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
SENTENCES: Mapping[str, str] = {
    "say.alone": "Give the answer alone, without any explanation.",
    "say.examples": "Follow the examples: they show what a right answer looks like.",
    "say.closest": "Decide by the examples that are closest to the question.",
    "say.think": "Consider every possible answer before you choose one.",
    "say.listed": "Give the answer exactly as it is spelled in the examples or in the list.",
}
"""Instructions that may be added to the user's own; each helps some models on some tasks."""
Assignment = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to choose from: the number of stored ``cases``, whether their answers are ``labels``, the names of
    the ``rankings``, and whether only what makes a self-contained prompt is wanted (``static``). ``instructed``: the
    model follows sentences (the embedded learner reads examples and lists of answers alone). ``context_tokens`` is the
    most that a request may have; ``fits``: all of the cases fit into that, so that there is nothing to look up."""

    cases: int
    labels: bool
    rankings: Sequence[str]
    static: bool
    instructed: bool
    context_tokens: int
    fits: bool = False

    @property
    def choices(self) -> list[str]:
        """What ``examples.choice`` may be."""
        retrieved = [] if self.static else [name for name in PER_QUESTION if self.labels or name == "similar"]
        # What is found good first stays unless another is clearly better: where all fits, a prompt that is complete.
        first, second = (self.rankings, retrieved) if self.fits else (retrieved, self.rankings)
        return ["none", *first, *second]

    @property
    def counts(self) -> list[int]:
        """What ``examples.count`` may be; the last one is all."""
        return [*(count for count in COUNTS if count < self.cases), self.cases]

    @property
    def budgets(self) -> list[int]:
        """What the largest request may be: all that is allowed, half and a quarter of it."""
        return sorted({max(1, self.context_tokens // part) for part in (1, 2, 4)})

    @property
    def count(self) -> int:
        """What it is at first, and when examples come to be shown."""
        return self.counts[min(2, len(self.counts) - 1)]


def space_of(material: Material) -> dict[str, Any]:
    """The space file as a table: every dimension is a key of ``prompt.toml`` or a sentence of the prompt."""
    some = {"examples.choice": [choice for choice in material.choices if choice != "none"]}
    orders = ["chosen", "nearest_last", *(["by_answer"] if material.labels else [])]
    formats = ["qa", "xml", "arrow", *(["grouped"] if material.labels else []), *([] if material.static else ["turns"])]
    dimensions = [
        _choice("examples.choice", material.choices),
        _choice("examples.count", material.counts, when=some, default=material.count),
        _choice("examples.order", orders, when=some, default="chosen"),
        _choice("examples.format", formats, when=some, default="qa"),
        _choice("output.format", ["plain", "json"]),
        _choice("context_tokens", material.budgets),
    ]
    if material.labels:
        dimensions += [
            _choice("examples.per_answer", [0, 1, 2, 3, 5, 8], when=some, default=0),
            {"kind": "flag", "file": SETTINGS_FILE, "key": "answers.list"},
            {
                "kind": "flag",
                "file": SETTINGS_FILE,
                "key": "answers.descriptions",
                "when": {"answers.list": [True]},
                "default": False,
            },
            _choice("answers.words", [4, 8, 12, 20], when={"answers.descriptions": [True]}, default=12),
        ]
    if material.instructed:
        dimensions += [
            {"kind": "sentence", "name": name, "file": PromptSettings().prompt, "text": text}
            for name, text in SENTENCES.items()
        ]
    return {"description": "Examples, answers, format and sentences of a prompt", "dimension": dimensions}


def recipes_of(material: Material) -> list[tuple[str, Assignment]]:
    """Whole settings that are tried first, each with its reason: what is known to work on many tasks."""
    listed: Assignment = {"answers.list": True} if material.labels else {}
    described: Assignment = {"answers.list": True, "answers.descriptions": True} if material.labels else {}
    all_of_them = {"examples.count": material.counts[-1]}
    recipes: list[tuple[str, Assignment]] = []
    compact = {"examples.format": "grouped"} if material.labels and not material.fits else {}
    for choice in [choice for choice in material.choices if choice != "none"]:
        shown = {"examples.choice": choice, **all_of_them, **compact}
        recipes.append((f"As many examples as fit ({choice}), and the answers there are", {**shown, **listed}))
        if described:
            recipes.append((f"The same with a description of each answer ({choice})", {**shown, **described}))
    if material.labels:
        recipes.append(("The list of answers alone", {"examples.choice": "none", **listed}))
    return recipes


def _choice(
    key: str, values: Sequence[Any], when: Mapping[str, Any] | None = None, default: Any = None
) -> dict[str, Any]:
    table: dict[str, Any] = {"kind": "choice", "file": SETTINGS_FILE, "key": key, "values": list(values)}
    return table if when is None else {**table, "when": dict(when), "default": default}
