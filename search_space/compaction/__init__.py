"""Compaction strategies: one per file behind one protocol (:mod:`search_space.compaction.base`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from search_space.compaction.base import Compaction
from search_space.compaction.clear_results import ClearResults
from search_space.compaction.fact_ledger import FactLedger
from search_space.compaction.plugin import load_plugin
from search_space.compaction.sliding_window import SlidingWindow
from search_space.compaction.summary import Summary
from search_space.compaction.truncate_results import TruncateResults
from search_space.messages import Message, Model

__all__ = [
    "ClearResults",
    "Compaction",
    "FactLedger",
    "NoCompaction",
    "SlidingWindow",
    "Summary",
    "TruncateResults",
    "load_plugin",
    "make_compaction",
]


@dataclass(frozen=True, slots=True)
class NoCompaction:
    """Sends everything; a conversation that is too long is then refused by the model."""

    def compact(self, messages: Sequence[Message], *, limit_tokens: int, model: Model | None = None) -> list[Message]:
        return list(messages)


class CompactionSettings(Protocol):
    """What :func:`make_compaction` reads of ``[compaction]``: the strategy's name and its parameters."""

    @property
    def strategy(self) -> str: ...

    def model_dump(self) -> dict[str, Any]: ...


_STRATEGIES: Mapping[str, Callable[..., Compaction]] = {
    "none": NoCompaction,
    "sliding_window": SlidingWindow,
    "clear_results": ClearResults,
    "truncate_results": TruncateResults,
    "summary": Summary,
    "fact_ledger": FactLedger,
}


def make_compaction(config: CompactionSettings, *, folder: Path, model_name: str = "agent") -> Compaction:
    """The strategy that ``config`` names, with its parameters.

    ``folder`` is the harness folder: a plug-in is loaded from it, which runs its code, so call this only where the
    harness may run. ``model_name`` is what a summary's request calls the model. Raises
    :class:`search_space.errors.InvalidFile` or ``MissingFile`` for a plug-in that is none.
    """
    parameters = {name: value for name, value in config.model_dump().items() if name != "strategy"}
    if config.strategy == "plugin":
        return load_plugin(folder, parameters.pop("file"), parameters.pop("parameters", None) or parameters)
    if config.strategy == "summary":
        parameters["model_name"] = model_name
    return _STRATEGIES[config.strategy](**parameters)
