"""The typed edit of a marked region: which text it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from search_space.diffs import read_text
from search_space.edits.base import FileEdit, Files, shown
from search_space.errors import InvalidEdit, InvalidFile
from search_space.regions import Region, content, find_region, put

if TYPE_CHECKING:
    from search_space.edits.many import Edit


class SetRegion(FileEdit):
    """Make a marked region hold ``text``, as deep as its marker; empty: nothing."""

    kind: Literal["set_region"] = "set_region"
    region: str
    text: str

    def apply(self, files: Files) -> dict[str, bytes]:
        text = read_text(files, self.file)
        return self._put(files, put(text, self._find(text), self.text))

    def describe(self) -> str:
        if not self.text.strip():
            return f"empty the region {self.region} of {self.file}"
        return f"write in the region {self.region} of {self.file}: {shown(self.text)}"

    def _inverse(self, files: Files) -> Edit | None:
        text = read_text(files, self.file)
        return SetRegion(file=self.file, region=self.region, text=content(text, self._find(text)))

    def _find(self, text: str) -> Region:
        try:
            return find_region(text, self.region, self.file)
        except InvalidFile as error:
            raise InvalidEdit(str(error)) from None
