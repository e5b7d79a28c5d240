"""Prompt dimensions: which wording stands in a slot, whether it stands there at all, and which comes first.

The slots of one section form a group. A known text is found by what it says (line breaks and bullets do not matter),
wherever in its section it stands; a new one is put in its declared place among the others, so that the same assignment
gives the same prompt by whatever way it was reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search_space import prompts
from search_space.dimensions.base import Condition, Conditioned, Files
from search_space.dimensions.keys import text_at
from search_space.domains import Assignment, Choice, Domain, Scalar
from search_space.edits import AddItem, Edit, Many, MoveItem, RemoveItem, ReplaceItem, SetText
from search_space.errors import InvalidEdit, InvalidFile, MissingFile

Entry = tuple[int, str, str]
"""A known item: its position in the section, its slot, its wording."""

SEEN = 64
"""How many versions of a file a group remembers its items of."""


@dataclass(frozen=True)
class SlotGroup:
    """All slots of one section, in declared order. ``key`` names the text at a key of the file instead of the file.

    ``slots`` maps a slot's name to its wordings by id. ``outline`` names the file's sections in declared order: where
    this one is made when it is not there. ``has_lead`` says that a lead dimension opens the order; ``at_most``
    bounds the slots in use (0: no bound); ``optional_file`` says that the file may be missing while no slot is in use.
    """

    file: str
    section: str
    slots: Mapping[str, Mapping[str, str]]
    outline: tuple[str, ...] = ()
    has_lead: bool = False
    at_most: int = 0
    optional_file: bool = False
    key: str = ""
    known: Mapping[str, tuple[str, str]] = field(init=False)
    order: Mapping[str, int] = field(init=False)
    _seen: dict[bytes | None, list[Entry]] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        known: dict[str, tuple[str, str]] = {}
        for slot, wordings in self.slots.items():
            for wording, text in wordings.items():
                earlier = known.setdefault(prompts.normalise(text), (slot, wording))
                if earlier != (slot, wording):
                    raise ValueError(f"got the same text as {earlier[0]} ({earlier[1]}) in {slot} ({wording})")
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "order", {slot: index for index, slot in enumerate(self.slots)})

    def present(self, files: Files) -> list[Entry]:
        """Position, slot and wording of every known item in the section, in the order in which they stand."""
        content = files.get(self.file)
        found = self._seen.get(content)
        if found is None:
            section = self.prompt(files).section(self.section)
            texts = section.texts if section else ()
            found = [(at, *self.known[text]) for at, text in enumerate(texts) if text in self.known]
            if len(self._seen) >= SEEN:
                self._seen.clear()
            self._seen[content] = found
        return found

    def prompt(self, files: Files) -> prompts.Prompt:
        """The prompt that the section belongs to. Raises MissingFile, InvalidFile."""
        return read_prompt(files, self.file, self.key, missing_ok=self.optional_file)

    def place(self, slot: str, present: list[Entry]) -> int | None:
        """Where a new item of ``slot`` stands by declared order; None: at the end.

        A lead that stands first against the declared order keeps its place.
        """
        led = (
            self.has_lead and present and any(self.order[other] < self.order[present[0][1]] for _, other, _ in present)
        )
        others = present[1:] if led else present
        earlier = [at for at, other, _ in others if self.order[other] < self.order[slot]]
        if earlier:
            return earlier[-1] + 1
        return others[0][0] if others else None

    def after(self, prompt: prompts.Prompt) -> str | None:
        """The section after which this one is to be made; None: at the end."""
        if self.section not in self.outline:
            return None
        headings = [section.heading for section in prompt.sections]
        own = self.outline.index(self.section)
        for earlier in reversed(self.outline[:own]):
            if earlier in headings:
                return earlier
        later = [headings.index(heading) for heading in self.outline[own + 1 :] if heading in headings]
        return headings[later[0] - 1] if later else None


@dataclass(frozen=True)
class SlotDimension(Conditioned):
    """Which wording of a slot is in the prompt; None: the slot is empty (only in the domain of an optional slot)."""

    name: str
    group: SlotGroup
    domain: Choice
    when: Condition | None = None
    default: Scalar = None

    @property
    def file(self) -> str:
        return self.group.file

    def turn(self, value: Scalar) -> int:
        return 1 if value in (None, False) else 0  # what goes away still marks the place of what comes

    def read(self, files: Files) -> Scalar:
        return next((wording for _, slot, wording in self.group.present(files) if slot == self.name), None)

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        return self.put(files, None if value is None else str(value))

    def put(self, files: Files, wording: str | None) -> Edit | None:
        """The edit that makes ``wording`` stand in the slot (None: nothing)."""
        group, texts = self.group, self.group.slots[self.name]
        present = group.present(files)
        now = next((found for _, slot, found in present if slot == self.name), None)
        if now == wording:
            return None
        if wording is None:
            return RemoveItem(file=group.file, key=group.key, section=group.section, text=texts[str(now)])
        if now is not None:
            return ReplaceItem(
                file=group.file, key=group.key, section=group.section, old=texts[now], text=texts[wording]
            )
        if group.file not in files:
            made = prompts.add_section(prompts.parse(""), group.section, texts[wording])
            return SetText(file=group.file, text=made.render())
        place, after = group.place(self.name, present), group.after(group.prompt(files))
        return AddItem(
            file=group.file, key=group.key, section=group.section, text=texts[wording], position=place, after=after
        )

    def describe(self, value: Scalar) -> str:
        where = self.group.section or self.group.file
        if value is None:
            return f"leave {self.name} out of {where}"
        return f"say in {where}: {_short(self.group.slots[self.name].get(str(value), str(value)))}"


@dataclass(frozen=True)
class DemonstrationDimension(SlotDimension):
    """Whether one demonstration of a pool is in the prompt."""

    def read(self, files: Files) -> Scalar:
        return super().read(files) is not None

    def allowed(self, assignment: Assignment) -> Domain:
        used = sum(assignment.get(slot) is True for slot in self.group.slots if slot != self.name)
        full = self.group.at_most and used >= self.group.at_most
        return Choice((False,)) if full else self.domain

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        used = [slot for slot in self.group.slots if target.get(slot) is True]
        if value and self.group.at_most and len(used) > self.group.at_most:
            names = ", ".join(used)
            raise InvalidEdit(
                f"{self.name}: got {len(used)} demonstrations ({names}), expected {self.group.at_most} at most"
            )
        edit = self.put(files, next(iter(self.group.slots[self.name])) if value else None)
        emptied = isinstance(edit, RemoveItem) and not edit.apply(files)[self.file].strip()
        return SetText(file=self.file, text=None) if emptied and self.group.optional_file else edit

    def describe(self, value: Scalar) -> str:
        return f"{'show' if value else 'drop'} the demonstration {self.name}"


@dataclass(frozen=True)
class LeadDimension:
    """Which of a section's slots stands first. Active while at least two of them are in the prompt."""

    name: str
    group: SlotGroup
    domain: Choice
    when: Condition | None = None
    default: Scalar = None

    @property
    def file(self) -> str:
        return self.group.file

    def needs(self) -> tuple[str, ...]:
        return tuple(self.group.slots)

    def holds(self, assignment: Assignment) -> bool:
        return len(self._used(assignment)) > 1

    def allowed(self, assignment: Assignment) -> Domain:
        used = self._used(assignment)
        return Choice(used) if used else self.domain

    def turn(self, value: Scalar) -> int:
        return 2  # when all are there

    def read(self, files: Files) -> Scalar:
        present = self.group.present(files)
        return present[0][1] if present else None

    def change(self, files: Files, value: Scalar, target: Assignment) -> Edit | None:
        present = self.group.present(files)
        new = next((entry for entry in present if entry[1] == value), None)
        if new is None:
            raise InvalidEdit(
                f"{self.name}: got {value!r}, which is not in the prompt: put it in, or let another one lead"
            )
        if new == present[0]:
            return None
        moves = self._moves(files, self._order(present, new))
        return moves[0] if len(moves) == 1 else Many(edits=moves)

    def _order(self, present: list[Entry], first: Entry) -> list[Entry]:
        """``first``, then the others as they stand, with the old lead back in its declared place."""
        old, *others = (entry for entry in present if entry != first)
        if old != present[0]:
            return [first, old, *others]
        later = [index for index, entry in enumerate(others) if self.group.order[entry[1]] > self.group.order[old[1]]]
        place = later[0] if later else len(others)
        return [first, *others[:place], old, *others[place:]]

    def _moves(self, files: Files, order: list[Entry]) -> tuple[MoveItem, ...]:
        """Moves that put the known items in ``order`` and leave every other item where it is."""
        group = self.group
        section = group.prompt(files).section(group.section)
        current = list(section.texts) if section else []
        wanted = list(current)
        for place, entry in zip(sorted(at for at, _, _ in order), order, strict=True):
            wanted[place] = current[entry[0]]
        moves: list[MoveItem] = []
        for place, text in enumerate(wanted):
            if current[place] != text:
                current.remove(text)
                current.insert(place, text)
                moves.append(MoveItem(file=group.file, key=group.key, section=group.section, text=text, position=place))
        return tuple(moves)

    def describe(self, value: Scalar) -> str:
        return f"put {value} first in {self.group.section or self.group.file}"

    def _used(self, assignment: Assignment) -> tuple[str, ...]:
        return tuple(slot for slot in self.group.slots if assignment.get(slot) not in (None, False))


def read_prompt(files: Files, file: str, key: str = "", *, missing_ok: bool = False) -> prompts.Prompt:
    """A prompt file, or the text at a key of a file with keys, parsed. Raises MissingFile, InvalidFile."""
    if key:
        return prompts.parse(text_at(files, file, key))
    if file not in files:
        if missing_ok:
            return prompts.parse("")
        raise MissingFile(f"{file}: got nothing, but the space opens sections of this file")
    try:
        return prompts.parse(files[file].decode())
    except UnicodeDecodeError as error:
        raise InvalidFile(file, "", f"bytes that are not UTF-8 (at {error.start})", "UTF-8 text") from None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= 160 else f'"{line[:157]}..."'
