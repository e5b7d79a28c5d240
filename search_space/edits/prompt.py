"""Typed edits of prompt files: add, remove, move and replace one item of a section."""

from __future__ import annotations

from abc import abstractmethod
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from search_space import prompts
from search_space.diffs import read_text
from search_space.edits.base import FileEdit, Files, shown
from search_space.edits.keys import set_key, value_at
from search_space.errors import InvalidEdit

if TYPE_CHECKING:
    from search_space.edits.many import Edit


class PromptEdit(FileEdit):
    """An edit of one section of a prompt: of a file, or of the text at ``key`` of a file with keys. ``section`` is its
    heading, ``""`` the part before any heading."""

    section: str
    key: str = ""

    def apply(self, files: Files) -> dict[str, bytes]:
        text = self._read(files)
        whole = text if text.endswith("\n") or not text else text + "\n"
        try:
            after = self._change(prompts.parse(whole)).render()
        except prompts.NotOneItem as error:
            raise InvalidEdit(f"{self._where()}: {error}") from None
        after = after if whole == text else after.removesuffix("\n")
        return set_key(files, self.file, self.key, after) if self.key else self._put(files, after)

    @abstractmethod
    def _change(self, prompt: prompts.Prompt) -> prompts.Prompt:
        """The prompt with the edit made. Raises :class:`InvalidEdit`."""

    def _read(self, files: Files) -> str:
        if not self.key:
            return read_text(files, self.file)
        value = value_at(files, self.file, self.key)
        if not isinstance(value, str):
            raise InvalidEdit(f"{self.file}: {self.key}: got {shown(value)}, expected a text with sections and items")
        return value

    def _where(self) -> str:
        place = f"{self.file}: {self.key}" if self.key else self.file
        return f"{place}: section '{self.section}'" if self.section else f"{place}: before the first heading"

    def _in(self) -> str:
        place = f"{self.key} of {self.file}" if self.key else self.file
        return f"'{self.section}' in {place}" if self.section else place

    def _find(self, prompt: prompts.Prompt) -> int:
        """The section's position; it must stand in the file exactly once."""
        found = prompt.find(self.section)
        if len(found) == 1:
            return found[0]
        headings = [section.heading for section in prompt.sections if section.heading]
        if found:
            raise InvalidEdit(f"{self._where()}: got {len(found)} sections of this name, expected one")
        near = get_close_matches(self.section, headings, n=1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        raise InvalidEdit(
            f"{self._where()}: got no such section, expected one of {', '.join(headings) or 'none'}{hint}"
        )

    def _find_item(self, section: prompts.Section, text: str) -> int:
        """The position of the item that says ``text``; it must stand in the section exactly once."""
        wanted = text if text in section.texts else prompts.normalise(text)
        found = [index for index, said in enumerate(section.texts) if said == wanted]
        if len(found) == 1:
            return found[0]
        near = get_close_matches(wanted, section.texts, n=1)
        hint = f", nearest: {shown(near[0])}" if near else ""
        raise InvalidEdit(f"{self._where()}: got {len(found)} items that say {shown(wanted)}, expected one{hint}")

    def _check_position(self, position: int, highest: int) -> int:
        if not 0 <= position <= highest:
            raise InvalidEdit(f"{self._where()}: got position {position}, expected 0 to {highest}")
        return position


class AddItem(PromptEdit):
    """Add a bullet or paragraph to a section at ``position`` (None: at the end).

    A section that is not there is made: after the section ``after`` when that is there, else at the end of the file.
    """

    kind: Literal["add_item"] = "add_item"
    text: str
    position: int | None = None
    after: str | None = None

    def _change(self, prompt: prompts.Prompt) -> prompts.Prompt:
        if not prompt.find(self.section):
            self._check_position(self.position or 0, 0)
            return prompts.add_section(prompt, self.section, self.text, self.after)
        index = self._find(prompt)
        section = prompt.sections[index]
        if prompts.normalise(self.text) in section.texts:
            raise InvalidEdit(f"{self._where()}: got an item that is there already: {shown(self.text)}")
        last = len(section.items)
        position = last if self.position is None else self._check_position(self.position, last)
        followed = index + 1 < len(prompt.sections)
        return prompt.with_section(index, prompts.insert_item(section, position, self.text, followed=followed))

    def describe(self) -> str:
        return f"add to {self._in()}: {shown(self.text)}"

    def _inverse(self, files: Files) -> Edit | None:
        return RemoveItem(file=self.file, key=self.key, section=self.section, text=self.text)


class RemoveItem(PromptEdit):
    """Remove the item that says ``text``; a section that is empty then goes with its heading."""

    kind: Literal["remove_item"] = "remove_item"
    text: str

    def _change(self, prompt: prompts.Prompt) -> prompts.Prompt:
        index = self._find(prompt)
        section = prompts.remove_item(prompt.sections[index], self._find_item(prompt.sections[index], self.text))
        if section.items or not section.title:
            return prompt.with_section(index, section)
        return prompts.remove_section(prompt, index)

    def describe(self) -> str:
        return f"remove from {self._in()}: {shown(self.text)}"

    def _inverse(self, files: Files) -> Edit | None:
        prompt = prompts.parse(self._read(files))
        index = self._find(prompt)
        position = self._find_item(prompt.sections[index], self.text)
        after = prompt.sections[index - 1].heading if index else None
        return AddItem(
            file=self.file, key=self.key, section=self.section, text=self.text, position=position, after=after
        )


class MoveItem(PromptEdit):
    """Move the item that says ``text`` to ``position``, counted without the item itself."""

    kind: Literal["move_item"] = "move_item"
    text: str
    position: int

    def _change(self, prompt: prompts.Prompt) -> prompts.Prompt:
        index = self._find(prompt)
        section = prompt.sections[index]
        old = self._find_item(section, self.text)
        new = self._check_position(self.position, len(section.items) - 1)
        return prompt.with_section(index, prompts.move_item(section, old, new))

    def describe(self) -> str:
        return f"move to place {self.position + 1} of {self._in()}: {shown(self.text)}"

    def _inverse(self, files: Files) -> Edit | None:
        prompt = prompts.parse(self._read(files))
        old = self._find_item(prompt.sections[self._find(prompt)], self.text)
        return MoveItem(file=self.file, key=self.key, section=self.section, text=self.text, position=old)


class ReplaceItem(PromptEdit):
    """Put ``text`` in the place of the item that says ``old``."""

    kind: Literal["replace_item"] = "replace_item"
    old: str
    text: str

    def _change(self, prompt: prompts.Prompt) -> prompts.Prompt:
        index = self._find(prompt)
        section = prompt.sections[index]
        at = self._find_item(section, self.old)
        if prompts.normalise(self.text) in (said for place, said in enumerate(section.texts) if place != at):
            raise InvalidEdit(f"{self._where()}: got an item that is there already: {shown(self.text)}")
        return prompt.with_section(index, prompts.replace_item(section, at, self.text))

    def describe(self) -> str:
        return f"say in {self._in()} {shown(self.text)} instead of {shown(self.old)}"

    def _inverse(self, files: Files) -> Edit | None:
        return ReplaceItem(file=self.file, key=self.key, section=self.section, old=self.text, text=self.old)
