"""From a space file's tables to dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from search_space import prompts
from search_space.diffs import check_path
from search_space.dimensions.base import Condition, Dimension
from search_space.dimensions.compaction import TABLE
from search_space.dimensions.keys import KeyDimension, MemberDimension
from search_space.dimensions.permissions import PermissionDimension
from search_space.dimensions.regions import RegionDimension
from search_space.dimensions.slots import DemonstrationDimension, LeadDimension, SlotDimension, SlotGroup
from search_space.dimensions.texts import OpenText
from search_space.domains import Choice, Domain, FloatRange, IntRange, Scalar
from search_space.errors import InvalidEdit, InvalidFile, MissingFile
from search_space.harness_file import HARNESS_FILE
from search_space.harness_keys import UnknownKey, absent_value
from search_space.keyed.formats import FORMATS
from search_space.space_compaction import compaction_dimensions
from search_space.space_file import (
    AlternativesSpec,
    ChoiceSpec,
    CompactionSpec,
    Conditional,
    DemonstrationsSpec,
    DescriptionSpec,
    DimensionSpec,
    FirstToolSpec,
    FloatSpec,
    IntSpec,
    KeySpec,
    LeadSpec,
    MemberSpec,
    ParallelSpec,
    PermissionSpec,
    RegionSpec,
    SentenceSpec,
    SlotSpec,
    SpaceFile,
    TextSpec,
    ToolSpec,
)
from search_space.space_regions import region_clash
from search_space.space_tools import description, first_tool, known_effects, parallel_dimensions, tool_dimensions
from search_space.toml_text import join_key, split_key
from search_space.tools import Effects
from search_space.validation import load_toml, nearest

Place = tuple[str, str, str]
"""Where a slot is: file, key in it (empty: the whole file), section."""


def read_dimensions(
    path: Path, effects: Mapping[str, Effects]
) -> tuple[list[Dimension], list[OpenText], dict[str, Effects]]:
    """The dimensions and open texts of a space file, and ``effects`` with what the file declares beside them. Raises
    :class:`MissingFile`, :class:`InvalidFile`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise MissingFile(f"{path}: got {error.strerror or error}, expected a space file (TOML)") from None
    except UnicodeDecodeError as error:
        raise InvalidFile(path.name, "", f"bytes that are not UTF-8 (at {error.start})", "UTF-8 text") from None
    file = load_toml(text, SpaceFile, file=path.name)
    known = known_effects(file.dimension, effects)
    return (*_Loader(path, file, known).load(), known)


