"""The index: what of the notes is always in view, within a bound."""

from __future__ import annotations

from search_space.harness_file import MemoryConfig
from search_space.memory.notes import Note, Notes, is_call, shown_note

LINE_CHARS = 80
HEAD = "Notes (read with read_note):"
ARCHIVE_LINE = "Archive: earlier results (find them with search_archive)"


def index_text(config: MemoryConfig, notes: Notes, archived: bool) -> str:
    """The index as the model sees it, at most ``index_chars`` characters; ``""`` when it is off or has nothing to list.

    ``index_shows`` says what a topic's entry is, ``index_order`` which topics stay when not all fit: the newest (shown
    oldest first, so that a new one changes the end only) or the most read ones (shown first). ``archived``: whether the
    archive holds something.
    """
    if not config.index:
        return ""
    tail = [ARCHIVE_LINE] if archived else []
    entries = [_entry(config.index_shows, topic, note) for topic, note in _ranked(config, notes)]
    kept = len(entries)
    while kept and len(_joined(config, entries, kept, tail)) > config.index_chars:
        kept -= 1
    return _joined(config, entries, kept, tail)[: config.index_chars]


def _ranked(config: MemoryConfig, notes: Notes) -> list[tuple[str, Note]]:
    """The notes, those that stay longest first."""
    newest = list(notes)[::-1] if config.notes else []
    return sorted(newest, key=lambda pair: -pair[1].reads) if config.index_order == "most_read" else newest


def _entry(shows: str, topic: str, note: Note) -> str:
    if shows == "topics":
        return f"- {topic}"
    if shows == "notes":
        return shown_note(topic, note.text)
    return f"- {topic}: {_first_line(note.text)}"


def _first_line(text: str) -> str:
    """The first line, cut, and how many more there are."""
    lines = text.split("\n")
    if len(lines) > 1 and is_call(lines[0]):  # the topic says the same
        lines = lines[1:]
    line = lines[0].strip()
    line = line if len(line) <= LINE_CHARS else line[: LINE_CHARS - 3] + "..."
    more = len(lines) - 1
    return line + (f" (+{more} line{'s' if more > 1 else ''})" if more else "")


def _joined(config: MemoryConfig, entries: list[str], kept: int, tail: list[str]) -> str:
    dropped = len(entries) - kept
    if not entries:
        return "\n".join(tail)
    if config.index_order == "most_read":
        more = [f"({dropped} less read topics)"] if dropped else []
        return "\n".join([HEAD, *entries[:kept], *more, *tail])
    more = [f"({dropped} older topics)"] if dropped else []
    return "\n".join([HEAD, *more, *entries[:kept][::-1], *tail])
