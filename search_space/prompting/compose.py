"""The request for one question: instructions, answers, examples, and the question, within the context budget."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from search_space.errors import InvalidFile, SearchSpaceError
from search_space.messages import CHARS_PER_TOKEN, Message, Request, blocks, estimate_tokens
from search_space.prompting.cases import Case
from search_space.prompting.formats import (
    AS_JSON,
    answers_text,
    example_text,
    examples_text,
    heading,
    question_text,
    turns,
)
from search_space.prompting.harness import RANKINGS_FILE, PromptHarness
from search_space.prompting.memory import Memory
from search_space.prompting.settings import SETTINGS_FILE

PASSED_OVER = 32
"""Cases in a row that do not fit before no more are tried: of ten thousand that are left some shorter one would."""


class PromptTooLong(SearchSpaceError):
    """The request is longer than the context budget with no example in it."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A request's parts. ``tokens``: of all its blocks, each estimated as its compact JSON's characters by 4, rounded
    up. ``shown``: the ids of the stored cases in it, the most wanted first."""

    system: str
    messages: tuple[Message, ...]
    tokens: int
    shown: tuple[str, ...]

    def request(self, model: str, max_tokens: int) -> Request:
        """What is sent."""
        request: Request = {"model": model, "max_tokens": max_tokens, "messages": list(self.messages)}
        if self.system:
            request["system"] = self.system
        return request


def compose(harness: PromptHarness, memory: Memory, question: str, exclude_group: str = "") -> Composed:
    """The request that asks ``question``. Cases of ``exclude_group`` have no part in it: neither as examples nor in
    descriptions.

    It never has more tokens than ``context_tokens``: examples that do not fit are left out, the most wanted first in
    line. Raises :class:`PromptTooLong` when it is too long without any, and :class:`InvalidFile` for a ranking with an
    id that no stored case has.
    """
    settings = harness.settings
    bound = settings.context_tokens
    basis = _put_together(harness, memory, question, exclude_group, [])
    if basis.tokens > bound:
        raise PromptTooLong(
            f"{SETTINGS_FILE}: context_tokens: got {bound}, expected at least {basis.tokens}: instructions, answers "
            "and question take so many without any example"
        )
    chosen = _fitting(harness, _wanted(harness, memory, question, exclude_group), bound - basis.tokens)
    while chosen:
        composed = _put_together(harness, memory, question, exclude_group, chosen)
        if composed.tokens <= bound:
            return composed
        chosen.pop()
    return basis


def _wanted(harness: PromptHarness, memory: Memory, question: str, exclude_group: str) -> Iterator[Case]:
    """The cases to be shown, the most wanted first, bounded by ``count`` and ``per_answer``."""
    examples = harness.settings.examples
    if examples.choice == "none" or not examples.count:
        return
    of_answer: Counter[str] = Counter()
    shown = 0
    for case in _in_order(harness, memory, question, exclude_group):
        if examples.per_answer and of_answer[case.answer] >= examples.per_answer:
            continue
        of_answer[case.answer] += 1
        shown += 1
        yield case
        if shown >= examples.count:
            return


def _in_order(harness: PromptHarness, memory: Memory, question: str, exclude_group: str) -> Iterable[Case]:
    choice = harness.settings.examples.choice
    if choice == "similar":
        return memory.ranked(question, exclude_group)
    if choice == "similar_per_answer":
        return memory.ranked_by_turns(question, exclude_group)
    for each in harness.ranking:
        if each not in memory.by_id:
            raise InvalidFile(RANKINGS_FILE, choice, repr(each), "the id of a stored case")
    ranked = (memory.by_id[each] for each in harness.ranking)
    return (case for case in ranked if not exclude_group or case.group != exclude_group)


def _fitting(harness: PromptHarness, wanted: Iterable[Case], tokens: int) -> list[Case]:
    """Those of ``wanted`` that fit into about so many tokens; one that does not is passed over, until so many in a row
    do not that the room is as good as filled."""
    form, output = harness.settings.examples.format, harness.settings.output.format
    chosen, left, headed = list[Case](), tokens * CHARS_PER_TOKEN, set[str]()
    passed_over = 0
    for case in wanted:
        if form == "turns":
            size = CHARS_PER_TOKEN * sum(map(_tokens, turns([case], output)))
        else:
            size = _chars(example_text(case, form, output)) + (2 if form in ("grouped", "arrow") else 4)
            if form == "grouped" and case.answer not in headed:
                size += _chars(heading(case.answer, output)) + 2
        if size <= left:
            left -= size
            headed.add(case.answer)
            chosen.append(case)
            passed_over = 0
        elif (passed_over := passed_over + 1) >= PASSED_OVER:
            break
    return chosen


def _put_together(
    harness: PromptHarness, memory: Memory, question: str, exclude_group: str, chosen: list[Case]
) -> Composed:
    settings = harness.settings
    form, output = settings.examples.format, settings.output.format
    standing = [harness.instructions]
    if settings.answers.list:
        standing.append(answers_text(memory.answers, _described(harness, memory, exclude_group)))
    if output == "json":
        standing.append(AS_JSON)
    ordered = _ordered(harness, chosen)
    earlier = turns(ordered, output) if form == "turns" else []
    examples = "" if form == "turns" else examples_text(ordered, form, output)
    # What is the same for all questions stands in front of what is not: a provider's cache keeps it.
    system = _joined([*standing, "" if harness.per_question else examples])
    asked = _joined([examples if harness.per_question else "", question_text(question, form)])
    messages: tuple[Message, ...] = (*earlier, {"role": "user", "content": asked})
    tokens = (_text_tokens(system) if system else 0) + sum(map(_tokens, messages))
    return Composed(system, messages, tokens, tuple(case.id for case in chosen))


def _described(harness: PromptHarness, memory: Memory, exclude_group: str) -> Mapping[str, str]:
    answers = harness.settings.answers
    if not answers.descriptions:
        return {}
    made = memory.words.describe(answers.words, exclude_group) if answers.words else {}
    return {**made, **harness.descriptions}


def _ordered(harness: PromptHarness, chosen: list[Case]) -> list[Case]:
    order = harness.settings.examples.order
    if order == "nearest_last":
        return chosen[::-1]
    return sorted(chosen, key=lambda case: case.answer) if order == "by_answer" else chosen


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part)


def _tokens(message: Message) -> int:
    return sum(estimate_tokens(block) for block in blocks(message))


def _text_tokens(text: str) -> int:
    return estimate_tokens({"type": "text", "text": text})


def _chars(text: str) -> int:
    """Characters of a text inside JSON, without its quotes."""
    return len(json.dumps(text, ensure_ascii=False)) - 2
