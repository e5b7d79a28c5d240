"""Memory in three layers: an index always in view, topic notes read on demand, an archive that is searched.

Notes are what the model chose to write down, by topic. The index lists the topics with their first line, within a
bound, so that the model knows what it can read. The archive takes whatever leaves the conversation (old tool results),
whole, and gives back the entries that share most words with a query. Everything lies in one folder as plain text.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_space.harness import MemoryConfig
from search_space.tools import Effects, Tool, ToolError

MEMORY_TOOLS = ("write_note", "read_note", "search_archive")
"""The names of the tools that memory can offer."""

NOTES, ARCHIVE = "notes", "archive"
FOUND_ENTRIES = 3
FOUND_CHARS = 1200
WORD = re.compile(r"[A-Za-z0-9_]+")


class Memory:
    """The memory of one rollout, in ``folder`` (made when something is first written). Not safe for several threads."""

    def __init__(self, config: MemoryConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._notes: dict[str, str] = {}
        self._archive: list[tuple[str, str, Counter[str]]] = []
        self._load()

    def tools(self) -> list[Tool]:
        """The tools of the layers that the configuration turns on."""
        result: list[Tool] = []
        topic = {"type": "string", "description": "a short name of the topic"}
        if self._config.notes:
            text = {"type": "string", "description": "what to remember"}
            append = {"type": "boolean", "description": "add to the topic's note instead of replacing it"}
            result += [
                Tool(
                    "write_note",
                    "Write a note on a topic, so that it can be read again later.",
                    _schema({"topic": topic, "text": text, "append": append}, ["topic", "text"]),
                    self._write_note,
                    Effects(writes=frozenset({NOTES})),
                ),
                Tool(
                    "read_note",
                    "Read the note that was written on a topic.",
                    _schema({"topic": topic}, ["topic"]),
                    self._read_note,
                    Effects(reads=frozenset({NOTES})),
                ),
            ]
        if self._config.archive:
            query = {"type": "string", "description": "words to look for"}
            result.append(
                Tool(
                    "search_archive",
                    "Search earlier tool results that are no longer in view by words.",
                    _schema({"query": query}, ["query"]),
                    self._search_archive,
                    Effects(reads=frozenset({ARCHIVE})),
                )
            )
        return result

    def index_text(self) -> str:
        """The index as the model sees it: a line for each topic, at most ``index_chars`` characters; ``""`` when the
        index is off or there is nothing to list. The newest topics stay when not all fit."""
        if not self._config.index or not self._notes:
            return ""
        lines = [f"- {topic}: {_first_line(text)}" for topic, text in self._notes.items()]
        dropped = 0
        while len(_joined(lines, dropped)) > self._config.index_chars and lines:
            lines, dropped = lines[1:], dropped + 1
        return _joined(lines, dropped)[: self._config.index_chars]

    def archive(self, source: str, text: str) -> None:
        """Keep ``text`` in the archive under ``source`` (what it is: a tool call); nothing when the archive is off."""
        if not self._config.archive:
            return
        self._archive.append((source, text, _words(f"{source} {text}")))
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "archive.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"source": source, "text": text}) + "\n")

    def search(self, query: str) -> list[tuple[str, str]]:
        """The archive's entries (source, text) that share most words with ``query``, best first; rare words count more
        (inverse document frequency), repeats count by their logarithm, and of equals the newer comes first."""
        wanted = _words(query)
        total = len(self._archive)
        rarity = {
            word: math.log(1 + total / found)
            for word in sorted(wanted)
            if (found := sum(word in words for _, _, words in self._archive))
        }
        scored = [
            (sum((1 + math.log(words[word])) * weight for word, weight in rarity.items() if word in words), number)
            for number, (_, _, words) in enumerate(self._archive)
        ]
        best = sorted((entry for entry in scored if entry[0] > 0), reverse=True)[:FOUND_ENTRIES]
        return [self._archive[number][:2] for _, number in best]

    def _write_note(self, given: Mapping[str, Any]) -> str:
        topic, text = _string(given, "topic"), _string(given, "text")
        if given.get("append") is True and topic in self._notes:
            text = f"{self._notes[topic]}\n{text}"
        self._notes.pop(topic, None)  # the newest topic stands last
        self._notes[topic] = text
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "notes.json").write_text(json.dumps(self._notes, indent=1), encoding="utf-8")
        return f"noted under '{topic}'"

    def _read_note(self, given: Mapping[str, Any]) -> str:
        topic = _string(given, "topic")
        if topic not in self._notes:
            raise ToolError(f"no note on '{topic}'; topics: {', '.join(self._notes) or 'none yet'}")
        return self._notes[topic]

    def _search_archive(self, given: Mapping[str, Any]) -> str:
        query = _string(given, "query")
        found = self.search(query)
        if not found:
            return f"nothing in the archive for '{query}'"
        return "\n\n".join(f"[{source}]\n{_around(text, query)}" for source, text in found)

    def _load(self) -> None:
        notes, archive = self._folder / "notes.json", self._folder / "archive.jsonl"
        if self._config.notes and notes.is_file():
            self._notes = dict(json.loads(notes.read_text(encoding="utf-8")))
        if self._config.archive and archive.is_file():
            for line in archive.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._archive.append((entry["source"], entry["text"], _words(f"{entry['source']} {entry['text']}")))


def _around(text: str, query: str) -> str:
    """The lines of a long text that hold the query's words, within ``FOUND_CHARS``; a short text whole."""
    if len(text) <= FOUND_CHARS:
        return text
    wanted = set(_words(query))
    lines = text.splitlines()
    scores = {number: len(wanted & set(_words(line))) for number, line in enumerate(lines)}
    kept: list[int] = []
    size = 0
    for number in sorted(scores, key=lambda number: (-scores[number], number)):
        size += len(lines[number]) + 1
        if size > FOUND_CHARS or not scores[number]:
            break
        kept.append(number)
    return "\n".join(lines[number] for number in sorted(kept)) or text[:FOUND_CHARS]


def _schema(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def _string(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ToolError(f"{key}: got {value!r}, expected a text that is not empty")
    return value.strip()


def _words(text: str) -> Counter[str]:
    return Counter(word.lower() for word in WORD.findall(text))


def _first_line(text: str) -> str:
    line = text.split("\n", 1)[0].strip()
    return line if len(line) <= 80 else line[:77] + "..."


def _joined(lines: list[str], dropped: int) -> str:
    more = [f"({dropped} older topics)"] if dropped else []
    return "\n".join(["Notes (read with read_note):", *more, *lines])
