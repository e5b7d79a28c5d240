"""Dimensions that are marked regions of text files: which of several texts stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search_space.dimensions.base import Condition, Conditioned, Files
from search_space.domains import Assignment, Choice, Scalar
from search_space.edits import Edit, SetRegion
from search_space.errors import InvalidFile, MissingFile
from search_space.regions import content, find_region, plain


@dataclass(frozen=True)
class RegionDimension(Conditioned):
    """Which of ``texts`` (by id) the region holds; None when it is none of them."""

    name: str
    file: str
    region: str
    texts: Mapping[str, str]
    when: Condition | None = None
    default: Scalar = None

    domain: Choice = field(init=False)
    known: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        known: dict[str, str] = {}
        for id_, text in self.texts.items():
            if (earlier := known.setdefault(plain(text), id_)) != id_:
                raise ValueError(f"got the same text for {earlier} and {id_}, expected different texts")
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "domain", Choice(tuple(self.texts)))

    def read(self, files: Files) -> Scalar:
        text = code(files, self.file)
        return self.known.get(content(text, find_region(text, self.region, self.file)))

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        if self.read(files) == value:
            return None
        return SetRegion(file=self.file, region=self.region, text=self.texts[str(value)])

    def describe(self, value: Scalar) -> str:
        if not self.texts.get(str(value), "").strip():
            return f"leave {self.name} out of {self.file}"
        return f"use {value} as {self.name} in {self.file}"


def code(files: Files, file: str) -> str:
    """The text of a file with open regions. Raises MissingFile, InvalidFile."""
    if file not in files:
        raise MissingFile(f"{file}: got nothing, but the space opens regions of this file")
    try:
        return files[file].decode()
    except UnicodeDecodeError as error:
        raise InvalidFile(file, "", f"bytes that are not UTF-8 (at {error.start})", "UTF-8 text") from None
