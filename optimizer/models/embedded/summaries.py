"""Summaries: an extract of what a transcript shows, in the parts that a structured summary is asked for."""

from __future__ import annotations

import json
import re

from optimizer.models.embedded.deducing import Missing
from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.knowledge import Knowledge
from optimizer.models.embedded.questions import read_question
from optimizer.models.embedded.rates import SUMMARY_DROP, Rates
from optimizer.models.embedded.reading import inputs_key
from optimizer.models.embedded.reasoning import Reasoner
from optimizer.models.embedded.toolbox import Toolbox
from optimizer.models.embedded.words import content_stems, stem
from search_space.messages import CHARS_PER_TOKEN

_ASKED = {stem(word) for word in ("summary", "summarise", "summarize", "summarisation", "condense")}
_TASK = re.compile(r"<task>\s*(.*?)\s*</task>", re.DOTALL)
_ENTRY = re.compile(r"^(assistant|user|call|result|error): ?", re.MULTILINE)
_CALL = re.compile(r"^(\w+)\((\{.*\})\)\s*$", re.DOTALL)
MAX_LINES = 12
"""Source lines that a summary quotes at most."""


def asks_for_summary(system: str, text: str) -> bool:
    """Whether a request without tools asks to summarise what it holds."""
    return bool(_ASKED.intersection(content_stems(f"{system}\n{text[-1500:]}")))


def summarise(text: str, max_tokens: int, rates: Rates, dice: Dice) -> str:
    """A summary of the transcript in ``text``: the goal, the conclusions it allows, lines of source that name what the
    task names, and what is still missing. Each fact is left out at the rate ``SUMMARY_DROP``."""
    task = _task_of(text)
    known = Knowledge(Toolbox([]))
    _read_transcript(known, text)
    reasoner = Reasoner(known, dice, rates, frozenset())
    missing = "nothing; answer"
    try:
        reasoner.solve(read_question(task))
    except Missing as lacking:
        missing = "; ".join(want.key for want in lacking.wants)
    facts = [f"{key} = {value}" for key, value in {**known.noted, **reasoner.found}.items()]
    facts += _source_lines(known, task)
    kept = [fact for fact in facts if not dice.happens(SUMMARY_DROP, "left out of a summary", fact)]
    head, tail = f"Goal:\n{task.partition('. ')[0][:300]}\nFacts found:\n", f"\nOpen items:\n{missing[:200]}"
    room = max_tokens * CHARS_PER_TOKEN - len(head) - len(tail)
    chosen: list[str] = []
    for fact in kept:
        room -= len(fact) + 1
        if room < 0:
            break
        chosen.append(fact)
    return (head + ("\n".join(chosen) or "none") + tail)[: max_tokens * CHARS_PER_TOKEN]


def _task_of(text: str) -> str:
    found = _TASK.search(text)
    return found[1] if found else text.partition("\n\n")[0]


def _read_transcript(known: Knowledge, text: str) -> None:
    """Reads entries ``call: tool({...})`` and ``result: ...``; results answer calls in order. The rest is prose."""
    body = _TASK.sub("", text)
    parts = _ENTRY.split(body)
    known.read_text(parts[0])
    waiting: list[tuple[str, str]] = []
    for kind, content in zip(parts[1::2], parts[2::2], strict=True):
        if kind == "call" and (match := _CALL.match(content.strip())):
            waiting.append((match[1], _inputs(match[2])))
        elif kind in ("result", "error") and waiting:
            tool, inputs = waiting.pop(0)
            if inputs:
                known.read_result(tool, inputs, content.rstrip("\n"), kind == "error")
        elif kind in ("assistant", "user"):
            known.read_text(content)


def _inputs(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return ""
    return inputs_key(value) if isinstance(value, dict) else ""


def _source_lines(known: Knowledge, task: str) -> list[str]:
    """Located definitions of names that the task names."""
    names = set(re.findall(r"`([^`\s]+)`", task))
    rows = [
        f"{path}:{number}: {line}"
        for path, lines in known.lines.items()
        for number, line in sorted(lines.items())
        if re.match(r"\s*(?:class|def|async def)\b", line) and names.intersection(re.findall(r"[\w.]+", line))
    ]
    return rows[-MAX_LINES:]
