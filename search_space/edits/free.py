"""Free edits: a unified diff, or a file written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from search_space import diffs
from search_space.edits.base import BaseEdit, FileEdit, Files, text_or_none
from search_space.errors import InvalidEdit

if TYPE_CHECKING:
    from search_space.edits.many import Edit


class SetText(FileEdit):
    """Make a file hold exactly ``text``, or remove it when ``text`` is None."""

    kind: Literal["set_text"] = "set_text"
    text: str | None

    def apply(self, files: Files) -> dict[str, bytes]:
        text_or_none(files, self.file)  # what is no text could not be restored
        if self.text is not None:
            return self._put(files, self.text)
        if self.file not in files:
            raise InvalidEdit(f"{self.file}: got a removal of a file that is not there")
        return {path: content for path, content in files.items() if path != self.file}

    def describe(self) -> str:
        return f"remove {self.file}" if self.text is None else f"write {self.file} anew ({len(self.text)} characters)"

    def _inverse(self, files: Files) -> Edit | None:
        return SetText(file=self.file, text=text_or_none(files, self.file))


class Diff(BaseEdit):
    """A free edit: a unified diff over one or more text files, applied strictly."""

    kind: Literal["diff"] = "diff"
    text: str

    def apply(self, files: Files) -> dict[str, bytes]:
        return diffs.apply_diff(files, self.text)

    def describe(self) -> str:
        added, removed = diffs.count_lines(self.text)
        paths = ", ".join(part.path for part in diffs.parse_diff(self.text))
        return f"edit {paths} freely (+{added} -{removed} lines)"

    def _inverse(self, files: Files) -> Edit | None:
        return Diff(text=diffs.reverse_diff(self.text))
