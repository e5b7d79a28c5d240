"""How often the model slips, and what the prompt changes in that. Every rate of its behaviour is here.

A rate starts at its base value. Each intent that the prompt asks for multiplies the rates that it is about; one of
strength ``s`` multiplies by ``1 - s * (1 - factor)``. Demonstrations and the length of the context change some of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from optimizer.models.embedded.intents import Intent
from optimizer.models.embedded.policy import Policy

CALM_CONTEXT_TOKENS = 3000
"""Up to here the length of the context costs no attention."""
MISREAD_PER_1000 = 0.015
"""Growth of ``misread`` for every 1,000 visible tokens beyond."""
CHECKED_FACTOR = 0.45
"""What remains of ``misread``, ``stop_early`` and ``mix_up`` once a second look is in view."""
RECALL_FACTOR = 0.25
"""A conclusion that was noted is copied wrongly at this share of ``misread``."""
SUMMARY_DROP = 0.12
"""A summary leaves out each fact at this rate."""
DEMONSTRATED_FORM = (1.0, 0.6, 0.45, 0.4)
"""What remains of ``form`` with 0, 1, 2, 3 or more demonstrations that end in a bare value."""
DEMONSTRATED_STEPS = (1.0, 0.9, 0.85, 0.82)
"""What remains of ``stop_early`` and ``plain`` with 0, 1, 2, 3 or more demonstrations."""
WORDY_DEMONSTRATION = 1.5
"""What a demonstration whose answer is no bare value makes of ``form``."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Probabilities, each for one occasion."""

    misread: float = 0.042
    """Reading a fact wrongly: a neighbouring line's number, a similarly named class."""
    stop_early: float = 0.16
    """Taking a chain of bases or imports to end one step before it does."""
    mix_up: float = 0.18
    """Combining several values wrongly: one of them replaced by another number in view."""
    make_up: float = 0.03
    """Making a missing fact up instead of looking for it, once for each fact."""
    make_up_gone: float = 0.1
    """The same when earlier messages are visibly gone."""
    form: float = 0.2
    """Adding words to the answer."""
    give_up: float = 0.40
    """Taking a guess after a look-up that found nothing."""
    plain: float = 0.42
    """Looking something up by plain search although there is a tool for it."""
    broad: float = 0.50
    """Searching without a path."""
    whole: float = 0.55
    """Reading a file whole where a range would do."""
    believe: float = 0.65
    """Taking the total of a look-alike (lines, references) for the count of calls."""
    side_by_side: float = 0.05
    """Making independent calls in one turn, at each turn that could."""
    note: float = 0.0
    """Writing a new conclusion down."""
    hand_out: float = 0.0
    """Handing the parts of a question to sub-agents, once for each question."""
    recall: float = 0.5
    """Reading a note that the index lists and that fits, before looking something up."""
    check: float = 0.0
    """Taking a second look before answering."""
    read_first: float = 0.48
    """Reading a file before anything else is asked about it."""
    calm: float = 0.0
    """Care in the choice of tools; no probability, see :meth:`Toolbox.temperature`."""


EFFECTS: Mapping[Intent, Mapping[str, float]] = {
    Intent.plan: {"stop_early": 0.4, "mix_up": 0.6, "read_first": 0.8},
    Intent.grounded: {"make_up": 0.2, "make_up_gone": 0.2, "misread": 0.65, "give_up": 0.7},
    Intent.answer_form: {"form": 0.25},
    Intent.narrow: {"broad": 0.15},
    Intent.dedicated: {"plain": 0.35, "read_first": 0.65},
    Intent.persist: {"give_up": 0.2},
    Intent.few_lines: {"whole": 0.3, "read_first": 0.75},
    Intent.code_only: {"believe": 0.2},
    Intent.recheck: {"mix_up": 0.3, "misread": 0.9},
    Intent.hurry: {"read_first": 0.75, "make_up": 4.0, "make_up_gone": 2.0, "stop_early": 1.6, "give_up": 1.3},
    Intent.exhaustive: {"whole": 1.3, "give_up": 0.7},
    Intent.explain: {"form": 1.9},
}
"""Factors on base rates, by intent."""

SET: Mapping[Intent, Mapping[str, float]] = {
    Intent.verify: {"check": 0.9},
    Intent.notes: {"note": 0.9, "recall": 0.9},
    Intent.parallel: {"side_by_side": 0.9},
    Intent.delegate: {"hand_out": 0.9},
    Intent.dedicated: {"calm": 0.6},
    Intent.exhaustive: {"read_first": 0.85},
}
"""Rates that an intent raises to its strength times this."""


def rates_for(policy: Policy, context_tokens: int) -> Rates:
    """The rates under ``policy`` with so many tokens in view."""
    values = {field.name: float(field.default) for field in fields(Rates)}  # type: ignore[arg-type]
    values["misread"] += MISREAD_PER_1000 * max(0, context_tokens - CALM_CONTEXT_TOKENS) / 1000
    for intent, factors in EFFECTS.items():
        strength = policy.strength(intent)
        for name, factor in factors.items():
            values[name] *= max(0.0, 1 - strength * (1 - factor))
    for intent, levels in SET.items():
        for name, level in levels.items():
            values[name] = max(values[name], policy.strength(intent) * level)
    shown = min(3, policy.demonstrations)
    values["form"] *= DEMONSTRATED_FORM[min(3, policy.bare_demonstrations)]
    if policy.bare_demonstrations < policy.demonstrations:
        values["form"] *= WORDY_DEMONSTRATION
    values["stop_early"] *= DEMONSTRATED_STEPS[shown]
    values["plain"] *= DEMONSTRATED_STEPS[shown]
    return Rates(**{name: value if name == "calm" else min(0.98, value) for name, value in values.items()})
