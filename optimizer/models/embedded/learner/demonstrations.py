"""Examples, answers and the question in a text, recognised by how such things are commonly written.

Examples: ``Question:``/``Answer:`` (``Q``/``A``, ``Input``/``Output``, ``Text``/``Label``, ...), the same names as XML
tags or as keys of JSON objects, a line each; ``text => answer``; and, under a title that speaks of examples, headings
that name an answer with bullets below. Answers: bullets (``- name`` or ``- name: what it is``) under a line that ends
with a colon and speaks of answers, labels, categories, ..., or a list in that line. What remains is the question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple


class Demonstration(NamedTuple):
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What one text shows. ``answers``: (name, what is said of it); ``json_key``: the key under which an answer in JSON
    is asked for; ``question``: the one without an answer, or all of the text where none is marked."""

    demonstrations: tuple[Demonstration, ...]
    answers: tuple[tuple[str, str], ...]
    json_key: str
    question: str


_ASKS = r"question|input|text|query|sentence|message|request|utterance|example|problem|case|symptoms|description|user|q"
_TELLS = (
    r"answer|output|label|category|class|classification|intent|response|reply|diagnosis|topic|sentiment|result|solution"
    r"|target|assistant|a"
)
_MARK = re.compile(
    rf"[ \t]*(?:[-*][ \t]+|\d+[.)][ \t]+)?\**(?:(?P<asks>{_ASKS})|(?P<tells>{_TELLS}))\**[ \t]*:\**[ \t]*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_TAGGED = re.compile(
    rf"<(?P<asks>{_ASKS})>(?P<question>.*?)</(?P=asks)>\s*<(?P<tells>{_TELLS})>(?P<answer>.*?)</(?P=tells)>",
    re.IGNORECASE | re.DOTALL,
)
_OPEN_TAG = re.compile(
    rf".*<(?P<asks>{_ASKS})>(?P<question>.*?)</(?P=asks)>\s*(?:<(?:{_TELLS})>)?\s*\Z", re.IGNORECASE | re.DOTALL
)
_ARROW = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?(?P<question>\S.*?)[ \t]*(?:=>|->|→|⇒)[ \t]*(?P<answer>\S.*?)[ \t]*$", re.MULTILINE
)
_OPEN_ARROW = re.compile(r"(?:\A|\n)[ \t]*(?P<question>[^\n]*?)[ \t]*(?:=>|->|→|⇒)[ \t]*\Z")
_OF_EXAMPLES = re.compile(r"^.*\b(?:examples?|cases|demonstrations?|samples?)\b.*$", re.IGNORECASE | re.MULTILINE)
_GROUP = re.compile(
    r"^(?:#{1,6}[ \t]+(?P<head>.+?)|\**(?P<bold>[^\s*#:][^\n:]*?)\**:)[ \t]*\n"
    r"(?P<items>(?:[ \t]*[-*][ \t]+.+(?:\n|\Z))+)",
    re.MULTILINE,
)
_ITEM = re.compile(r"^[ \t]*[-*][ \t]+(?P<text>\S.*?)[ \t]*$", re.MULTILINE)
_OF_ANSWERS = re.compile(
    r"^(?P<title>[^\n]*\b(?:answers?|labels?|categor(?:y|ies)|class(?:es)?|intents?|options?|choices|topics|diagnos[ei]s|"
    r"one of)\b[^\n:]*):[ \t]*(?P<inline>[^\n]*)\n?"
    r"(?P<items>(?:[ \t]*\n)?(?:[ \t]*(?:[-*]|\d+[.)])[ \t]+.+(?:\n|\Z))*)",
    re.IGNORECASE | re.MULTILINE,
)
_LISTED = re.compile(
    r"^[ \t]*(?:[-*]|\d+[.)])[ \t]+(?P<name>[^\n:]+?)[ \t]*(?::[ \t]*(?P<said>[^\n]*?))?[ \t]*$", re.MULTILINE
)
_JSON_KEY = re.compile(r"\{\s*\"(?P<key>\w+)\"\s*:\s*\"?(?:\.\.\.|…|<[^>]*>)\"?\s*\}")


@lru_cache(maxsize=256)
def read_shown(text: str, examples: bool = True, listed: bool = True) -> Shown:
    """What ``text`` shows; without ``examples`` or ``listed`` none, or no answers, are looked for in it.

    The same text is read once."""
    key = _JSON_KEY.search(text)
    found, rest = _demonstrations(text) if examples else ([], text)
    answers: dict[str, str] = {}
    if listed:
        answers, rest = _answers(rest)
    return Shown(tuple(found), tuple(answers.items()), key["key"] if key else "", _question(rest))


