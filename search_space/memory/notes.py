"""Notes by topic: written by the model or left by the harness, counted when read, kept in one file."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from search_space.compaction.cutting import call_text
from search_space.compaction.facts import best, extract
from search_space.messages import Message

TOPIC_CHARS = 80
LEFT_LINES = 8
LEFT_CHARS = 600
"""Bounds of a note that the harness leaves."""


@dataclass(slots=True)
class Note:
    """One note. ``reads``: how often it was read or shown; ``also``: topics that were merged into this one."""

    text: str
    reads: int = 0
    also: tuple[str, ...] = ()


class Notes:
    """The notes of one rollout in the order in which they were last written, kept in ``file``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._by_topic: dict[str, Note] = {}
        if file.is_file():
            saved = json.loads(file.read_text(encoding="utf-8"))
            self._by_topic = {
                topic: Note(note["text"], note["reads"], tuple(note["also"])) for topic, note in saved.items()
            }

    def __len__(self) -> int:
        return len(self._by_topic)

    def __iter__(self) -> Iterator[tuple[str, Note]]:
        return iter(self._by_topic.items())

    def write(self, topic: str, text: str, *, append: bool) -> None:
        """Write a note; it becomes the newest. ``append`` adds to what stands there instead of replacing it."""
        with self._lock:
            topic = self._named(topic)
            old = self._by_topic.pop(topic, None)
            if old is not None:
                text = f"{old.text}\n{text}" if append else text
            self._by_topic[topic] = Note(text, old.reads if old else 0, old.also if old else ())
            self._save()

    def read(self, topic: str) -> str | None:
        """The text of the note on ``topic`` (or merged from it), counted as read; None when there is none."""
        with self._lock:
            note = self._by_topic.get(self._named(topic))
            if note is None:
                return None
            note.reads += 1
            self._save()
            return note.text

    def topics(self) -> list[str]:
        """The topics, the newest last."""
        return list(self._by_topic)

    def replace(self, notes: Mapping[str, Note]) -> None:
        """Put ``notes`` in place of all there are."""
        with self._lock:
            self._by_topic = dict(notes)
            self._save()

    def _named(self, topic: str) -> str:
        if topic in self._by_topic:
            return topic
        return next((name for name, note in self._by_topic.items() if topic in note.also), topic)

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({topic: asdict(note) for topic, note in self._by_topic.items()}, indent=1)
        self._file.write_text(text, encoding="utf-8")


def left_note(tool: str, given: Mapping[str, Any], result: str, terms: frozenset[str]) -> tuple[str, str]:
    """Topic and text of the note that the harness leaves on a tool result: the tool with its inputs, and under the call
    the lines of the result most worth keeping (see :mod:`search_space.compaction.facts`). ``terms``: identifiers that
    matter."""
    values = (value for value in given.values() if isinstance(value, str | int) and not isinstance(value, bool))
    topic = " ".join([tool, *(str(value).replace(": ", " ") for value in values)])
    message: Message = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "", "content": result}],
    }
    facts = extract([message], terms)
    kept = best(facts, LEFT_LINES, LEFT_CHARS)
    lines = [f"  {fact.text}" for fact in kept]
    if more := sum(bool(line.strip()) for line in result.split("\n")) - len(kept):
        lines.append(f"  ... ({more} more lines)")
    return " ".join(topic.split())[:TOPIC_CHARS], "\n".join([call_text(tool, given), *lines])


def shown_note(topic: str, text: str) -> str:
    """A note in full as an index or a task shows it: the topic, and the text indented below it."""
    lines = text.split("\n")
    if is_call(lines[0]):  # a note that the harness left: its first line says what the topic says
        return text
    if any(is_call(line) for line in lines):
        return f"{topic}:\n{text}"
    return "\n".join([f"{topic}:", *(f"  {line}" for line in lines)])


def is_call(line: str) -> bool:
    """Whether a line of a note is the call that the lines below come from."""
    name, bracket, rest = line.partition("({")
    return bool(bracket) and name.isidentifier() and rest.endswith("})")
