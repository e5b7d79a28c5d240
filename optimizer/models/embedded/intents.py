"""What a sentence of the system prompt can ask of the embedded model.

A documented list of intents, each with several reference phrasings. A sentence takes the intent of the phrasing that it
is most similar to, if that similarity reaches ``THRESHOLD``; otherwise it asks for nothing. Negation is read from the
words that both share: where they stand under "not", "never" or "without" in the one and not in the other, the sentence
asks for the opposite. Each sentence's match is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

from optimizer.models.embedded.similarity import Corpus, Vectors, similarity
from optimizer.models.embedded.words import clauses, signed_stems

THRESHOLD = 0.46
"""Least similarity of a sentence, or of one of its clauses, to a reference phrasing."""
MIN_SHARED = 2
"""Concepts that a sentence must share with the phrasing (all of them, when it has fewer)."""
MIN_CLAUSE_STEMS = 3
"""A clause with fewer concepts is too short to be matched on its own."""


class Intent(StrEnum):
    """What can be asked for; the effects are in :mod:`optimizer.models.embedded.rates`."""

    plan = "plan"
    verify = "verify"
    grounded = "grounded"
    answer_form = "answer_form"
    notes = "notes"
    narrow = "narrow"
    dedicated = "dedicated"
    parallel = "parallel"
    persist = "persist"
    few_lines = "few_lines"
    code_only = "code_only"
    recheck = "recheck"
    hurry = "hurry"
    exhaustive = "exhaustive"
    explain = "explain"
    delegate = "delegate"


REFERENCES: dict[Intent, tuple[str, ...]] = {
    Intent.plan: (
        "Plan the steps first.",
        "Before using any tool, write a short plan of the steps you need.",
        "Break the question into smaller parts and plan them before you begin.",
        "Think step by step about what has to be found before the first tool call.",
        "Start by listing the facts you need and the order in which to find them.",
        "Work out which steps the question needs before you start.",
    ),
    Intent.verify: (
        "Verify the answer before you give it.",
        "Check the result with a second look before answering.",
        "Double-check your final answer against the source.",
        "Confirm the deciding fact with another tool call before you reply.",
        "Once you have a result, confirm it with one more call.",
        "Before you conclude, look at the source once more to confirm the answer.",
    ),
    Intent.grounded: (
        "Use only names and numbers that you have seen in tool output.",
        "Never guess a name or a number.",
        "Do not make up facts that no tool has shown you.",
        "Rely on tool results and not on what you remember.",
        "Trust only what tools return.",
        "Base everything on tool output, never on memory or assumptions.",
        "If a fact is no longer visible, look it up again and do not guess it.",
    ),
    Intent.answer_form: (
        "Give the bare value on the last line.",
        "End with the answer alone on the last line, without any other words.",
        "Reply with just the answer and nothing else.",
        "The final answer must be the plain value in the form asked for.",
        "The final message holds only the value that was asked for.",
        "Do not add words around the final answer.",
        "Answer exactly in the requested form.",
        "The last line of the reply is the answer by itself.",
        "State just the value without explanation.",
    ),
    Intent.notes: (
        "Write key facts down as notes.",
        "Keep notes of every fact you will need later.",
        "Record important findings as soon as you have them, so they are not lost.",
        "Note down names, paths and line numbers you find.",
        "Save intermediate results to your notes.",
        "Store the facts you find with the note tool.",
    ),
    Intent.narrow: (
        "Search narrowly and give a path.",
        "Restrict every search to the smallest file or folder.",
        "Give a path when you search and do not search everywhere.",
        "Never search the whole tree when the module is known.",
        "Keep searches targeted to the module in question.",
        "Limit searches to the relevant folder.",
    ),
    Intent.dedicated: (
        "Prefer dedicated tools over plain text search.",
        "Use the most specific tool for the job rather than grep.",
        "Choose the tool made for the purpose instead of a generic text search.",
        "For bases, methods, signatures and calls use the specialised tools and not text search.",
        "Pick tools by reading their descriptions carefully and take the one that fits best.",
    ),
    Intent.parallel: (
        "Call independent tools in parallel.",
        "Make several tool calls at once when they do not depend on each other.",
        "When look-ups are independent, request them in the same turn.",
        "Batch independent tool calls together in one message.",
    ),
    Intent.persist: (
        "When a tool finds nothing, try another way.",
        "If a search fails, retry with a different tool or spelling.",
        "Do not give up after an empty result or an error.",
        "When a call returns an error, correct it and try again.",
        "After an error or an empty result, try another way.",
        "If a look-up finds nothing, look elsewhere before you answer.",
    ),
    Intent.few_lines: (
        "Read only the lines you need.",
        "Avoid reading whole files.",
        "Never read whole files, read a range of lines instead.",
        "Use start and end to read small parts of a file.",
        "Keep tool output small by reading short line ranges.",
    ),
    Intent.code_only: (
        "Beware of matches in comments and strings.",
        "When counting, leave out comments and docstrings.",
        "A text match is not a call, so do not count text matches as calls.",
        "Count real code only and ignore mentions in strings or comments.",
        "Mentions in comments, strings or definitions do not count as calls.",
    ),
    Intent.recheck: (
        "Re-read earlier facts before combining them.",
        "Go back over the facts you collected before you compute the result.",
        "Before adding or comparing numbers, restate each of them from the tool output.",
        "Review all the values you gathered before you combine them.",
    ),
    Intent.hurry: (
        "Answer quickly with few calls.",
        "Use as few tool calls as possible.",
        "Be fast and answer as soon as you can.",
        "Save time and reply early when you think you know the answer.",
    ),
    Intent.exhaustive: (
        "Be exhaustive and read whole files.",
        "Read every relevant file completely before answering.",
        "Explore all of the source thoroughly before you decide.",
        "Look at the complete file rather than at parts of it.",
    ),
    Intent.explain: (
        "Explain your answer at length.",
        "Describe in detail how you found the answer.",
        "Give the reasoning behind the answer in your final message.",
        "Write a full explanation with the final answer.",
        "Justify the answer in complete sentences.",
    ),
    Intent.delegate: (
        "Delegate independent parts of a question to sub-agents.",
        "Hand out parts of the work to the sub-agents.",
        "Give each part of a question to a sub-agent of its own.",
        "Let sub-agents find out what can be found out separately.",
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one sentence asks for. ``negated`` when it asks for the opposite; ``score`` is the similarity in [0, 1]."""

    intent: Intent
    negated: bool
    score: float