def _demonstrations(text: str) -> tuple[list[Demonstration], str]:
    """The examples in the first form that any of them has, and the text without them."""
    for read in (_tagged, _json_lines, _pairs, _grouped, _arrows):
        found = list(read(text))
        if found:
            rest, at = [], 0
            for start, end, _ in found:
                rest.append(text[at:start])
                at = max(at, end)
            return [each for _, _, each in found], "".join([*rest, text[at:]])
    return [], text


Found = Iterator[tuple[int, int, Demonstration]]
"""Where each one begins and ends."""


def _tagged(text: str) -> Found:
    for match in _TAGGED.finditer(text) if "</" in text else ():
        yield match.start(), match.end(), _demonstration(match)


def _json_lines(text: str) -> Found:
    at = 0
    for line in text.split("\n"):
        start, at = at, at + len(line) + 1
        stripped = line.strip().rstrip(",")
        if not stripped.startswith("{") or not stripped.endswith("}"):
            continue
        try:
            row = json.loads(stripped)
        except (ValueError, RecursionError):
            continue
        question = _under(row, _ASKS)
        answer = _under(row, _TELLS)
        if question is not None and answer is not None:
            yield start, start + len(line), Demonstration(question, answer)


def _under(row: object, names: str) -> str | None:
    """The first text in ``row`` under one of ``names``."""
    if not isinstance(row, dict):
        return None
    for key, value in row.items():
        if re.fullmatch(names, key, re.IGNORECASE) and isinstance(value, str | int | float):
            return str(value).strip()
    return None


def _pairs(text: str) -> Found:
    """A line that opens a question, its further lines, one that opens the answer, and the lines up to an empty one."""
    at = start = 0
    asked: list[str] | None = None
    told: list[str] = []
    for line in [*text.split("\n"), ""]:
        mark = _MARK.fullmatch(line)
        opens = mark is not None and mark["asks"] is not None
        if opens or (told and not line.strip()):
            if asked is not None and (answer := "\n".join(told).strip()):
                yield start, max(start, at - 1), Demonstration("\n".join(asked).strip(), answer)
            start, asked, told = at, [mark["rest"]] if mark and opens else None, []
        elif told:
            told.append(line)
        elif asked is not None and mark:
            told.append(mark["rest"])
        elif asked is not None:
            asked.append(line)
        at += len(line) + 1


def _grouped(text: str) -> Found:
    title = _OF_EXAMPLES.search(text)
    if title is None:
        return
    for group in _GROUP.finditer(text, title.start()):
        head = (group["head"] or group["bold"]).strip()
        if _OF_ANSWERS.match(f"{head}:"):
            continue
        for item in _ITEM.finditer(text, *group.span("items")):
            yield group.start(), group.end(), Demonstration(item["text"], head)


def _arrows(text: str) -> Found:
    found = list(_ARROW.finditer(text))
    # One arrow in a text may mean anything.
    if len(found) > 1 or _OPEN_ARROW.search(text):
        yield from ((match.start(), match.end(), _demonstration(match)) for match in found)


def _answers(text: str) -> tuple[dict[str, str], str]:
    """The answers that are listed, and the text without the list."""
    for match in _OF_ANSWERS.finditer(text):
        listed = {item["name"].strip("`\"'* "): item["said"] or "" for item in _LISTED.finditer(match["items"])}
        if not listed and match["inline"].count(",") > 0:
            listed = {name: "" for each in match["inline"].split(",") if (name := each.strip(" .`\"'"))}
        if len(listed) > 1:
            return listed, text[: match.start()] + text[match.end() :]
    return {}, text


def _question(text: str) -> str:
    """What is asked: behind the first mark of a question that is left, without the mark of the answer to come."""
    if match := _OPEN_TAG.match(text) or _OPEN_ARROW.search(text):
        return match["question"].strip()
    lines = text.split("\n")
    for number, line in enumerate(lines):
        mark = _MARK.fullmatch(line)
        if mark is None or mark["asks"] is None:
            continue
        asked = [mark["rest"], *lines[number + 1 :]]
        while len(asked) > 1 and (not asked[-1].strip() or _ends(asked[-1])):
            asked.pop()
        return "\n".join(asked).strip()
    return text.strip()


def _ends(line: str) -> bool:
    mark = _MARK.fullmatch(line)
    return mark is not None and mark["tells"] is not None and not mark["rest"].strip()


def _demonstration(match: re.Match[str]) -> Demonstration:
    return Demonstration(match["question"].strip(), match["answer"].strip())
