"""Finds the facts in a conversation that are worth keeping word for word: identifiers, numbers, decisions.

No model is asked: lines are scored by patterns. A line counts for more when it shares identifiers with the task. The
weights are a judgement, checked on real transcripts for what later steps went on to use; they are no measured optimum.
"""

from __future__ import annotations

import json
import re
from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from search_space.compaction.cutting import call_text
from search_space.compaction.history import History
from search_space.messages import Block, Message, blocks, text_of

LINE_CHARS = 160
"""A fact longer than this is cut."""
PER_RESULT = 24
"""At most this many facts are taken from one tool result."""
MOST_TRIED = 1000
"""So many of the best facts are tried for a place; a long conversation has far more, and they are worth no more."""
LAST_CONCLUSIONS = 4
LEAST_CHARS = 3
"""Fewer hold no fact: a rendered line has two spaces before it and an end."""
SHORT_RESULT = (3, 240)
"""A result of at most so many lines and characters is a fact as a whole."""

_PATTERNS: tuple[tuple[float, re.Pattern[str]], ...] = (
    (
        2.0,
        re.compile(
            r"^\s*(?:\d+[:\t ])?\s*(?:@?\w+\s+)?(?:class|interface|struct|enum|trait|def|fn|func|function)\s+\w"
        ),
    ),
    (
        2.0,
        re.compile(
            r"(?i)\b(?:total|sum|count|found|result|average|max|min)\b\D{0,20}\d|\b\d[\d,.]*\s+(?:lines|matches|items|results|rows)\b"
        ),
    ),
    (1.5, re.compile(r"(?<![\w/])[\w./-]+\.\w{1,6}:\d+")),
    (1.5, re.compile(r"\b(?:[A-Z]+[A-Z0-9]*\d[A-Z0-9]{2,}|[a-z]+(?:_[a-z0-9]+)*_\d{3,}|[0-9a-f]{8,}|#\w{3,})\b")),
    (1.0, re.compile(r"^\s*(?:\d+[:\t ])?\s*(?:from\s+[\w.]+\s+)?import\s+\w")),
    (1.0, re.compile(r"[\w.\]]\s*=\s*[^\s=]|^\s*[\w -]{1,30}:\s+\S")),
    (0.5, re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\b")),
    (0.5, re.compile(r"\"[^\"\n]{2,60}\"|'[^'\n]{2,60}'|`[^`\n]{2,60}`")),
    (0.5, re.compile(r"\d")),
)
_DECISION = re.compile(
    r"(?i)\b(?:so|therefore|thus|hence|because|decide|decided|conclude|answer|found|must|plan|next|will|is defined|"
    r"confirmed|agreed|chose|instead|remaining|still)\b"
)
_WORD = re.compile(r"[A-Za-z_][\w]*|\d{2,}")
_TERM = re.compile(r"`([^`\n]+)`|\"([^\"\n]{2,60})\"|\b(\w*[a-z][A-Z]\w*|\w+_\w+|\w+\d\w*|\w+(?:\.\w+)+)\b")
_LOCATED = re.compile(r"\S+:\d+:")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line to keep. ``source`` is the call or the speaker that it comes from; ``score`` its worth, higher first."""

    source: str
    text: str
    score: float


class Gathered:
    """The facts of a conversation that grows at its end, without repeats, and in the order of their worth.

    ``terms``: identifiers that matter (:func:`terms_of`). ``spoken``: what was said counts as well as the tools'
    results; otherwise ``concluded`` holds the last of it: what the assistant said that reads like a conclusion or a
    plan, and what the user said after the task.
    """

    def __init__(self, terms: frozenset[str], *, spoken: bool = True) -> None:
        self.facts: list[Fact] = []
        self.concluded: deque[Fact] = deque(maxlen=LAST_CONCLUSIONS)
        self._terms, self._spoken = terms, spoken
        self._met: set[tuple[str, str]] = set()
        self._order: list[tuple[float, int]] = []
        self._calls: dict[str, str] = {}

    def add(self, message: Message) -> None:
        """The conversation goes on with ``message``."""
        content = blocks(message)
        if not self._spoken:
            self.concluded.extend(_said(message, frozenset()))
        for fact in self._of(message, content):
            # A line that says where it stands is the same fact whichever call showed it.
            key = ("" if _LOCATED.match(fact.text) else fact.source, fact.text)
            if key not in self._met:
                self._met.add(key)
                insort(self._order, (-fact.score, -len(self.facts)))
                self.facts.append(fact)
        self._calls = {b["id"]: call_text(b["name"], b["input"]) for b in content if b["type"] == "tool_use"}

    def best(self, max_facts: int, max_chars: int) -> list[Fact]:
        """The highest scored facts, later ones first among equals, in their original order: at most ``max_facts``, and
        at most ``max_chars`` characters as rendered by :func:`render`."""
        return _best(self.facts, (-index for _, index in self._order), max_facts, max_chars)

    def _of(self, message: Message, content: Sequence[Block]) -> Iterator[Fact]:
        for block in content:
            if block["type"] == "tool_result":
                source = self._calls.get(block["tool_use_id"], "a tool")
                weight = 0.3 if block.get("is_error") else 1.0
                for score, line in _lines(text_of(block["content"]), self._terms):
                    yield Fact(source, line, score * weight)
        if self._spoken:
            yield from _said(message, self._terms)


def gathered(history: History, cut: int, *, spoken: bool = True) -> Gathered:
    """The facts of what ``cut`` drops. They are kept with the history: a cut further on costs by what is between."""
    key = (Gathered, spoken)
    if (known := history.kept.get(key)) is None or known[0] > cut:
        known = (1, Gathered(terms_of(text_of(history[0]["content"])), spoken=spoken))
    for message in history[known[0] : cut]:
        known[1].add(message)
    history.kept[key] = (cut, known[1])
    found: Gathered = known[1]
    return found


def extract(messages: Sequence[Message], terms: frozenset[str]) -> list[Fact]:
    """The facts of ``messages`` in order, without repeats. ``terms``: identifiers that matter (:func:`terms_of`)."""
    found = Gathered(terms)
    for message in messages:
        found.add(message)
    return found.facts


def best(facts: Sequence[Fact], max_facts: int, max_chars: int) -> list[Fact]:
    """As :meth:`Gathered.best`, of these."""
    return _best(facts, sorted(range(len(facts)), key=lambda i: (-facts[i].score, -i)), max_facts, max_chars)


def _best(facts: Sequence[Fact], order: Iterable[int], max_facts: int, max_chars: int) -> list[Fact]:
    chosen: list[int] = []
    sources: set[str] = set()
    left = max_chars
    for index in islice(order, MOST_TRIED):
        if len(chosen) == max_facts or left < LEAST_CHARS:
            break
        fact = facts[index]
        cost = len(fact.text) + 3 + (0 if fact.source in sources else len(fact.source) + 1)
        if cost <= left:
            chosen.append(index)
            sources.add(fact.source)
            left -= cost
    return [facts[index] for index in sorted(chosen)]


def render(facts: Sequence[Fact]) -> str:
    """Facts as text: each source on a line of its own, its facts below it, indented by two spaces."""
    by_source: dict[str, list[str]] = {}
    for fact in facts:
        by_source.setdefault(fact.source, []).append("  " + fact.text)
    return "\n".join("\n".join((source, *lines)) for source, lines in by_source.items())


@lru_cache(maxsize=64)
def terms_of(text: str) -> frozenset[str]:
    """The identifiers in a text (quoted, dotted, CamelCase, snake_case, with digits), whole and in parts."""
    terms: set[str] = set()
    for match in _TERM.finditer(text):
        whole = next(group for group in match.groups() if group)
        terms.update(word for word in (whole, *_WORD.findall(whole)) if len(word) > 2)
    return frozenset(terms)


def _said(message: Message, terms: frozenset[str]) -> Iterator[Fact]:
    for block in blocks(message):
        if block["type"] == "text":
            for score, line in _spoken(block["text"], message["role"], terms):
                yield Fact(message["role"], line, score)


@lru_cache(maxsize=512)
def _lines(text: str, terms: frozenset[str]) -> tuple[tuple[float, str], ...]:
    """The best lines of one tool result with their scores, in order."""
    lines = _split(text)
    if len(lines) <= SHORT_RESULT[0] and len(text) <= SHORT_RESULT[1]:
        return tuple((4.0 + _score(line, terms), line) for line in lines)
    scored = [(_score(line, terms), index) for index, line in enumerate(lines)]
    top = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], pair[1]))[:PER_RESULT]
    return tuple((score, lines[index]) for score, index in sorted(top, key=lambda pair: pair[1]))


@lru_cache(maxsize=512)
def _spoken(text: str, role: str, terms: frozenset[str]) -> tuple[tuple[float, str], ...]:
    """The three sentences most worth keeping: of the user's, the most specific; of the assistant's, conclusions."""
    sentences = [s.strip()[:LINE_CHARS] for s in _SENTENCE.split(text) if s.strip()]
    scored = [(_score(s, terms), i) for i, s in enumerate(sentences) if role == "user" or _DECISION.search(s)]
    top = sorted(scored, key=lambda pair: (-pair[0], pair[1]))[:3]
    return tuple((2.0 + score / 2, sentences[i]) for score, i in sorted(top, key=lambda pair: pair[1]))


def _score(line: str, terms: frozenset[str]) -> float:
    shared = len(terms.intersection(_WORD.findall(line))) if terms else 0
    return sum(weight for weight, pattern in _PATTERNS if pattern.search(line)) + 2.5 * min(shared, 3)


def _split(text: str) -> list[str]:
    """Lines of a result; a JSON document becomes one ``path=value`` a line."""
    if text[:1] in "{[":
        try:
            return [line[:LINE_CHARS] for line in _flatten(json.loads(text), "")]
        except (ValueError, RecursionError):
            pass
    return [line.strip("\r\n")[:LINE_CHARS] for line in text.split("\n") if line.strip()]


def _flatten(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flatten(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for index, item in enumerate(value):
            yield from _flatten(item, f"{path}[{index}]")
    else:
        yield f"{path}={json.dumps(value, ensure_ascii=False)}"