class _Loader:
    """One space file on its way to dimensions; ``_at`` counts tables so that errors can name them."""

    def __init__(self, path: Path, file: SpaceFile, effects: Mapping[str, Effects]) -> None:
        self._path = path
        self._effects = effects
        self._specs = file.dimension
        self._at = 0
        self._groups: dict[Place, SlotGroup] = {}

    def load(self) -> tuple[list[Dimension], list[OpenText]]:
        builders: dict[type[BaseModel], Callable[[Any], Sequence[Dimension]]] = {
            AlternativesSpec: self._slot,
            SentenceSpec: self._slot,
            LeadSpec: self._lead,
            DemonstrationsSpec: self._demonstrations,
            CompactionSpec: lambda spec: compaction_dimensions(spec, self._wrong),
            ToolSpec: tool_dimensions,
            ParallelSpec: lambda spec: parallel_dimensions(spec, self._specs, self._effects),
            FirstToolSpec: lambda spec: first_tool(spec, self._specs),
            DescriptionSpec: description,
            PermissionSpec: self._permissions,
            RegionSpec: self._region,
        }
        self._groups = self._group()
        dimensions: list[Dimension] = []
        texts: list[OpenText] = []
        for spec in self._numbered():
            file = getattr(spec, "file", HARNESS_FILE)
            try:
                check_path(file)
                if clash := region_clash(spec, self._specs):
                    raise self._wrong("region", clash)
                if isinstance(spec, TextSpec):
                    texts.append(OpenText(spec.name, spec.file, spec.section, spec.max_chars, spec.region))
                elif isinstance(spec, KeySpec):
                    dimensions.append(self._key(spec))
                else:
                    dimensions += builders[type(spec)](spec)
            except (ValueError, InvalidEdit) as error:
                raise self._wrong("", str(error)) from None
        return dimensions, texts

    def _numbered(self) -> Iterator[DimensionSpec]:
        for self._at in range(len(self._specs)):  # noqa: B020
            yield self._specs[self._at]

    def _wrong(self, key: str, text: str, near: str | None = None) -> InvalidFile:
        """An error about the table at hand; ``text`` says 'got ..., expected ...'."""
        spec = self._specs[self._at]
        where = f"dimension[{self._at}] ({getattr(spec, 'name', None) or getattr(spec, 'key', spec.kind)})"
        got, _, expected = text.removeprefix("got ").partition(", expected ")
        return InvalidFile(
            self._path.name, where + (f".{key}" if key else ""), got, expected or "a valid dimension", near
        )

    def _key(self, spec: KeySpec) -> KeyDimension:
        if PurePosixPath(spec.file).suffix not in FORMATS:
            raise self._wrong("file", f"got {spec.file!r}, expected a file with keys (*{', *'.join(FORMATS)})")
        parts = split_key(spec.key)
        absent = self._absent(spec, parts)
        name = spec.name or (f"{spec.key}.{spec.member}" if isinstance(spec, MemberSpec) else spec.key)
        domain = _key_domain(spec)
        default = spec.default if spec.default is not None else absent
        condition = self._condition(spec, domain, default)
        if isinstance(spec, MemberSpec):
            return MemberDimension(
                name, spec.file, spec.key, domain, False, condition, bool(spec.default), member=spec.member
            )
        return KeyDimension(name, spec.file, spec.key, domain, absent, condition, default)

    def _absent(self, spec: KeySpec, parts: tuple[str, ...]) -> Scalar:
        """What it means that the key is not in the file; harness.toml's own keys must exist in its format."""
        if spec.file != HARNESS_FILE:
            return spec.default
        if parts[0] == TABLE:
            raise self._wrong("key", f"got {spec.key!r}, expected a dimension of kind 'compaction' for this table")
        try:
            return absent_value(parts, spec.default)
        except UnknownKey as error:
            near = nearest(parts[error.depth], error.known)
            head = parts[: error.depth]
            expected = f"one of {', '.join(join_key((*head, each)) for each in error.known)}"
            text = f"got {spec.key!r}, expected {expected if error.known else 'no key below ' + join_key(head)}"
            raise self._wrong("key", text, join_key((*head, near)) if near else None) from None

    def _condition(self, spec: Conditional, domain: Domain, default: Scalar) -> Condition | None:
        if spec.when is None:
            return None
        if not isinstance(spec, MemberSpec) and not domain.contains(default):
            raise self._wrong("default", f"got {default!r}, expected {domain}: what it is when 'when' comes to hold")
        parent, values = next(iter(spec.when.items()))
        return Condition(parent, tuple(values))

    def _group(self) -> dict[Place, SlotGroup]:
        """The slots of each section, found before any dimension is made because they share their section's order."""
        slots: dict[Place, dict[str, dict[str, str]]] = {}
        leads: set[Place] = set()
        pools: dict[Place, int] = {}
        for spec in self._numbered():
            if isinstance(spec, LeadSpec):
                leads.add(_place(spec))
                continue
            if not isinstance(spec, AlternativesSpec | SentenceSpec | DemonstrationsSpec):
                continue
            place = _place(spec)
            if isinstance(spec, DemonstrationsSpec):
                if place in slots:
                    raise self._wrong("section", f"got {spec.section!r}, expected a section of its own")
                found = {f"{spec.name}.{id_}": {"in": text} for id_, text in self._pool(spec).items()}
                pools[place] = spec.max
            elif place in pools:
                raise self._wrong("section", f"got {spec.section!r}, expected another section than the demonstrations'")
            else:
                found = {spec.name: spec.wordings() if isinstance(spec, SentenceSpec) else spec.texts}
            for wordings in found.values():
                self._check_texts(wordings)
            slots.setdefault(place, {}).update(found)
        outlines: dict[tuple[str, str], tuple[str, ...]] = {}
        for file, key, section in slots:
            outlines[file, key] = (*outlines.get((file, key), ()), section)
        try:
            return {
                (file, key, section): SlotGroup(
                    file,
                    section,
                    found,
                    outlines[file, key],
                    has_lead=(file, key, section) in leads,
                    at_most=pools.get((file, key, section), 0),
                    optional_file=(file, key, section) in pools,
                    key=key,
                )
                for (file, key, section), found in slots.items()
            }
        except ValueError as error:
            raise self._wrong("", f"{error}, expected different texts in one section") from None

    def _check_texts(self, wordings: Mapping[str, str]) -> None:
        for id_, text in wordings.items():
            try:
                prompts.make_item(text, bullet="\n" not in text.strip())
            except prompts.NotOneItem as error:
                raise self._wrong(f"texts.{id_}", f"{error} (put longer texts into a fenced block)") from None

    def _pool(self, spec: DemonstrationsSpec) -> dict[str, str]:
        if spec.texts is not None:
            return spec.texts
        folder = self._path.parent / str(spec.folder)
        files = sorted(folder.glob("*.md"))
        if not files:
            raise self._wrong(
                "folder", f"got {spec.folder!r}, expected a folder with *.md files beside {self._path.name}"
            )
        return {file.stem: file.read_text(encoding="utf-8").strip("\n") for file in files}

    def _slot(self, spec: AlternativesSpec | SentenceSpec) -> list[Dimension]:
        group = self._groups[_place(spec)]
        wordings = tuple(group.slots[spec.name])
        domain = Choice((None, *wordings) if isinstance(spec, SentenceSpec) else wordings)
        default = spec.default if spec.default is not None or isinstance(spec, SentenceSpec) else wordings[0]
        return [SlotDimension(spec.name, group, domain, self._condition(spec, domain, default), default)]

    def _lead(self, spec: LeadSpec) -> list[Dimension]:
        group = self._groups.get(_place(spec))
        if group is None or len(group.slots) < 2:
            raise self._wrong("section", f"got {spec.section!r}, expected a section with two or more declared slots")
        return [LeadDimension(spec.name, group, Choice(tuple(group.slots)))]

    def _demonstrations(self, spec: DemonstrationsSpec) -> list[Dimension]:
        group = self._groups[_place(spec)]
        return [DemonstrationDimension(name, group, Choice((False, True))) for name in group.slots]

    def _region(self, spec: RegionSpec) -> list[Dimension]:
        default = spec.default if spec.default is not None else next(iter(spec.texts))
        condition = self._condition(spec, Choice(tuple(spec.texts)), default)
        return [RegionDimension(spec.name or spec.region, spec.file, spec.region, spec.texts, condition, default)]

    def _permissions(self, spec: PermissionSpec) -> list[Dimension]:
        domain = Choice(tuple(spec.values))
        return [
            PermissionDimension(
                f"{spec.name}.{tool}",
                HARNESS_FILE,
                join_key(("permissions", "tools", tool)),
                domain,
                tool=tool,
                widen=spec.widen,
            )
            for tool in spec.tools
        ]


def _place(spec: SlotSpec | LeadSpec | DemonstrationsSpec) -> Place:
    key = "" if isinstance(spec, DemonstrationsSpec) else spec.key
    return spec.file, join_key(split_key(key)) if key else "", spec.section


def _key_domain(spec: KeySpec) -> Domain:
    if isinstance(spec, ChoiceSpec):
        return Choice(tuple(spec.values))
    if isinstance(spec, IntSpec):
        return IntRange(spec.low, spec.high, spec.step, spec.log)
    if isinstance(spec, FloatSpec):
        return FloatRange(float(spec.low), float(spec.high), spec.log)
    return Choice((False, True))
