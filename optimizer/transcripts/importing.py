"""Takes files of transcripts, whatever their format, into one file of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimizer.errors import RatchetError, SettingsError
from optimizer.transcripts.formats import IMPORTERS, files_of, format_of
from optimizer.transcripts.masking import Masker
from optimizer.transcripts.reading import open_transcripts
from optimizer.transcripts.recording import Recording
from optimizer.transcripts.records import MAX_PROBLEMS, Header, Problem
from optimizer.transcripts.store import TranscriptWriter


@dataclass(slots=True)
class Imported:
    """What an import came to: transcripts by workload and by format, steps, masked places by kind, and what could not
    be taken as it is (``problems``, and how many more there were). ``left_out`` files gave nothing."""

    transcripts: int = 0
    steps: int = 0
    messages: int = 0
    workloads: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    left_out: list[str] = field(default_factory=list)

    def note(self, where: str, what: str) -> None:
        if len(self.problems) < 5 * MAX_PROBLEMS:
            self.problems.append(Problem(where, what))
        else:
            self.more_problems += 1


def import_files(
    paths: Sequence[Path], to: Path, *, wanted: str | None = None, workload: str = "", mask: bool = True
) -> Imported:
    """Import ``paths`` (files, or folders of them) into ``to``.

    ``wanted`` is the format (a name of ``IMPORTERS``), None to find out; ``workload`` stands in place of what the files
    say. Raises :class:`SettingsError` for a file that cannot be read and for one of ``to``, and :class:`RatchetError`
    when there was nothing usable; then nothing is written.
    """
    files = files_of(list(paths))
    if not files:
        raise SettingsError(f"got no file of transcripts in {', '.join(map(str, paths))}", hint="name some files")
    if wanted is not None and wanted not in IMPORTERS:
        raise SettingsError(f"--format: got {wanted!r}, expected one of {', '.join(IMPORTERS)}")
    found = Imported()
    writer = TranscriptWriter(to)
    keep = False
    try:
        for path in files:
            _take(path, writer, found, wanted, workload, mask)
        keep = found.transcripts > 0
    finally:
        writer.close(keep=keep)
    if not keep:
        told = "; ".join(map(str, found.problems[:3])) or "no file holds a conversation with a model's answer"
        raise RatchetError(
            f"got nothing usable in {len(files)} file{'s' if len(files) > 1 else ''}: {told}",
            hint=f"formats that are known: {', '.join(IMPORTERS)}; docs/replay.md says what each needs",
        )
    return found


def _take(path: Path, writer: TranscriptWriter, found: Imported, wanted: str | None, workload: str, mask: bool) -> None:
    kind = wanted or format_of(path)
    before = found.transcripts
    if kind is None:
        found.note(path.name, "the format is not known: the file is left out")
    else:
        intake = _Intake(path, kind, writer, found, workload, mask)
        with closing(open_transcripts(path)) as stream:
            try:
                IMPORTERS[kind](stream, path.name, intake)
            except (EOFError, OSError) as error:
                found.note(path.name, f"cut in the middle ({error}): what stands before is taken")
    if found.transcripts == before:
        found.left_out.append(str(path))


@dataclass(slots=True)
class _Intake:
    """Gives each recording its masker and what the file tells of it, and writes it when it is done."""

    path: Path
    kind: str
    writer: TranscriptWriter
    found: Imported
    workload: str
    mask: bool

    def begin(self, id: str, **known: Any) -> Recording:
        masker = Masker() if self.mask else None
        told = {**known, "workload": self.workload or known.get("workload") or self.path.absolute().parent.name}
        told.setdefault("source", self.kind)
        texts = {key: masker.value(value) for key, value in told.items()} if masker else told
        return Recording(Header(id=masker.text(id) if masker else id, **texts), masker)

    def done(self, recording: Recording, where: str) -> None:
        recording.end(where)
        found = self.found
        for problem in recording.problems:
            found.note(problem.where, problem.what)
        found.more_problems += recording.more_problems
        if recording.steps:
            self.writer.write(recording)
            found.transcripts += 1
            found.steps += recording.steps
            found.messages += recording.messages
            found.workloads[recording.header.workload] += 1
            found.formats[self.kind] += 1
            if recording.masker:
                found.masked += recording.masker.counts
        else:
            found.note(where, f"the transcript {recording.header.id} has no answer of a model: it is left out")
        recording.close()

    def note(self, where: str, what: str) -> None:
        self.found.note(where, what)
