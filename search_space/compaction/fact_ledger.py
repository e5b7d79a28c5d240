"""Fact ledger: identifiers, numbers and decisions of the dropped messages are pinned in one block, the rest goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from search_space.compaction.cutting import choose_cut, pin_chars, with_pin
from search_space.compaction.facts import gathered, render
from search_space.compaction.history import History
from search_space.messages import CHARS_PER_TOKEN, Message, Model


@dataclass(frozen=True, slots=True)
class FactLedger:
    """Keeps the task, a block of at most ``max_facts`` facts, and the last ``keep_messages`` (+ ``block`` - 1).

    The facts (:mod:`search_space.compaction.facts`) are a function of the task and of the dropped messages alone, so
    the block changes only when the boundary does. It takes at most a third of the limit. Tightening order: further
    whole blocks, then single turns down to the last one, then its longest results and texts are shortened, then
    the ledger is cut.
    """

    keep_messages: int = 8
    block: int = 8
    max_facts: int = 60
    _remembered: dict[tuple[str, int], str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def compact(self, messages: Sequence[Message], *, limit_tokens: int, model: Model | None = None) -> list[Message]:
        history = History.of(messages)
        if history.fits(limit_tokens) or len(history) < 2:
            return list(history)
        room = limit_tokens * CHARS_PER_TOKEN
        digests = history.digests()

        def ledger(cut: int) -> str:
            key = (digests[cut], room // 3)
            if key not in self._remembered:
                self._remembered[key] = self._ledger(history, cut, room // 3)
            return self._remembered[key]

        def fits(cut: int) -> bool:
            return history.chars_with_cut(cut) + pin_chars(history[0], ledger(cut)) <= room

        cut = choose_cut(history, self.keep_messages, self.block, fits)
        return with_pin(history, ledger(cut), cut, limit_tokens)

    def _ledger(self, history: History, cut: int, max_chars: int) -> str:
        if cut <= 1:
            return ""
        head = f"[Facts kept from {cut - 1} earlier messages that are no longer shown:]"
        facts = gathered(history, cut).best(self.max_facts, max_chars - len(head))
        return "\n".join((head, render(facts))) if facts else head
