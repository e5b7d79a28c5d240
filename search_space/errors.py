"""Errors of the search space.

SearchSpaceError
├── InvalidFile      a file that does not say what it should (names file, key, got, expected, nearest key)
├── InvalidEdit      an edit outside the declared space, or one that does not apply
├── InvalidToolSpec  a tool that the Messages API would refuse (names tool, key, got, expected)
└── MissingFile      a harness folder or a file in it that is not there
"""

from __future__ import annotations


class SearchSpaceError(Exception):
    """Base of all errors here; its text is fit to be shown to a user as it is."""


class InvalidFile(SearchSpaceError):
    """A value in a file is not what was expected."""

    def __init__(self, file: str, key: str, got: str, expected: str, nearest: str | None = None) -> None:
        hint = f" (did you mean '{nearest}'?)" if nearest else ""
        super().__init__(f"{file}: {key or 'the file'}: got {got}, expected {expected}{hint}")
        self.file, self.key, self.got, self.expected, self.nearest = file, key, got, expected, nearest


class InvalidEdit(SearchSpaceError):
    """An edit that is outside the declared space or does not apply; the text says why."""


class MissingFile(SearchSpaceError):
    """A harness folder, or a file that it must have, is missing."""


class InvalidToolSpec(SearchSpaceError):
    """A tool that the Messages API would refuse, and with it every request that offers it."""

    def __init__(self, tool: str, key: str, got: str, expected: str) -> None:
        super().__init__(f"tool {tool!r}: {key}: got {got}, expected {expected}")
        self.tool, self.key, self.got, self.expected = tool, key, got, expected
