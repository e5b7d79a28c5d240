"""Words of English technical prose: stems, a small synonym table, sentences and clauses.

The stemmer cuts a few suffixes (no dictionary); the synonym table maps stems and a few phrases to one concept word.
Both are meant for short instructions and tool descriptions, not for prose at large.
"""

from __future__ import annotations

import re
from functools import lru_cache

_STOP = """
a an the of to in on at by for from with and or as is are was be been being it its this that these those which who what
when where while if then than so such you your yours we our i me my they them their he she his her do does did have has
had will would can could should shall may might must please also just very really any some there here into out up over
under about each per own more most other always make makes made sure get got let give gives given thing things way ways
how
"""
_NEGATING = """
not never no don't dont without avoid nor neither cannot can't skip refrain omit stop ignore exclude
"""
STOP_WORDS = frozenset(_STOP.split())
NEGATIONS = frozenset(_NEGATING.split())

_SYNONYMS = {
    "verify": "check recheck confirm validate doublecheck reverify corroborate sanity",
    "answer": "reply respond response conclude conclusion",
    "final": "last closing ultimate",
    "guess": "invent assume fabricate speculate hallucinate imagine",
    "memory": "remember recall memorize memorise",
    "note": "record jot log",
    "find": "search locate look seek hunt lookup",
    "read": "view open inspect display show print",
    "parallel": "concurrent concurrently simultaneous simultaneously together batch",
    "quick": "fast speed rapid prompt immediate soon hurry early",
    "short": "brief concise terse compact bare only alone",
    "explain": "explanation elaborate justify describe reasoning rationale",
    "detail": "detailed thorough length lengthy long",
    "plan": "outline strategy roadmap",
    "step": "stage",
    "fail": "empty nothing nothingness unsuccessful",
    "retry": "again alternative another different else",
    "fact": "finding information detail result",
    "complete": "entire whole full exhaustive everything all every",
    "independent": "unrelated separate",
    "dedicated": "specialised specialized specific purpose suited special",
    "generic": "plain general raw",
    "narrow": "restrict limit restricted precise targeted scope confine",
    "folder": "directory package",
    "file": "module",
    "line": "row",
    "number": "count figure amount digit total",
    "value": "literal",
    "name": "identifier",
    "function": "method callable",
    "call": "invoke invocation",
    "begin": "start first initial",
    "use": "utilise utilize employ apply",
    "prefer": "favour favor rather",
    "combine": "merge join add sum compute",
    "comment": "docstring string",
    "need": "require necessary relevant required",
    "list": "enumerate",
    "text": "substring prose",
}
_PHRASES = {
    "double-check": "verify",
    "double check": "verify",
    "second look": "verify look",
    "make up": "guess",
    "made up": "guess",
    "making up": "guess",
    "at once": "parallel",
    "at the same time": "parallel",
    "side by side": "parallel",
    "in one go": "parallel",
    "in one turn": "parallel",
    "same turn": "parallel turn",
    "write down": "note",
    "writing down": "note",
    "written down": "note",
    "look up": "find",
    "keep track": "note",
    "in full": "complete",
    "as few": "few",
    "step by step": "step plan",
    "nothing else": "alone",
    "nothing more": "alone",
    "nothing but": "only",
    "by itself": "alone",
    "instead of": "not",
    "rather than": "not",
    "leave out": "not",
    "once more": "retry",
    "one more": "retry",
    "think ahead": "plan",
}

_WORD = re.compile(r"[a-z][a-z']*|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z\"'(`*\-])|\n")
_CLAUSE_END = re.compile(r"[,;:()]|\s[-–—]+\s|\b(?:and then|but|because|so that|since)\b")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+")


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """``word`` without its commonest endings: ``definition``, ``defines`` and ``defined`` all give ``defin``."""
    word = word.removesuffix("'s").replace("'", "")
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            word = word[: -len(ending)] + instead
            break
    else:
        if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
            word = word[:-1]
    for ending in ("ification", "ition", "ation", "ingly", "edly", "ing", "ion", "ed", "ly", "er"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            if ending == "ification":
                word += "ify"
            elif len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
                word = word[:-1]
            break
    if word.endswith("e") and len(word) > 2:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


def _concepts() -> dict[str, str]:
    table: dict[str, str] = {}
    for concept, words in _SYNONYMS.items():
        for word in words.split():
            table.setdefault(stem(word), stem(concept))
    return table


_CONCEPT_OF = _concepts()


def words(text: str) -> list[str]:
    """The lower-case words of ``text``, names split at underscores and capitals, known phrases as one concept."""
    text = _CAMEL.sub(" ", text).replace("_", " ").lower().replace("’", "'")
    for phrase, concept in _PHRASES.items():
        if phrase in text:
            text = text.replace(phrase, concept)
    return _WORD.findall(text.replace("-", ""))


def concept(word: str) -> str:
    """The stem of ``word``, or of the concept that the synonym table puts in its place."""
    found = stem(word)
    return _CONCEPT_OF.get(found, found)


def content_stems(text: str) -> list[str]:
    """The concepts of the words that carry meaning, in order; stop words and negations are left out."""
    return [concept(word) for word in words(text) if word not in STOP_WORDS and word not in NEGATIONS]


def signed_stems(clause: str) -> list[tuple[str, bool]]:
    """As :func:`content_stems`, each with whether a negation stands before it in this clause."""
    found, negated = [], False
    for word in words(clause):
        if word in NEGATIONS:
            negated = not negated
        elif word not in STOP_WORDS:
            found.append((concept(word), negated))
    return found


def sentences(text: str) -> list[str]:
    """The sentences of a Markdown text: headings, fences, rules and empty lines left out, bullets' marks removed."""
    found, fenced = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if fenced or line.lstrip().startswith("#"):
            continue
        for part in _SENTENCE_END.split(_BULLET.sub("", line)):
            part = part.strip().strip("*")
            if len(part) > 2 and any(c.isalpha() for c in part):
                found.append(part)
    return found


def clauses(sentence: str) -> list[str]:
    """The parts of ``sentence`` between commas, colons and connecting words."""
    return [part.strip() for part in _CLAUSE_END.split(sentence) if part and part.strip()]
