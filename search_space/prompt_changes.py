"""What of a prompt file may differ: known items of the slots of a section, and sections that are open as text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from search_space.dimensions.base import Files
from search_space.dimensions.slots import SlotGroup, read_prompt
from search_space.errors import InvalidEdit
from search_space.prompts import Prompt
from search_space.validation import shown


def check_prompt(
    path: str, before: Files, after: Files, groups: Mapping[str, SlotGroup], opened: Collection[str], key: str = ""
) -> None:
    """Raise InvalidEdit when a prompt file, or the text at ``key`` of a file, differs in more than the slots of
    ``groups`` (by section) and the sections that are ``opened`` as a whole."""
    old, new = (read_prompt(files, path, key, missing_ok=True) for files in (before, after))
    path = f"{path}: {key}" if key else path
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


def _skeleton(
    prompt: Prompt, groups: Mapping[str, SlotGroup], opened: Collection[str]
) -> list[tuple[str, tuple[str, ...]]]:
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
