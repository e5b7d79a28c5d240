"""The dimensions that an experiment opens, and the one judge of whether an edit stays inside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from search_space.domains import Assignment, Choice, Domain, FloatRange, IntRange, Scalar
from search_space.edits import Edit

__all__ = ["Assignment", "Choice", "Domain", "FloatRange", "IntRange", "Scalar", "Space", "load_space"]


class Space:
    """What may change in a harness: named dimensions with domains, and texts open to free edits."""

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions' names in declared order."""
        raise NotImplementedError

    def domain(self, name: str) -> Domain:
        """What the dimension may be set to. Raises InvalidEdit for an unknown name."""
        raise NotImplementedError

    def allowed(self, name: str, assignment: Assignment) -> Domain:
        """The domain narrowed to what ``assignment`` leaves possible."""
        raise NotImplementedError

    def active(self, assignment: Assignment) -> tuple[str, ...]:
        """The dimensions whose condition holds in ``assignment``, in declared order."""
        raise NotImplementedError

    def read(self, files: Mapping[str, bytes]) -> dict[str, Scalar]:
        """The active dimensions' present values; a value outside the domain reads as it is."""
        raise NotImplementedError

    def edit(self, files: Mapping[str, bytes], changes: Assignment) -> Edit:
        """The edit that makes ``changes``. Raises InvalidEdit."""
        raise NotImplementedError

    def check(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
        """Raise InvalidEdit when ``after`` differs from ``before`` outside what the space opens."""
        raise NotImplementedError

    def describe(self, changes: Assignment) -> str:
        """``changes`` in plain words."""
        raise NotImplementedError


def load_space(path: Path) -> Space:
    """The space that a TOML file declares. Raises MissingFile, InvalidFile."""
    raise NotImplementedError