@lru_cache(maxsize=16384)
def match(sentence: str) -> Asked | None:
    """What ``sentence`` asks for, or None."""
    corpus, references = _prepared()
    parts = [sentence, *(part for part in clauses(sentence) if len(signed_stems(part)) >= MIN_CLAUSE_STEMS)]
    best: tuple[float, Intent, str, str] | None = None
    for part in dict.fromkeys(parts):
        vectors = corpus.vectors(part)
        for intent, reference, known in references:
            score = similarity(vectors, known)
            if best is not None and score <= best[0]:
                continue
            if len(vectors.concepts.keys() & known.concepts.keys()) >= min(MIN_SHARED, len(vectors.concepts)):
                best = (score, intent, part, reference)
    if best is None or best[0] < THRESHOLD:
        return None
    score, intent, part, reference = best
    return Asked(intent, _opposed(part, reference, corpus), round(score, 4))


def _opposed(part: str, reference: str, corpus: Corpus) -> bool:
    """Whether the concepts shared by both stand under a negation in one of them only, by weight."""
    here, there = _signs(part), _signs(reference)
    shared = sorted(here.keys() & there.keys())
    return sum(corpus.idf(c) * (1 if here[c] == there[c] else -1) for c in shared) < 0


def _signs(text: str) -> dict[str, bool]:
    signs: dict[str, bool] = {}
    for clause in clauses(text):
        for concept, negated in signed_stems(clause):
            signs.setdefault(concept, negated)
    return signs


@cache
def _prepared() -> tuple[Corpus, list[tuple[Intent, str, Vectors]]]:
    pairs = [(intent, reference) for intent, references in REFERENCES.items() for reference in references]
    corpus = Corpus(reference for _, reference in pairs)
    return corpus, [(intent, reference, corpus.vectors(reference)) for intent, reference in pairs]
