"""The judge of edits: does one tree differ from another only in what the space opens?

Judged by meaning, not by bytes: comments and layout of a TOML, YAML or JSON file, and blank lines, line breaks and
bullets of a prompt file whose slots are opened, may differ (code may not, by no byte). Everything else must be a value
of a dimension's domain or an open text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from search_space.dimensions.base import Dimension, Files
from search_space.dimensions.compaction import TABLE, CompactionDimension
from search_space.dimensions.keys import KeyDimension, MemberDimension, document
from search_space.dimensions.permissions import PermissionDimension
from search_space.dimensions.regions import RegionDimension, code
from search_space.dimensions.slots import LeadDimension, SlotDimension, SlotGroup, read_prompt
from search_space.dimensions.texts import OpenText
from search_space.dimensions.tools import FirstToolDimension
from search_space.domains import Assignment, same
from search_space.errors import InvalidEdit, InvalidFile, MissingFile
from search_space.harness import agent_of, harness_from_files
from search_space.harness_file import HARNESS_FILE, EffectsConfig, HarnessFile
from search_space.keyed.formats import fixed_keys
from search_space.keyed.front_matter import split_front_matter
from search_space.narrowing import wider
from search_space.prompt_changes import check_prompt
from search_space.regions import find_region
from search_space.surroundings import check_region, check_surroundings
from search_space.toml_text import equal, join_key, lookup, split_key
from search_space.tools import Effects, always_conflicting, conflict_text
from search_space.validation import nearest, shown, validate


class Judge:
    """What a list of dimensions and open texts allows."""

    def __init__(
        self, dimensions: Sequence[Dimension], texts: Sequence[OpenText], effects: Mapping[str, Effects]
    ) -> None:
        self._dimensions = {dimension.name: dimension for dimension in dimensions}
        self._texts = tuple(texts)
        self._effects = effects
        self._keys: dict[str, list[KeyDimension]] = {}
        self._groups: dict[str, dict[str, SlotGroup]] = {}
        self._inner: dict[str, dict[str, dict[str, SlotGroup]]] = {}  # by file, key and section
        self._regions: dict[str, list[RegionDimension]] = {}
        for each in dimensions:
            if isinstance(each, KeyDimension):
                self._keys.setdefault(each.file, []).append(each)
            elif isinstance(each, RegionDimension):
                self._regions.setdefault(each.file, []).append(each)
            elif isinstance(each, SlotDimension | LeadDimension):
                group = each.group
                groups = self._inner.setdefault(each.file, {}).setdefault(group.key, {}) if group.key else None
                (self._groups.setdefault(each.file, {}) if groups is None else groups)[group.section] = group

    def check_files(self, before: Files, after: Files, now: Assignment) -> None:
        """Raise InvalidEdit for a difference in a place that is not open; ``now`` is ``after``'s assignment."""
        for path in sorted({*before, *after}):
            if before.get(path) != after.get(path):
                self._check_file(path, before, after, now)

    def check_values(self, was: Assignment, now: Assignment) -> None:
        """Raise InvalidEdit for a dimension that was given a value outside its domain."""
        for name, value in now.items():
            if name in was and same(was[name], value):
                continue
            dimension = self._dimensions[name]
            if isinstance(dimension, RegionDimension) and value is None:
                continue  # a text that the space does not know: whether it is new is seen in the file
            if not dimension.domain.contains(value):
                raise InvalidEdit(f"{dimension.file}: {name}: got {shown(value)}, expected {dimension.domain}")
        for group in (group for groups in self._groups.values() for group in groups.values() if group.at_most):
            used = [slot for slot in group.slots if now.get(slot) is True]
            if len(used) > max(group.at_most, sum(was.get(slot) is True for slot in group.slots)):
                raise InvalidEdit(f"{group.file}: got {len(used)} demonstrations, expected {group.at_most} at most")

    def check_permissions(self, before: Files, after: Files) -> None:
        """Raise InvalidEdit unless no call is allowed more after than before, other than by tools of dimensions that
        open it: whatever else is open, also the whole of harness.toml."""
        if before.get(HARNESS_FILE) == after.get(HARNESS_FILE) or HARNESS_FILE not in before:
            return
        old, new = harness_from_files(before).permissions, harness_from_files(after).permissions
        opened = [
            each.tool for each in self._dimensions.values() if isinstance(each, PermissionDimension) and each.widen
        ]
        tools = {name: action for name, action in old.tools.items() if name not in opened}
        tools |= {name: action for name, action in new.tools.items() if name in opened}
        why = wider(old.model_copy(update={"tools": tools}), new)
        if why is not None:
            raise InvalidEdit(
                f"{HARNESS_FILE}: {why}; permissions only become narrower, unless the space opens a tool's with "
                "kind = 'permission' and widen = true"
            )

    def check_side_by_side(self, after: Files) -> None:
        """Raise InvalidEdit when two tools are marked parallel whose calls always conflict, as far as is known."""
        agent = agent_of(after)
        if agent is None:
            return
        tools = agent.tools
        marked = {
            name: self._effects.get(name, Effects()) | tools.effects.get(name, EffectsConfig()).effects()
            for name, yes in tools.parallel.items()
            if yes
        }
        for one, other, over in always_conflicting(marked):
            both = one if one == other else f"{one} and {other}"
            raise InvalidEdit(
                f"{HARNESS_FILE}: tools.parallel: got {both} marked, but {conflict_text(one, other, over)}"
            )

    def _check_file(self, path: str, before: Files, after: Files, now: Assignment) -> None:
        for text in self._texts:
            if text.covers(path):
                _check_length(text, path, after[path].decode(errors="replace") if path in after else "")
                return
        stays, keyed = path in before and path in after, path in self._keys or path in self._inner
        open_regions = [text for text in self._texts if text.region is not None and text.file == path]
        if stays and (path in self._regions or open_regions or (keyed and fixed_keys(path))):
            self._check_code(path, before, after, now, open_regions)
            return
        if keyed and stays:
            self._check_keys(path, before, after, now)
            if not path.endswith(".md"):
                return
        if not keyed and _front_matter(before, path) != _front_matter(after, path):
            raise InvalidEdit(f"{path}: got its front matter changed, which no dimension opens")
        open_sections = [text for text in self._texts if text.section is not None and text.file == path]
        groups = self._groups.get(path, {})
        optional = bool(groups) and all(group.optional_file for group in groups.values()) and not open_sections
        if (groups or open_sections or keyed) and (optional or stays):
            check_prompt(path, before, after, groups, {str(text.section) for text in open_sections})
            for text in open_sections:
                section = read_prompt(after, path).section(str(text.section))
                _check_length(text, path, section.render() if section else "")
            return
        verb = "removed" if path not in after else "changed" if path in before else "added"
        opened = sorted({*self._keys, *self._groups, *self._inner, *self._regions, *map(str, self._texts)})
        raise InvalidEdit(f"{path}: got this file {verb}, expected changes only in {', '.join(opened) or 'nothing'}")

    def _check_code(self, path: str, before: Files, after: Files, now: Assignment, texts: Sequence[OpenText]) -> None:
        """Only values of open constants and what open regions hold may differ."""
        old, new = code(before, path), code(after, path)
        keys = [each for each in self._keys.get(path, ()) if each.name in now]
        regions = [each for each in self._regions.get(path, ()) if each.name in now]
        free = {str(text.region) for text in texts}
        names = free | {each.region for each in regions}
        inner = self._inner.get(path, {})
        check_surroundings(path, old, new, [*(each.parts for each in keys), *map(split_key, inner)], names)
        for key, groups in inner.items():
            check_prompt(path, before, after, groups, (), key)
        for each in regions:
            if each.region not in free:
                check_region(each, old, new)
        for text in texts:
            found = find_region(new, str(text.region), path)
            _check_length(text, path, new[found.start : found.end])
        for parts in {each.parts: None for each in keys}:
            was, got = (lookup(document(files, path), parts) for files in (before, after))
            _check_members(path, parts, keys, was, got)

    def _check_keys(self, path: str, before: Files, after: Files, now: Assignment) -> None:
        old, new, inner = document(before, path), document(after, path), self._inner.get(path, {})
        old_leaves, new_leaves = dict(_leaves(old)), dict(_leaves(new))
        changed = old_leaves.keys() ^ new_leaves.keys()
        shared = old_leaves.keys() & new_leaves.keys()
        changed |= {parts for parts in shared if not equal(old_leaves[parts], new_leaves[parts])}
        for parts in sorted(changed):
            was, got = old_leaves.get(parts), new_leaves.get(parts)
            owners = [each for each in self._keys.get(path, ()) if each.owns(parts)]
            key = join_key(parts)
            if key in inner:
                check_prompt(path, before, after, inner[key], (), key)
                continue
            said = shown(got) if parts in new_leaves else "it removed"
            if not owners:
                known = sorted({each.key for each in self._keys.get(path, ())} | inner.keys())
                near = nearest(key, known)
                hint = f" (nearest: {near})" if near else ""
                raise InvalidEdit(f"{path}: {key}: got {said}, but the space opens only {', '.join(known)}{hint}")
            if parts in new_leaves and not any(each.name in now for each in owners):
                raise InvalidEdit(f"{path}: {key}: got {said}, but {owners[0].name} needs {owners[0].when}")
            _check_members(path, parts, owners, was, got)
        for dimension in self._keys.get(path, ()):
            if isinstance(dimension, CompactionDimension):
                _check_compaction(dimension, old.get(TABLE, {}), new.get(TABLE, {}))
            if isinstance(dimension, FirstToolDimension):
                _check_order(dimension, old_leaves.get(dimension.parts), new_leaves.get(dimension.parts))


