"""Edits: values that apply to a tree of files, invert, and describe themselves in words.

A tree is ``Mapping[str, bytes]``: relative posix path to content. An edit never changes the mapping it is given. One
that does not apply raises :class:`InvalidEdit`, which names the file, the key or section, what was got and what was
expected. ``invert`` gives the edit that restores the files byte for byte; where the edit of the same kind would not
(formatting that a typed edit does not keep), the inverse is a unified diff.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, field_validator

from search_space import diffs, prompts
from search_space.diffs import check_path, make_diff, read_text
from search_space.errors import InvalidEdit
from search_space.toml_text import lookup, parse_toml, set_value, split_key

Files = Mapping[str, bytes]


class BaseEdit(BaseModel):
    """What all kinds of edit share."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def apply(self, files: Files) -> dict[str, bytes]:
        """``files`` with the edit made. Raises :class:`InvalidEdit`."""
        raise NotImplementedError

    def describe(self) -> str:
        """What the edit does, in plain words, without a full stop; never empty."""
        raise NotImplementedError

    def invert(self, files: Files) -> Edit:
        """The edit that takes ``self.apply(files)`` back to ``files``. Raises :class:`InvalidEdit`."""
        after = self.apply(files)
        inverse = self._inverse(files)
        if inverse is not None and _applies_to(inverse, after, files):
            return inverse
        if after == files:
            return Many(edits=())
        try:
            return Diff(text=make_diff(after, files))
        except InvalidEdit:
            changed = sorted(path for path in {*files, *after} if files.get(path) != after.get(path))
            return Many(edits=tuple(SetText(file=path, text=_text_or_none(files, path)) for path in changed))

    def _inverse(self, files: Files) -> Edit | None:
        """The natural inverse, if there is one; ``invert`` checks it."""
        return None


class FileEdit(BaseEdit):
    """An edit of one file."""

    file: str

    @field_validator("file")
    @classmethod
    def _relative(cls, value: str) -> str:
        try:
            return check_path(value)
        except InvalidEdit as error:
            raise ValueError(str(error)) from None

    def _put(self, files: Files, text: str) -> dict[str, bytes]:
        return {**files, self.file: text.encode()}


class SetKey(FileEdit):
    """Set one key of a TOML file, comments kept; ``value`` None removes the key."""

    kind: Literal["set_key"] = "set_key"
    file: str = "harness.toml"
    key: str
    value: JsonValue

    def apply(self, files: Files) -> dict[str, bytes]:
        return self._put(files, set_value(read_text(files, self.file), self.key, self.value, self.file))

    def describe(self) -> str:
        if self.value is None:
            return f"remove {self.key} from {self.file}"
        return f"set {self.key} to {_shown(self.value)} in {self.file}"

    def _inverse(self, files: Files) -> Edit | None:
        return SetKey(file=self.file, key=self.key, value=_value(files, self.file, self.key))


class SetTable(FileEdit):
    """Make one table of a TOML file hold exactly ``value``; comments on keys that stay are kept."""

    kind: Literal["set_table"] = "set_table"
    file: str = "harness.toml"
    key: str
    value: dict[str, JsonValue]

    def apply(self, files: Files) -> dict[str, bytes]:
        text = read_text(files, self.file)
        present = _value(files, self.file, self.key)
        if not isinstance(present, dict):
            if present is not None:
                raise InvalidEdit(f"{self.file}: {self.key}: got {present!r} there, expected a table")
            return self._put(files, set_value(text, self.key, self.value, self.file))
        for name in present:
            if name not in self.value:
                text = set_value(text, f"{self.key}.{_quoted(name)}", None, self.file)
        for name, value in self.value.items():
            text = set_value(text, f"{self.key}.{_quoted(name)}", value, self.file)
        return self._put(files, text)

    def describe(self) -> str:
        inside = ", ".join(f"{name} = {_shown(value)}" for name, value in self.value.items())
        return f"make [{self.key}] in {self.file} hold {inside or 'nothing'}"

    def _inverse(self, files: Files) -> Edit | None:
        present = _value(files, self.file, self.key)
        if isinstance(present, dict):
            return SetTable(file=self.file, key=self.key, value=present)
        return SetKey(file=self.file, key=self.key, value=None)


class SetText(FileEdit):
    """Make a file hold exactly ``text``, or remove it when ``text`` is None."""

    kind: Literal["set_text"] = "set_text"
    text: str | None

    def apply(self, files: Files) -> dict[str, bytes]:
        if self.text is not None:
            return self._put(files, self.text)
        if self.file not in files:
            raise InvalidEdit(f"{self.file}: got a removal of a file that is not there")
        return {path: content for path, content in files.items() if path != self.file}

    def describe(self) -> str:
        return f"remove {self.file}" if self.text is None else f"write {self.file} anew ({len(self.text)} characters)"

    def _inverse(self, files: Files) -> Edit | None:
        return SetText(file=self.file, text=_text_or_none(files, self.file))


