"""What an importer is: from the bytes of a file to recordings."""

from __future__ import annotations

from typing import Any, BinaryIO, Protocol

from optimizer.transcripts.recording import Recording


class Intake(Protocol):
    """Where an importer hands over what it finds."""

    def begin(self, id: str, **known: Any) -> Recording:
        """A new transcript; ``known`` are further fields of its header (``workload``, ``model``, ``reward``, ...)."""
        ...

    def done(self, recording: Recording, where: str) -> None:
        """The transcript has ended, at ``where``. One without a single step is told and not kept."""
        ...

    def note(self, where: str, what: str) -> None:
        """Something that belongs to no transcript could not be taken as it is."""
        ...


class Importer(Protocol):
    """Reads one format."""

    def __call__(self, stream: BinaryIO, name: str, intake: Intake) -> None:
        """Take every transcript in ``stream``; ``name`` is the file's, for places. What is not known is passed over,
        what is needed and missing is noted; nothing is raised for a file's content."""
        ...
