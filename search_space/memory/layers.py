"""The three layers together: the tools that the model gets, what it sees without asking, what the harness keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_space.calls import current_call
from search_space.compaction.facts import terms_of
from search_space.harness_file import MemoryConfig
from search_space.memory.archive import Archive, around
from search_space.memory.consolidation import consolidate
from search_space.memory.index import index_text
from search_space.memory.matching import scores, words_of
from search_space.memory.notes import Notes, left_note, shown_note
from search_space.tools import Effects, Tool, ToolError

NOTES, ARCHIVE = "notes", "archive"
MEMORY_TOOLS = {
    "write_note": Effects(writes=frozenset({NOTES})),
    "read_note": Effects(reads=frozenset({NOTES})),
    "search_archive": Effects(reads=frozenset({ARCHIVE})),
}
"""The tools that memory can offer, by name, with what they touch."""
_SEARCHED = {
    "words": "by words",
    "phrase": "for a phrase, word for word; the newest stand first",
    "recent": "by words; the newest stand first",
}
"""How the tool's description tells the way in which the archive is searched."""
START_HEAD = "Notes from earlier that may help:"
LEAST_SHARE = 0.25
"""A note that matches a task less than this share of the best match is not shown with it."""
SHORT_WORD = 2
"""Words of so few letters do not make a note match a task."""


class Memory:
    """The memory of one rollout, in ``folder`` (made when something is first written). Its tools may be called from
    several threads as far as their effects allow; the rest is for one thread."""

    def __init__(self, config: MemoryConfig, folder: Path) -> None:
        self._config = config
        self._notes = Notes(folder / "notes.json")
        self._archive = Archive(folder / "archive.jsonl")

    def tools(self) -> list[Tool]:
        """The tools of the layers that the configuration turns on."""
        return [*(self._note_tools() if self._config.notes else []), *(self._archive_tools())]

    def index_text(self) -> str:
        """The index as the model sees it (:mod:`search_space.memory.index`)."""
        return index_text(self._config, self._notes, self._config.archive and len(self._archive) > 0)

    def for_task(self, prompt: str) -> str:
        """The notes to show with a new task, as text within ``start_chars``; ``""`` unless ``notes_read`` is "start".

        Those that share most words with ``prompt``, rare words counting more, best first, whole ones only; showing a
        note counts as reading it.
        """
        if not (self._config.notes and self._config.notes_read == "start"):
            return ""
        wanted = {word for word in words_of(prompt) if len(word) > SHORT_WORD}
        found = list(self._notes)
        matches = scores(wanted, [words_of(f"{topic} {note.text}") for topic, note in found])
        best = max(matches, default=0.0)
        ranked = sorted(range(len(found)), key=lambda number: (-matches[number], -number))
        text = ""
        for number in ranked:
            topic, note = found[number]
            longer = f"{text or START_HEAD}\n{shown_note(topic, note.text)}"
            if matches[number] <= LEAST_SHARE * best or len(longer) > self._config.start_chars:
                continue
            text = longer
            self._notes.read(topic)
        return text

    @property
    def notes_results(self) -> bool:
        """Whether every tool result is to leave a note as soon as it is there."""
        return self._config.notes and self._config.notes_written == "results"

    @property
    def notes_dropped(self) -> bool:
        """Whether a tool result is to leave a note when it leaves the conversation."""
        return self._config.notes and self._config.notes_written == "dropped"

    def leave_note(self, tool: str, given: Mapping[str, Any], result: str, task: str) -> None:
        """Note a tool result on the harness's own account; ``task`` says what matters. Results of memory's own tools
        leave none."""
        if tool not in MEMORY_TOOLS:
            topic, text = left_note(tool, given, result, terms_of(task))
            self._notes.write(topic, text, append=False)

    def archive(self, source: str, text: str) -> None:
        """Keep ``text`` in the archive under ``source`` (what it is: a tool call); nothing when the archive is off."""
        if self._config.archive:
            self._archive.add(source, text)

    def search(self, query: str) -> list[tuple[str, str]]:
        """The archive's entries (source, text) for ``query``, as ``archive_search`` and ``archive_entries`` say."""
        return self._archive.search(query, self._config.archive_search, self._config.archive_entries)

    def consolidate(self) -> tuple[int, int] | None:
        """Put the notes in order between two tasks; how many there were and are, None when there is nothing to do."""
        if self._config.consolidation == "none" or not len(self._notes):
            return None
        before = len(self._notes)
        self._notes.replace(consolidate(self._config, self._notes))
        return before, len(self._notes)

    def _note_tools(self) -> list[Tool]:
        topic = {"type": "string", "description": "a short name of the topic"}
        text = {"type": "string", "description": "what to remember"}
        append = {"type": "boolean", "description": "add to the topic's note instead of replacing it"}
        return [
            Tool(
                "write_note",
                "Write a note on a topic, so that it can be read again later.",
                _schema({"topic": topic, "text": text, "append": append}, ["topic", "text"]),
                self._write_note,
                MEMORY_TOOLS["write_note"],
            ),
            Tool(
                "read_note",
                "Read the note that was written on a topic.",
                _schema({"topic": topic}, ["topic"]),
                self._read_note,
                MEMORY_TOOLS["read_note"],
            ),
        ]

    def _archive_tools(self) -> list[Tool]:
        if not self._config.archive:
            return []
        what = "the phrase" if self._config.archive_search == "phrase" else "words"
        query = {"type": "string", "description": f"{what} to look for"}
        return [
            Tool(
                "search_archive",
                f"Search earlier tool results that are no longer in view {_SEARCHED[self._config.archive_search]}.",
                _schema({"query": query}, ["query"]),
                self._search_archive,
                MEMORY_TOOLS["search_archive"],
            )
        ]

    def _write_note(self, given: Mapping[str, Any]) -> str:
        topic, text = _string(given, "topic"), _string(given, "text")
        append = given.get("append") is True
        current_call().write(NOTES, lambda: self._notes.write(topic, text, append=append))
        return f"noted under '{topic}'"

    def _read_note(self, given: Mapping[str, Any]) -> str:
        topic = _string(given, "topic")
        current_call().read(NOTES)
        text = self._notes.read(topic)
        if text is None:
            raise ToolError(f"no note on '{topic}'; topics: {', '.join(self._notes.topics()) or 'none yet'}")
        return text

    def _search_archive(self, given: Mapping[str, Any]) -> str:
        query = _string(given, "query")
        current_call().read(ARCHIVE)
        found = self.search(query)
        if not found:
            return f"nothing in the archive for '{query}'"
        return "\n\n".join(f"[{source}]\n{around(text, query, self._config.archive_chars)}" for source, text in found)


def _schema(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def _string(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ToolError(f"{key}: got {value!r}, expected a text that is not empty")
    return value.strip()
