"""Which format a file of transcripts has, by what stands at its beginning."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from optimizer.transcripts.importers import chat, claude_code, own, swe_agent
from optimizer.transcripts.importers.base import Importer
from optimizer.transcripts.reading import Pieces, open_transcripts

IMPORTERS: Mapping[str, Importer] = {
    "claude-code": claude_code.read,
    "chat": chat.read,
    "swe-agent": swe_agent.read,
    "trajectory": own.read_trajectory,
    "ratchet": own.read_imported,
}
HEAD_BYTES = 1024 * 1024
HEAD_LINES = 50
SUFFIXES = (".jsonl", ".json", ".traj", ".ndjson")


def format_of(path: Path) -> str | None:
    """A name of ``IMPORTERS``, None when the beginning looks like none. Raises SettingsError when it cannot be read."""
    if ".traj" in path.suffixes:
        return "swe-agent"
    text = _head(path).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        return "chat"
    for line in text.split("\n")[:HEAD_LINES]:
        if found := _of_line(line):
            return found
    if text.startswith("{") and '"history"' in text and ('"trajectory"' in text or '"role"' in text):
        return "swe-agent"
    if text.startswith("{") and any(f'"{key}"' in text for key in chat.LISTS):
        return "chat"
    return None


def _head(path: Path) -> bytes:
    """The beginning; of a compressed file that is cut, as much of it as there is."""
    head = b""
    with open_transcripts(path) as stream, suppress(EOFError, OSError, zlib.error):
        pieces = Pieces(stream)
        while len(head) < HEAD_BYTES and (more := pieces.read(HEAD_BYTES)):
            head += more
    return head


def _of_line(line: str) -> str | None:
    try:
        told: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    if "transcript" in told:
        return "ratchet"
    if "history" in told and "trajectory" in told:
        return "swe-agent"
    if told.get("kind") in ("task", "prompt", "answer", "results"):
        return "trajectory"
    if "type" in told and ("sessionId" in told or "uuid" in told or isinstance(told.get("message"), dict)):
        return "claude-code"
    return "chat" if "role" in told or any(isinstance(told.get(key), list) for key in chat.LISTS) else None


def files_of(paths: list[Path]) -> list[Path]:
    """The files meant: a folder stands for the files of transcripts in it, in sorted order."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file() and set(SUFFIXES) & set(file.suffixes))
            found += inside
        else:
            found.append(path)
    return found
