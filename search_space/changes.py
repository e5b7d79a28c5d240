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
from search_space.prompts import Prompt
from search_space.surroundings import check_surroundings
from search_space.toml_text import equal, join_key
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
        for each in dimensions:
            if isinstance(each, KeyDimension):
                self._keys.setdefault(each.file, []).append(each)
            elif isinstance(each, SlotDimension | LeadDimension):
                self._groups.setdefault(each.file, {})[each.group.section] = each.group

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
        if path in self._keys and path in before and path in after:
            self._check_keys(path, before, after, now)
            if fixed_keys(path):
                parts = [each.parts for each in self._keys[path] if each.name in now]
                check_surroundings(path, before[path], after[path], parts)
            if not path.endswith(".md"):
                return
        if path not in self._keys and _front_matter(before, path) != _front_matter(after, path):
            raise InvalidEdit(f"{path}: got its front matter changed, which no dimension opens")
        open_sections = [text for text in self._texts if text.section is not None and text.file == path]
        groups = self._groups.get(path, {})
        optional = bool(groups) and all(group.optional_file for group in groups.values()) and not open_sections
        if (groups or open_sections or path in self._keys) and (optional or (path in before and path in after)):
            self._check_prompt(path, before, after, groups, open_sections)
            return
        verb = "removed" if path not in after else "changed" if path in before else "added"
        opened = sorted({*self._keys, *self._groups, *map(str, self._texts)})
        raise InvalidEdit(f"{path}: got this file {verb}, expected changes only in {', '.join(opened) or 'nothing'}")

    def _check_keys(self, path: str, before: Files, after: Files, now: Assignment) -> None:
        old, new = document(before, path), document(after, path)
        old_leaves, new_leaves = dict(_leaves(old)), dict(_leaves(new))
        changed = old_leaves.keys() ^ new_leaves.keys()
        shared = old_leaves.keys() & new_leaves.keys()
        changed |= {parts for parts in shared if not equal(old_leaves[parts], new_leaves[parts])}
        for parts in sorted(changed):
            was, got = old_leaves.get(parts), new_leaves.get(parts)
            owners = [each for each in self._keys[path] if each.owns(parts)]
            key = join_key(parts)
            said = shown(got) if parts in new_leaves else "it removed"
            if not owners:
                known = sorted({each.key for each in self._keys[path]})
                near = nearest(key, known)
                hint = f" (nearest: {near})" if near else ""
                raise InvalidEdit(f"{path}: {key}: got {said}, but the space opens only {', '.join(known)}{hint}")
            if parts in new_leaves and not any(each.name in now for each in owners):
                raise InvalidEdit(f"{path}: {key}: got {said}, but {owners[0].name} needs {owners[0].when}")
            members = {each.member for each in owners if isinstance(each, MemberDimension)}
            if members and (stray := sorted((set(map(str, was or ())) ^ set(map(str, got or ()))) - members)):
                raise InvalidEdit(f"{path}: {key}: got a change of {', '.join(stray)}, expected only {sorted(members)}")
        for dimension in self._keys[path]:
            if isinstance(dimension, CompactionDimension):
                _check_compaction(dimension, old.get(TABLE, {}), new.get(TABLE, {}))
            if isinstance(dimension, FirstToolDimension):
                _check_order(dimension, old_leaves.get(dimension.parts), new_leaves.get(dimension.parts))

    def _check_prompt(
        self, path: str, before: Files, after: Files, groups: Mapping[str, SlotGroup], open_sections: list[OpenText]
    ) -> None:
        old, new = read_prompt(before, path, missing_ok=True), read_prompt(after, path, missing_ok=True)
        opened = {str(text.section) for text in open_sections}
        was, got = _skeleton(old, groups, opened), _skeleton(new, groups, opened)
        for heading, items in got:
            if (heading, items) not in was:
                known = next((kept for name, kept in was if name == heading), None)
                raise InvalidEdit(_stray(path, heading, items, known, [*groups, *opened]))
        for heading, items in was:
            if (heading, items) not in got:
                raise InvalidEdit(_stray(path, heading, (), items, [*groups, *opened]))
        if was != got:
            raise InvalidEdit(f"{path}: got its sections in another order, expected them to stay")
        for group in groups.values():
            _check_group(group, before, after)
        for text in open_sections:
            section = new.section(str(text.section))
            _check_length(text, path, section.render() if section else "")


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


def _check_group(group: SlotGroup, before: Files, after: Files) -> None:
    """A slot holds one wording at most; without a lead the order of what stays may not change."""
    new = [slot for _, slot, _ in group.present(after)]
    double = sorted({slot for slot in new if new.count(slot) > 1})
    if double:
        raise InvalidEdit(f"{group.file}: section '{group.section}': got {double[0]} twice, expected one wording of it")
    if not group.has_lead:
        old = [slot for _, slot, _ in group.present(before)]
        if [slot for slot in old if slot in new] != [slot for slot in new if slot in old]:
            raise InvalidEdit(
                f"{group.file}: section '{group.section}': got another order, but the space opens no lead"
            )


def _skeleton(prompt: Prompt, groups: Mapping[str, SlotGroup], opened: set[str]) -> list[tuple[str, tuple[str, ...]]]:
    """What must not change: headings and items, without the known items of slots and without open sections."""
    result = []
    for section in prompt.sections:
        if section.heading in opened:
            continue
        group = groups.get(section.heading)
        kept = section.texts if group is None else tuple(text for text in section.texts if text not in group.known)
        if kept or group is None:
            result.append((section.heading, kept))
    return [entry for entry in result if entry != ("", ())]


def _stray(
    path: str, heading: str, items: tuple[str, ...], known: tuple[str, ...] | None, opened: Iterable[str]
) -> str:
    """Why a section is not as it was."""
    where = f"{path}: section '{heading}'" if heading else f"{path}: before the first heading"
    expected = f"expected changes only in {_names(opened)}"
    if known is None:
        return f"{where}: got a new section, {expected}"
    added = [text for text in items if text not in known]
    removed = [text for text in known if text not in items]
    if added:
        return f"{where}: got the new text {shown(added[0])}, which no dimension opens; {expected}"
    if removed:
        return f"{where}: got a removal of {shown(removed[0])}, which no dimension opens; {expected}"
    what = "its items in another order" if items else "it removed"
    return f"{where}: got {what}, {expected}"


def _names(sections: Iterable[str]) -> str:
    return ", ".join(sorted({section or "the part before the first heading" for section in sections}))


def _leaves(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value
