"""What all kinds of edit share: apply, describe, and an inverse that restores every byte."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, JsonValue, field_validator

from search_space.diffs import check_path, encode, make_diff, read_text
from search_space.errors import InvalidEdit

if TYPE_CHECKING:
    from search_space.edits.many import Edit

Files = Mapping[str, bytes]
"""A tree: relative posix path to content."""


class BaseEdit(BaseModel, ABC):
    """What all kinds of edit share."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @abstractmethod
    def apply(self, files: Files) -> dict[str, bytes]:
        """``files`` with the edit made. Raises :class:`InvalidEdit`."""

    @abstractmethod
    def describe(self) -> str:
        """What the edit does, in plain words, without a full stop; never empty."""

    def invert(self, files: Files) -> Edit:
        """The edit that takes ``self.apply(files)`` back to ``files``. Raises :class:`InvalidEdit`."""
        after = self.apply(files)
        inverse = self._inverse(files)
        if inverse is not None and _applies_to(inverse, after, files):
            return inverse
        from search_space.edits.free import Diff
        from search_space.edits.many import Many

        return Many(edits=()) if after == files else Diff(text=make_diff(after, files))

    def _inverse(self, files: Files) -> Edit | None:
        """The natural inverse, if there is one; ``invert`` checks it."""
        return None


class FileEdit(BaseEdit):
    """An edit of one file."""

    file: str

    @field_validator("file")
    @classmethod
    def _relative(cls, value: str) -> str:
        try:
            return check_path(value)
        except InvalidEdit as error:
            raise ValueError(str(error)) from None

    def _put(self, files: Files, text: str) -> dict[str, bytes]:
        return {**files, self.file: encode(text, self.file)}


def text_or_none(files: Files, file: str) -> str | None:
    return read_text(files, file) if file in files else None


def shown(value: JsonValue) -> str:
    """A value for a sentence: on one line, strings in quotes, cut at 100 characters."""
    text = str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())
    text = text if len(text) <= 100 else text[:97] + "..."
    return f'"{text}"' if isinstance(value, str) else text


def _applies_to(inverse: Edit, after: Files, files: Files) -> bool:
    try:
        return inverse.apply(after) == files
    except InvalidEdit:
        return False
