"""The dimensions that an experiment opens, and the one judge of whether an edit stays inside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from search_space.changes import Judge, check_harness
from search_space.dimensions.base import Dimension
from search_space.dimensions.texts import OpenText
from search_space.domains import Assignment, Choice, Domain, FloatRange, IntRange, Scalar
from search_space.edits import Edit, Many
from search_space.errors import InvalidEdit, InvalidFile, MissingFile
from search_space.tools import Effects
from search_space.validation import nearest, shown

__all__ = ["Assignment", "Choice", "Domain", "FloatRange", "IntRange", "Scalar", "Space", "load_space"]

LISTED = 12
REMEMBERED = 64
"""How many trees a space remembers its reading of: one experiment reads the same two trees several times."""


class Space:
    """What may change in a harness: named dimensions with domains, and texts open to free edits."""

    def __init__(
        self,
        dimensions: Sequence[Dimension],
        texts: Sequence[OpenText] = (),
        effects: Mapping[str, Effects] | None = None,
    ) -> None:
        """``dimensions`` in order, each after those that it needs; ``effects`` is what is known of the tools', by name.
        Raises :class:`ValueError` otherwise."""
        self._dimensions: dict[str, Dimension] = {}
        for dimension in dimensions:
            if dimension.name in self._dimensions:
                raise ValueError(f"got the dimension '{dimension.name}' twice, expected different names")
            if missing := [name for name in dimension.needs() if name not in self._dimensions]:
                raise ValueError(f"got '{dimension.name}', which needs '{missing[0]}' declared before it")
            self._dimensions[dimension.name] = dimension
        self._deciding = frozenset(need for dimension in dimensions for need in dimension.needs())
        self._texts = tuple(texts)
        self._files = tuple(sorted({dimension.file for dimension in dimensions}))
        self._read: dict[tuple[bytes | None, ...], dict[str, Scalar]] = {}
        self._judge = Judge(dimensions, texts, effects or {})

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions' names in declared order."""
        return tuple(self._dimensions)

    @property
    def texts(self) -> tuple[OpenText, ...]:
        """What is open to free edits."""
        return self._texts

    def domain(self, name: str) -> Domain:
        """What the dimension may be set to. Raises :class:`InvalidEdit` for an unknown name."""
        return self._find(name).domain

    def allowed(self, name: str, assignment: Assignment) -> Domain:
        """The domain narrowed to what is possible beside ``assignment``'s other values: a lead that is in the prompt, a
        demonstration for which there is room. Raises :class:`InvalidEdit` for an unknown name."""
        return self._find(name).allowed(assignment)

    def active(self, assignment: Assignment) -> tuple[str, ...]:
        """The dimensions whose condition holds in ``assignment``, in declared order, whether they have a value in it
        or not. A value in ``assignment`` of a dimension that is not active counts for nothing."""
        values: dict[str, Scalar] = {}
        names: list[str] = []
        for name, dimension in self._dimensions.items():
            if dimension.holds(values):
                names.append(name)
                if name in assignment:
                    values[name] = assignment[name]
        return tuple(names)

    def target(self, present: Assignment, changes: Assignment) -> dict[str, Scalar]:
        """What a harness reads as after ``changes``, when it read ``present`` before: every dimension active then.

        One that comes to be active takes its declared default. Raises :class:`InvalidEdit` for a change of a dimension
        that is not active then."""
        target: dict[str, Scalar] = {}
        for name, dimension in self._dimensions.items():
            if not dimension.holds(target):
                if name in changes:
                    needed = dimension.when or f"two of {', '.join(dimension.needs())} in the prompt"
                    raise InvalidEdit(f"{name}: got {shown(changes[name])}, but it needs {needed}")
            elif name in changes:
                target[name] = changes[name]
            elif name in present:
                target[name] = present[name]
            elif dimension.when is not None:
                target[name] = dimension.default
        return target

    @property
    def deciding(self) -> frozenset[str]:
        """The dimensions on whose values it depends which others are active."""
        return self._deciding

    def read(self, files: Mapping[str, bytes]) -> dict[str, Scalar]:
        """The active dimensions' present values in declared order; a value outside the domain reads as it is.

        Raises :class:`MissingFile` or :class:`InvalidFile` when a file that the space opens cannot be read.
        """
        key = tuple(files.get(file) for file in self._files)
        values = self._read.get(key)
        if values is None:
            values = {}
            for name, dimension in self._dimensions.items():
                if dimension.holds(values):
                    values[name] = dimension.read(files)
            if len(self._read) >= REMEMBERED:
                self._read.clear()
            self._read[key] = values
        return dict(values)

    def edit(self, files: Mapping[str, bytes], changes: Assignment) -> Edit:
        """The edit that gives the named dimensions their new values.

        A dimension that only comes to be active through ``changes`` and is not named takes its declared default. Raises
        :class:`InvalidEdit` for an unknown or inactive name, a value outside the domain, and when nothing changes.
        """
        for name, value in changes.items():
            self._check_value(name, value)
        try:
            present = self.read(files)
        except (MissingFile, InvalidFile) as error:
            raise InvalidEdit(str(error)) from None
        target = self.target(present, changes)
        edits: list[Edit] = []
        current = files
        changed = [name for name in target if name in changes or name not in present]
        for name in sorted(changed, key=lambda name: self._dimensions[name].turn(target[name])):
            edit = self._dimensions[name].change(current, target[name], target)
            if edit is not None:
                current = edit.apply(current)
                edits += edit.edits if isinstance(edit, Many) else [edit]
        if not edits:
            raise InvalidEdit(f"got {_listed(changes)}, which is so already: the edit would change nothing")
        return edits[0] if len(edits) == 1 else Many(edits=tuple(edits))

    def check(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
        """Raise :class:`InvalidEdit` when ``after`` differs from ``before`` in anything that the space does not open,
        gives a dimension a value outside its domain, or is no valid harness where ``before`` is one of the reference
        agent (somebody's own files are judged by running them). Used for every edit, typed or free."""
        check_harness(before, after)
        try:
            was, now = self.read(before), self.read(after)
            self._judge.check_values(was, now)
            self._judge.check_files(before, after, now)
            self._judge.check_permissions(before, after)
            self._judge.check_side_by_side(after)
        except (MissingFile, InvalidFile) as error:
            raise InvalidEdit(str(error)) from None

    def describe(self, changes: Assignment) -> str:
        """``changes`` in plain words, in declared order. Raises :class:`InvalidEdit` for an unknown name."""
        words = {name: self._find(name).describe(value) for name, value in changes.items()}
        return "; ".join(words[name] for name in self._dimensions if name in words) or "change nothing"

    def _find(self, name: str) -> Dimension:
        if name not in self._dimensions:
            near = nearest(name, self._dimensions)
            hint = f" (did you mean '{near}'?)" if near else ""
            known = (
                ", ".join(self._dimensions)
                if len(self._dimensions) <= LISTED
                else f"the {len(self._dimensions)} declared"
            )
            raise InvalidEdit(f"{name}: got an unknown dimension, expected one of {known}{hint}")
        return self._dimensions[name]

    def _check_value(self, name: str, value: Scalar) -> None:
        domain = self._find(name).domain
        if not domain.contains(value):
            why = getattr(self._dimensions[name], "because", "")
            raise InvalidEdit(f"{name}: got {shown(value)}, expected {domain}" + (f", because {why}" if why else ""))


def load_space(path: Path, effects: Mapping[str, Effects] | None = None) -> Space:
    """The space that a TOML file declares (docs/space-format.md); ``effects`` is what the environment declares of its
    tools, by name.

    Raises :class:`MissingFile` when there is no such file, and :class:`InvalidFile` that names file, dimension and key
    for whatever is wrong in it.
    """
    from search_space.space_loading import read_dimensions

    dimensions, texts, known = read_dimensions(path, effects or {})
    try:
        return Space(dimensions, texts, known)
    except ValueError as error:
        raise InvalidFile(path.name, "dimension", *_split(str(error))) from None


def _split(text: str) -> tuple[str, str]:
    got, _, expected = text.removeprefix("got ").partition(", expected ")
    return got, expected or "names in declared order"


def _listed(changes: Assignment) -> str:
    return ", ".join(f"{name} = {shown(value)}" for name, value in changes.items()) or "no changes"
