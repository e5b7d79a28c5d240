"""Files of transcripts for replay: our own format as it is, any other imported first, masked, for the time being."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from optimizer.errors import RatchetError, SettingsError
from optimizer.transcripts.formats import files_of, format_of
from optimizer.transcripts.importing import import_files
from optimizer.transcripts.reading import Note
from optimizer.transcripts.records import Transcript
from optimizer.transcripts.store import read_transcripts

LEAST_LIMIT = 500
"""A context of fewer tokens holds hardly a task."""


class Transcripts:
    """The transcripts of some files, read again each time: one at a time is held. What cannot be used is told to
    ``note``, once."""

    def __init__(self, files: Sequence[Path], note: Note) -> None:
        self._files, self._note = files, note

    def __iter__(self) -> Iterator[Transcript]:
        for file in self._files:
            yield from read_transcripts(file, self._note)
        self._note = lambda where, what: None


@contextmanager
def load(paths: Sequence[Path], note: Note) -> Iterator[Transcripts]:
    """The transcripts of ``paths``, which are files or folders. Raises :class:`SettingsError` when there is none."""
    files = files_of(list(paths))
    if not files:
        raise SettingsError(f"got no file of transcripts in {', '.join(map(str, paths))}", hint="name some files")
    with tempfile.TemporaryDirectory(prefix="ratchet-replay-") as folder:
        own = [file for file in files if format_of(file) == "ratchet"]
        if foreign := [file for file in files if file not in own]:
            taken = Path(folder) / "imported.jsonl"
            try:
                for problem in import_files(foreign, taken).problems:
                    note(problem.where, problem.what)
            except SettingsError:
                raise
            except RatchetError as error:
                if not own:
                    raise
                note(", ".join(file.name for file in foreign[:3]), error.message)
            own += [taken] if taken.exists() else []
        yield Transcripts(own, note)


def usual_limit(transcripts: Transcripts) -> int:
    """A context that makes compaction matter: half of what the median transcript sends at its last step, in tokens, to
    two digits. Raises :class:`RatchetError` when there is no transcript."""
    from search_space.messages import estimate_tokens

    sizes = sorted(estimate_tokens(list(transcript.messages)) for transcript in transcripts)
    if not sizes:
        raise RatchetError("got no usable transcript", hint="'ratchet import' says what is wrong with a file")
    half = max(LEAST_LIMIT, sizes[len(sizes) // 2] // 2)
    digits: int = 10 ** max(0, len(str(half)) - 2)
    return half // digits * digits