def check_harness(before: Files, after: Files) -> None:
    """Raise InvalidEdit unless ``after`` is a valid harness, where ``before`` is one of the reference agent."""
    if HARNESS_FILE not in before:
        return
    try:
        harness_from_files(after)
    except (InvalidFile, MissingFile) as error:
        raise InvalidEdit(f"the edit leaves no valid harness: {error}") from None


def _front_matter(files: Files, path: str) -> str:
    if path not in files or not path.endswith(".md"):
        return ""
    return split_front_matter(files[path].decode(errors="replace"))[0]


def _check_members(path: str, parts: tuple[str, ...], owners: Iterable[KeyDimension], was: Any, got: Any) -> None:
    """Of a list whose members are dimensions only these may come and go."""
    members = {each.member for each in owners if isinstance(each, MemberDimension) and each.parts == parts}
    if members and (stray := sorted((set(map(str, was or ())) ^ set(map(str, got or ()))) - members)):
        key = join_key(parts)
        raise InvalidEdit(f"{path}: {key}: got a change of {', '.join(stray)}, expected only {sorted(members)}")


def _check_length(text: OpenText, path: str, content: str) -> None:
    if text.max_chars is not None and len(content) > text.max_chars:
        raise InvalidEdit(f"{path}: got {len(content)} characters in {text}, expected {text.max_chars} at most")


