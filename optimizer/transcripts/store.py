"""The one format that transcripts end in: JSON lines, gzip where the name says so. docs/replay.md describes it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from optimizer.errors import SettingsError
from optimizer.transcripts.reading import Note, objects, open_transcripts
from optimizer.transcripts.recording import Recording
from optimizer.transcripts.records import FORMAT, MAX_PROBLEMS, VERSION, Header, Problem, Transcript
from search_space.messages import Message, ModelError, check_messages

GZIP_LEVEL = 4


class TranscriptWriter:
    """Writes transcripts to ``path``, which appears whole when it is closed in the end, and not at all otherwise."""

    def __init__(self, path: Path) -> None:
        """Raises :class:`SettingsError` when there is something already, or no folder to write into."""
        if path.exists():
            raise SettingsError(f"{path}: it exists already", hint="name another file with --to, or remove this one")
        if not path.absolute().parent.is_dir():
            raise SettingsError(f"{path}: the folder {path.parent} does not exist", hint="make it, or name another one")
        self._path, self._part = path, path.with_name(path.name + ".part")
        self._raw = self._part.open("wb")
        # Neither name nor time: the same transcripts give the same file.
        self._file: BinaryIO = self._raw
        if path.suffix == ".gz":
            self._file = cast(BinaryIO, gzip.GzipFile("", "wb", compresslevel=GZIP_LEVEL, fileobj=self._raw, mtime=0))

    def write(self, recording: Recording) -> None:
        """Write a transcript that has ended."""
        self._line({"transcript": {"format": FORMAT, "version": VERSION, **asdict(recording.header)}})
        for line in recording.lines():
            self._file.write(line)
        problems = [asdict(problem) for problem in recording.problems]
        end = {"messages": recording.messages, "problems": problems, "more_problems": recording.more_problems}
        self._line({"end": end})

    def close(self, *, keep: bool = True) -> None:
        """Finish the file; without ``keep`` nothing of it stays."""
        if self._file is not self._raw:
            self._file.close()
        self._raw.close()
        if keep:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)

    def _line(self, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        self._file.write(text.encode("utf-8", "replace") + b"\n")


def read_transcripts(path: Path, note: Note) -> Iterator[Transcript]:
    """The transcripts of a file in our own format, one after the other. What cannot be used is noted and left out."""
    with open_transcripts(path) as stream:
        yield from parse_transcripts(stream, path.name, note)


def parse_transcripts(stream: BinaryIO, name: str, note: Note) -> Iterator[Transcript]:
    """As :func:`read_transcripts`, of an open file."""
    header: Header | None = None
    messages: list[Message] = []
    number = 0
    for number, record in objects(stream, name, note):
        where = f"{name}:{number}"
        if "transcript" in record:
            if header is not None:
                note(where, f"the transcript {header.id} has no end before here: it is left out")
            header, messages = _header(record["transcript"], where, note), []
        elif "message" in record and header is not None:
            messages.append(record["message"])
        elif "end" in record and header is not None:
            if transcript := _whole(header, messages, record["end"], where, note):
                yield transcript
            header = None
    if header is not None:
        note(f"{name}:{number}", f"the transcript {header.id} is cut in the middle: it is left out")


def _header(told: Any, where: str, note: Note) -> Header | None:
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        note(where, f"got a transcript of another format, expected format = {FORMAT!r}: it is left out")
        return None
    version = told.get("version")
    if version != VERSION:
        later = isinstance(version, int) and version > VERSION
        advice = "a later Ratchet wrote it; update this one" if later else f"expected version {VERSION}"
        note(where, f"got format version {version!r} ({advice}): the transcript is left out")
        return None
    texts = {key: told.get(key) for key in ("id", "workload", "source")}
    if missing := [key for key, value in texts.items() if not isinstance(value, str) or not value]:
        note(where, f"{missing[0]}: got {texts[missing[0]]!r}, expected a text: the transcript is left out")
        return None
    reward, meta = told.get("reward"), told.get("meta")
    return Header(
        id=str(texts["id"]),
        workload=str(texts["workload"]),
        source=str(texts["source"]),
        model=str(told.get("model") or ""),
        reward=float(reward) if isinstance(reward, int | float) else None,
        system=str(told.get("system") or ""),
        meta=meta if isinstance(meta, dict) else {},
    )


def _whole(header: Header, messages: list[Message], end: Any, where: str, note: Note) -> Transcript | None:
    if not isinstance(end, dict) or end.get("messages") != len(messages):
        note(where, f"the transcript {header.id} has not all its messages: it is left out")
        return None
    try:
        check_messages(messages)
    except (ModelError, KeyError, TypeError, AttributeError) as error:
        note(where, f"the transcript {header.id} is no valid conversation ({error}): it is left out")
        return None
    told = end.get("problems")
    problems = [Problem(str(each.get("where")), str(each.get("what"))) for each in told or [] if isinstance(each, dict)]
    more = end.get("more_problems")
    return Transcript(header, messages, problems[:MAX_PROBLEMS], more if isinstance(more, int) else 0)
