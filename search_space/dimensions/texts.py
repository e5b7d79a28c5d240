"""Texts that are open to free edits: whole files by pattern, one section of a prompt file, or one marked region."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class OpenText:
    """``file`` is a path or a pattern such as ``strategies/*.py``; ``section`` a heading (``""``: before the first one)
    or None for the whole file, which may then also be added or removed; ``region`` a marked region instead of both.
    ``max_chars`` bounds what it may grow to."""

    name: str
    file: str
    section: str | None = None
    max_chars: int | None = None
    region: str | None = None

    def covers(self, path: str) -> bool:
        """Whether the whole file at ``path`` is open."""
        whole = self.section is None and self.region is None
        return whole and path.count("/") == self.file.count("/") and fnmatchcase(path, self.file)

    def __str__(self) -> str:
        if self.region is not None:
            return f"{self.file} (region {self.region})"
        return self.file if self.section is None else f"{self.file} (section '{self.section}')"
