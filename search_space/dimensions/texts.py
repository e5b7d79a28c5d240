"""Texts that are open to free edits: whole files by pattern, or one section of a prompt file."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class OpenText:
    """``file`` is a path or a pattern such as ``strategies/*.py``; ``section`` a heading (``""``: before the first one)
    or None for the whole file, which may then also be added or removed. ``max_chars`` bounds what it may grow to."""

    name: str
    file: str
    section: str | None = None
    max_chars: int | None = None

    def covers(self, path: str) -> bool:
        """Whether the whole file at ``path`` is open."""
        return self.section is None and path.count("/") == self.file.count("/") and fnmatchcase(path, self.file)

    def __str__(self) -> str:
        return self.file if self.section is None else f"{self.file} (section '{self.section}')"
