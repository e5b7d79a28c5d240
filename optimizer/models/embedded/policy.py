"""What a system prompt asks for: the strength of each intent, and the demonstrations in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from optimizer.models.embedded.intents import Intent, match
from optimizer.models.embedded.words import sentences

FREE_SENTENCES = 8
"""Sentences that a prompt may have before attention to each of them falls."""
LOSS_PER_SENTENCE = 0.015
"""Share of every instruction's effect lost by each further sentence."""
FIRST_SENTENCE_GAIN = 1.15
"""The first instruction of the prompt works this much stronger."""
MAX_STRENGTH = 1.15
OPPOSITES = {
    Intent.exhaustive: Intent.few_lines,
    Intent.few_lines: Intent.exhaustive,
    Intent.explain: Intent.answer_form,
}
"""Intents whose negation asks for another one. Any other negated intent is switched off."""

_QUESTION = re.compile(r"^\W*(?:question|q|task|user)\W*:\W*\S", re.IGNORECASE)
_ANSWER = re.compile(r"^\W*(?:final answer|answer|a)\W*:\W*(\S.*)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the prompt asks for. Strengths are in [0, ``MAX_STRENGTH``], 0 where nothing asks."""

    strengths: Mapping[Intent, float]
    sentences: int
    demonstrations: int
    bare_demonstrations: int
    """Demonstrations whose answer is one bare value."""

    def strength(self, intent: Intent) -> float:
        """How strongly ``intent`` is asked for."""
        return self.strengths.get(intent, 0.0)


@lru_cache(maxsize=2048)
def read_policy(system: str) -> Policy:
    """The policy that a system prompt's text describes."""
    plain, answers = _without_demonstrations(system)
    found = sentences(plain)
    attention = (1 - LOSS_PER_SENTENCE) ** max(0, len(found) - FREE_SENTENCES)
    strengths: dict[Intent, float] = {}
    off: set[Intent] = set()
    first = True
    for sentence in found:
        asked = match(sentence)
        if asked is None:
            continue
        intent = asked.intent
        if asked.negated and intent not in OPPOSITES:
            off.add(intent)
            continue
        if asked.negated:
            intent = OPPOSITES[intent]
        strength = min(MAX_STRENGTH, attention * (FIRST_SENTENCE_GAIN if first else 1.0))
        strengths[intent] = max(strengths.get(intent, 0.0), strength)
        first = False
    for intent in off:
        strengths.pop(intent, None)
    bare = sum(1 for answer in answers if len(answer.split()) == 1)
    return Policy(strengths, len(found), len(answers), bare)


def _without_demonstrations(system: str) -> tuple[str, list[str]]:
    """The text outside worked examples, and the examples' answers. An example runs from a line ``Question: ...`` to
    the next line ``Answer: ...``; a question without an answer is ordinary text."""
    plain: list[str] = []
    answers: list[str] = []
    held: list[str] = []
    for line in system.split("\n"):
        if _QUESTION.match(line):
            plain += held
            held = [line]
        elif held and (answer := _ANSWER.match(line)):
            answers.append(answer[1].strip().strip("`*\"'."))
            held = []
        elif held:
            held.append(line)
        else:
            plain.append(line)
    return "\n".join(plain + held), answers
