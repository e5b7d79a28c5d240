"""What every dimension can do: read its value from a tree, and say which edit gives it another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from search_space.domains import Assignment, Domain, Scalar, same
from search_space.edits import Edit

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when the dimension ``parent`` has one of ``values``."""

    parent: str
    values: tuple[Scalar, ...]

    def holds(self, assignment: Assignment) -> bool:
        return self.parent in assignment and any(same(assignment[self.parent], value) for value in self.values)

    def __str__(self) -> str:
        return f"{self.parent} = {' or '.join('absent' if value is None else str(value) for value in self.values)}"


class Dimension(Protocol):
    """One thing that may change. ``when`` is its condition and ``default`` the value it takes when that comes to hold;
    ``default`` means nothing without a condition."""

    @property
    def name(self) -> str: ...

    @property
    def file(self) -> str:
        """The one file that holds its value."""
        ...

    @property
    def domain(self) -> Domain: ...

    @property
    def when(self) -> Condition | None: ...

    @property
    def default(self) -> Scalar: ...

    def needs(self) -> tuple[str, ...]:
        """The dimensions that must be declared before it."""
        ...

    def holds(self, assignment: Assignment) -> bool:
        """Whether it is active, given the values of the active dimensions declared before it."""
        ...

    def allowed(self, assignment: Assignment) -> Domain:
        """The domain narrowed to what ``assignment`` leaves possible."""
        ...

    def turn(self, value: Scalar) -> int:
        """When it is changed among others: low turns first, equal ones in declared order."""
        ...

    def read(self, files: Files) -> Scalar:
        """The present value, as it is. Raises MissingFile, InvalidFile."""
        ...

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        """The edit that sets ``value``; None when it is set already. ``target`` holds every dimension's value after the
        whole change. Raises InvalidEdit."""
        ...

    def describe(self, value: Scalar) -> str:
        """What setting ``value`` means, in plain words."""
        ...


class Conditioned:
    """What dimensions share that wait for nothing but their condition, and whose domain no other one narrows."""

    when: Condition | None
    domain: Any

    def needs(self) -> tuple[str, ...]:
        return () if self.when is None else (self.when.parent,)

    def holds(self, assignment: Assignment) -> bool:
        return self.when is None or self.when.holds(assignment)

    def allowed(self, assignment: Assignment) -> Domain:
        return cast(Domain, self.domain)

    def turn(self, value: Scalar) -> int:
        return 0
