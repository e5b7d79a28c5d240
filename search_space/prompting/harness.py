"""A prompt harness: instructions, ``prompt.toml``, and optional rankings of cases and descriptions of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from search_space.errors import InvalidFile, MissingFile
from search_space.prompting.settings import PER_QUESTION, SETTINGS_FILE, PromptSettings
from search_space.toml_text import parse_toml
from search_space.validation import load_toml, nearest

RANKINGS_FILE = "rankings.json"
DESCRIPTIONS_FILE = "descriptions.toml"


@dataclass(frozen=True)
class PromptHarness:
    """``instructions`` is the prompt file's text; ``ranking`` the ids of stored cases in the order in which the chosen
    ranking shows them (empty when none is chosen); ``descriptions`` says something about answers, by answer."""

    settings: PromptSettings
    instructions: str
    ranking: tuple[str, ...] = ()
    descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def per_question(self) -> bool:
        """Whether questions are shown different cases."""
        return self.settings.examples.choice in PER_QUESTION


def prompt_from_files(files: Mapping[str, bytes]) -> PromptHarness:
    """The prompt harness that a tree of files is. Raises :class:`MissingFile` or :class:`InvalidFile`."""
    if SETTINGS_FILE not in files:
        raise MissingFile(f"{SETTINGS_FILE}: got nothing, expected this file in every prompt harness")
    settings = load_toml(_text(SETTINGS_FILE, files[SETTINGS_FILE]), PromptSettings, file=SETTINGS_FILE)
    if settings.prompt not in files:
        near = nearest(settings.prompt, files)
        got = f"{settings.prompt!r}, which is not there"
        raise InvalidFile(SETTINGS_FILE, "prompt", got, "the file with the instructions", near)
    instructions = _text(settings.prompt, files[settings.prompt]).strip()
    ranking = _ranking(settings.examples.choice, files.get(RANKINGS_FILE))
    described = _descriptions(_text(DESCRIPTIONS_FILE, files.get(DESCRIPTIONS_FILE, b"")))
    return PromptHarness(settings, instructions, ranking, described)


def rankings_text(rankings: Mapping[str, list[str]]) -> str:
    """What ``rankings.json`` says for these orders of ids, by name: a line each."""
    lines = [f" {json.dumps(name)}: {json.dumps(ids, ensure_ascii=False)}" for name, ids in rankings.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n"


def _ranking(choice: str, content: bytes | None) -> tuple[str, ...]:
    if choice == "none" or choice in PER_QUESTION:
        return ()
    rankings = {} if content is None else _rankings(content)
    if choice not in rankings:
        known = ("none", *PER_QUESTION, *rankings)
        expected = f"one of {', '.join(known)}" + ("" if rankings else f" ({RANKINGS_FILE} names no others)")
        raise InvalidFile(SETTINGS_FILE, "examples.choice", repr(choice), expected, nearest(choice, known))
    return rankings[choice]


@lru_cache(maxsize=8)
def _rankings(content: bytes) -> dict[str, tuple[str, ...]]:
    try:
        value: Any = json.loads(_text(RANKINGS_FILE, content))
    except (ValueError, RecursionError) as error:
        raise InvalidFile(RANKINGS_FILE, "", f"no JSON ({error})", "an object of lists of ids") from None
    if not isinstance(value, dict):
        raise InvalidFile(RANKINGS_FILE, "", type(value).__name__, "an object of lists of ids, by the ranking's name")
    for name, ids in value.items():
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids) or len({*ids}) < len(ids):
            raise InvalidFile(RANKINGS_FILE, name, f"{ids!r:.60}", "a list of ids of cases, each once")
    return {name: tuple(ids) for name, ids in value.items()}


def _descriptions(text: str) -> Mapping[str, str]:
    found = parse_toml(text, DESCRIPTIONS_FILE)
    for answer, said in found.items():
        if not isinstance(said, str):
            raise InvalidFile(DESCRIPTIONS_FILE, answer, f"{said!r:.60}", "a text about this answer")
    return {answer: " ".join(said.split()) for answer, said in found.items()}


def _text(file: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidFile(file, "", f"bytes that are not UTF-8 (at {error.start})", "UTF-8 text") from None
