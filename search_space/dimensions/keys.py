"""Dimensions that are keys of files, or constants of code: values, and members of lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from search_space.dimensions.base import Condition, Conditioned, Files
from search_space.domains import Assignment, Domain, Scalar, same
from search_space.edits import Edit, SetKey
from search_space.errors import InvalidFile, MissingFile
from search_space.keyed.formats import fixed_keys, format_of
from search_space.keyed.python_text import constants
from search_space.toml_text import lookup, split_key
from search_space.validation import shown


@lru_cache(maxsize=256)
def _document(content: bytes, file: str) -> Mapping[str, Any]:
    try:
        return format_of(file).values(content.decode(), file)
    except UnicodeDecodeError as error:
        raise InvalidFile(file, "", f"bytes that are not UTF-8 (at {error.start})", "UTF-8 text") from None


def document(files: Files, file: str) -> Mapping[str, Any]:
    """A file's values by key (not to be changed). Raises MissingFile, InvalidFile."""
    if file not in files:
        raise MissingFile(f"{file}: got nothing, but the space opens keys of this file")
    return _document(files[file], file)


def text_at(files: Files, file: str, key: str) -> str:
    """The text at a key. Raises MissingFile, InvalidFile."""
    try:
        value = lookup(document(files, file), split_key(key))
    except KeyError:
        value = None
    if not isinstance(value, str):
        raise InvalidFile(file, key, "nothing" if value is None else shown(value), "a text with sections and items")
    return value


@dataclass(frozen=True)
class KeyDimension(Conditioned):
    """One key. ``absent`` is what it means that the key is not there; a constant of code must be there."""

    name: str
    file: str
    key: str
    domain: Domain
    absent: Scalar = None
    when: Condition | None = None
    default: Scalar = None

    parts: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", split_key(self.key))

    def read(self, files: Files) -> Scalar:
        try:
            value: Scalar = lookup(document(files, self.file), self.parts)
        except KeyError:
            self._check_optional(files)
            return self.absent
        return value

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        if same(self.read(files), value):
            return None
        return SetKey(file=self.file, key=self.key, value=value)

    def describe(self, value: Scalar) -> str:
        if isinstance(value, bool):
            return f"turn {self.name} {'on' if value else 'off'}"
        return f"remove {self.name}" if value is None else f"set {self.name} to {value}"

    def owns(self, parts: tuple[str, ...]) -> bool:
        """Whether a change of this key is a change of the dimension."""
        return parts == self.parts

    def _check_optional(self, files: Files) -> None:
        """Raises InvalidFile when the key is not there and must be."""
        if fixed_keys(self.file):
            constants(files[self.file].decode(), self.file).span(self.parts, self.file)


@dataclass(frozen=True)
class MemberDimension(KeyDimension):
    """Whether ``member`` is in the list at the key."""

    member: str = ""

    def read(self, files: Files) -> Scalar:
        return self.member in self._list(files)

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        present = self._list(files)
        if (self.member in present) == value:
            return None
        changed = [*present, self.member] if value else [each for each in present if each != self.member]
        return SetKey(file=self.file, key=self.key, value=list(changed))

    def describe(self, value: Scalar) -> str:
        return f"put {self.member} into {self.key}" if value else f"take {self.member} out of {self.key}"

    def _list(self, files: Files) -> list[str]:
        try:
            value = lookup(document(files, self.file), self.parts)
        except KeyError:
            self._check_optional(files)
            return []
        return value if isinstance(value, list) else []