def _check_compaction(dimension: CompactionDimension, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Parameters that no dimension opens must stay, or have their default after a change of strategy."""
    strategy = new.get("strategy")
    open_parameters = {each.parameter for each in dimension.parameters if each.strategy == strategy}
    for key, value in new.items():
        if key == "strategy" or key in open_parameters:
            continue
        if strategy == old.get("strategy") and equal(value, old.get(key)):
            continue
        if not equal(value, default_parameter(str(strategy), key)):
            raise InvalidEdit(
                f"{dimension.file}: {TABLE}.{key}: got {shown(value)}, but the space does not open this parameter of "
                f"{strategy}, expected one of {', '.join(sorted(open_parameters)) or 'none'}"
            )
    if strategy == old.get("strategy"):
        gone = sorted(key for key in old if key not in new and key not in open_parameters)
        if gone:
            raise InvalidEdit(f"{dimension.file}: {TABLE}.{gone[0]}: got it removed, but the space does not open it")


def _check_order(dimension: FirstToolDimension, was: Any, got: Any) -> None:
    """Only which of the dimension's tools stands first is open: the others of the list stay as they are."""
    if equal(was, got):
        return
    expected = dimension.order(was or [], next((name for name in got or () if name in dimension.tools), None))
    if not equal(got or [], expected):
        raise InvalidEdit(
            f"{dimension.file}: {dimension.key}: got {got or 'nothing'}, expected {expected}: the space opens only "
            f"which one of {', '.join(dimension.tools)} stands first"
        )


def default_parameter(strategy: str, parameter: str) -> Any:
    """A compaction parameter's value when it is left out; None when there is no such parameter or no default."""
    data = {"name": "x", TABLE: {"strategy": strategy}}
    if strategy == "plugin":
        return None
    try:
        return getattr(validate(data, HarnessFile, file=HARNESS_FILE).compaction, parameter, None)
    except InvalidFile:
        return None


def _leaves(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value
