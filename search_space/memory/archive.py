"""The archive: what left the conversation, whole, and how it is searched."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Literal

from search_space.memory.matching import scores, words_of

Search = Literal["words", "phrase", "recent"]


class Archive:
    """Entries (source, text) in the order in which they came, kept in ``file`` as JSON lines."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries: list[tuple[str, str, Counter[str]]] = []
        if file.is_file():
            for line in file.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._remember(entry["source"], entry["text"])

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, source: str, text: str) -> None:
        """Keep ``text`` under ``source``."""
        self._remember(source, text)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"source": source, "text": text}) + "\n")

    def search(self, query: str, how: Search, at_most: int) -> list[tuple[str, str]]:
        """The best ``at_most`` entries (source, text) for ``query``, best first; of equals the newer comes first.

        ``words``: those that share most words, rare ones counting more; ``phrase``: those that hold the query word for
        word (case and spaces aside), the newest first; ``recent``: those that share any word, the newest first.
        """
        if how == "words":
            found = scores(words_of(query), [words for _, _, words in self._entries])
        elif how == "phrase":
            wanted = _flat(query)
            found = [float(wanted in _flat(f"{source} {text}")) for source, text, _ in self._entries]
        else:
            any_of = words_of(query).keys()
            found = [float(not any_of.isdisjoint(words)) for _, _, words in self._entries]
        ranked = sorted(((score, number) for number, score in enumerate(found) if score > 0), reverse=True)
        return [self._entries[number][:2] for _, number in ranked[:at_most]]

    def _remember(self, source: str, text: str) -> None:
        self._entries.append((source, text, words_of(f"{source} {text}")))


def around(text: str, query: str, chars: int) -> str:
    """The lines of a long text that hold the query's words, within ``chars`` characters, and a mark that says so; a
    short text whole."""
    if len(text) <= chars:
        return text
    wanted = set(words_of(query))
    lines = text.splitlines()
    shared = {number: len(wanted & set(words_of(line))) for number, line in enumerate(lines)}
    kept: list[int] = []
    size = 0
    for number in sorted(shared, key=lambda number: (-shared[number], number)):
        size += len(lines[number]) + 1
        if size > chars or not shared[number]:
            break
        kept.append(number)
    if not kept:
        return f"{text[:chars]}\n[cut here: {len(text) - chars:,} more characters]"
    return "\n".join([*(lines[number] for number in sorted(kept)), f"[cut: {len(kept)} of {len(lines)} lines]"])


def _flat(text: str) -> str:
    return " ".join(text.lower().split())