class PromptEdit(FileEdit):
    """An edit of one section of a prompt file; ``section`` is its heading, ``""`` the part before any heading."""

    section: str

    def apply(self, files: Files) -> dict[str, bytes]:
        text = read_text(files, self.file)
        whole = text if text.endswith("\n") or not text else text + "\n"
        try:
            after = self._change(prompts.parse(whole)).render()
        except prompts.NotOneItem as error:
            raise InvalidEdit(f"{self._where()}: {error}") from None
        return self._put(files, after if whole == text else after.removesuffix("\n"))

    def _change(self, prompt: prompts.Prompt) -> prompts.Prompt:
        raise NotImplementedError

    def _where(self) -> str:
        return f"{self.file}: section '{self.section}'" if self.section else f"{self.file}: before the first heading"

    def _in(self) -> str:
        return f"'{self.section}' in {self.file}" if self.section else self.file

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
        wanted = prompts.normalise(text)
        found = [index for index, said in enumerate(section.texts) if said == wanted]
        if len(found) == 1:
            return found[0]
        near = get_close_matches(wanted, section.texts, n=1)
        hint = f", nearest: {_shown(near[0])}" if near else ""
        raise InvalidEdit(f"{self._where()}: got {len(found)} items that say {_shown(wanted)}, expected one{hint}")

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
            raise InvalidEdit(f"{self._where()}: got an item that is there already: {_shown(self.text)}")
        last = len(section.items)
        position = last if self.position is None else self._check_position(self.position, last)
        followed = index + 1 < len(prompt.sections)
        return prompt.with_section(index, prompts.insert_item(section, position, self.text, followed=followed))

    def describe(self) -> str:
        return f"add to {self._in()}: {_shown(self.text)}"

    def _inverse(self, files: Files) -> Edit | None:
        return RemoveItem(file=self.file, section=self.section, text=self.text)


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
        return f"remove from {self._in()}: {_shown(self.text)}"

    def _inverse(self, files: Files) -> Edit | None:
        prompt = prompts.parse(read_text(files, self.file))
        index = self._find(prompt)
        position = self._find_item(prompt.sections[index], self.text)
        after = prompt.sections[index - 1].heading if index else None
        return AddItem(file=self.file, section=self.section, text=self.text, position=position, after=after)


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
        return f"move to place {self.position + 1} of {self._in()}: {_shown(self.text)}"

    def _inverse(self, files: Files) -> Edit | None:
        prompt = prompts.parse(read_text(files, self.file))
        old = self._find_item(prompt.sections[self._find(prompt)], self.text)
        return MoveItem(file=self.file, section=self.section, text=self.text, position=old)


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
            raise InvalidEdit(f"{self._where()}: got an item that is there already: {_shown(self.text)}")
        return prompt.with_section(index, prompts.replace_item(section, at, self.text))

    def describe(self) -> str:
        return f"say in {self._in()} {_shown(self.text)} instead of {_shown(self.old)}"

    def _inverse(self, files: Files) -> Edit | None:
        return ReplaceItem(file=self.file, section=self.section, old=self.text, text=self.old)


class Diff(BaseEdit):
    """A free edit: a unified diff over one or more text files, applied strictly."""

    kind: Literal["diff"] = "diff"
    text: str

    def apply(self, files: Files) -> dict[str, bytes]:
        return diffs.apply_diff(files, self.text)

    def describe(self) -> str:
        added, removed = diffs.count_lines(self.text)
        paths = ", ".join(part.path for part in diffs.parse_diff(self.text))
        return f"edit {paths} freely (+{added} -{removed} lines)"

    def _inverse(self, files: Files) -> Edit | None:
        return Diff(text=diffs.reverse_diff(self.text))


class Many(BaseEdit):
    """Several edits, one after the other; all of them or none."""

    kind: Literal["many"] = "many"
    edits: tuple[Edit, ...] = Field(strict=False)

    def apply(self, files: Files) -> dict[str, bytes]:
        result = dict(files)
        for edit in self.edits:
            result = edit.apply(result)
        return result

    def describe(self) -> str:
        return "; ".join(edit.describe() for edit in self.edits) or "change nothing"

    def _inverse(self, files: Files) -> Edit | None:
        inverses: list[Edit] = []
        current: Files = files
        for edit in self.edits:
            inverses.append(edit.invert(current))
            current = edit.apply(current)
        return Many(edits=tuple(reversed(inverses)))


Edit = Annotated[
    SetKey | SetTable | SetText | AddItem | RemoveItem | MoveItem | ReplaceItem | Diff | Many,
    Field(discriminator="kind"),
]
"""One change to a harness, of any kind."""

Many.model_rebuild()


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Edit]:
    return TypeAdapter(Edit)


def edit_to_json(edit: Edit) -> dict[str, Any]:
    """The edit as JSON values; ``edit_from_json`` reads it back to an equal edit."""
    return edit.model_dump(mode="json")


def edit_from_json(value: Mapping[str, Any]) -> Edit:
    """The edit that ``value`` says. Raises :class:`InvalidEdit` naming the field that is wrong."""
    try:
        return _adapter().validate_python(dict(value))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "edit"
        got = first["input"] if isinstance(first["input"], str | int | float | None) else type(first["input"]).__name__
        raise InvalidEdit(f"{where}: got {got!r}: {first['msg']}") from None


def _applies_to(inverse: Edit, after: Files, files: Files) -> bool:
    try:
        return inverse.apply(after) == files
    except InvalidEdit:
        return False


def _value(files: Files, file: str, key: str) -> Any:
    """The present value of a key; None when it is absent."""
    try:
        return lookup(parse_toml(read_text(files, file), file), split_key(key))
    except KeyError:
        return None


def _text_or_none(files: Files, file: str) -> str | None:
    return read_text(files, file) if file in files else None


def _quoted(name: str) -> str:
    return name if name.replace("-", "_").replace("_", "a").isalnum() and name.isascii() else f'"{name}"'


def _shown(value: JsonValue) -> str:
    """A value for a sentence: strings in quotes, cut at 100 characters."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text if len(text) <= 100 else text[:97] + "..."
    return f'"{text}"' if isinstance(value, str) else text
