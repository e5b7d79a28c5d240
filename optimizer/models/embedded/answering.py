"""How an answer is worded: the bare value, or, when it slips, the value in a sentence."""

from __future__ import annotations

from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.intents import Intent
from optimizer.models.embedded.policy import Policy
from optimizer.models.embedded.questions import Goal
from optimizer.models.embedded.rates import Rates

_WORDY = (
    "The answer is {value}.",
    "Based on the tool results, it is `{value}`.",
    "So the result is {value}, as the source shows.",
    "{value} (found with the tools above)",
)
_LONG = (
    "I went through the sources with the tools. The facts came from several look-ups, each of which I read in turn, "
    "and they agree with one another.\n"
)


def answer_text(goal: Goal, value: str, rates: Rates, policy: Policy, dice: Dice) -> str:
    """The last message for ``value``."""
    before = _LONG if policy.strength(Intent.explain) else ""
    if dice.happens(rates.form, "form"):
        return before + dice.pick(_WORDY, "wordy").format(value=value)
    return before + value
