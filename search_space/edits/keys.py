"""Typed edits of files with keys (docs/bindings.md): one key, or one whole table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue

from search_space.diffs import encode, read_text
from search_space.edits.base import FileEdit, Files, shown
from search_space.errors import InvalidEdit, InvalidFile
from search_space.keyed.formats import format_of
from search_space.toml_text import join_key, lookup, split_key

if TYPE_CHECKING:
    from search_space.edits.many import Edit


class SetKey(FileEdit):
    """Set one key, all around it kept as it is; ``value`` None removes the key."""

    kind: Literal["set_key"] = "set_key"
    file: str = "harness.toml"
    key: str
    value: JsonValue

    def apply(self, files: Files) -> dict[str, bytes]:
        return set_key(files, self.file, self.key, self.value)

    def describe(self) -> str:
        if self.value is None:
            return f"remove {self.key} from {self.file}"
        return f"set {self.key} to {shown(self.value)} in {self.file}"

    def _inverse(self, files: Files) -> Edit | None:
        return SetKey(file=self.file, key=self.key, value=value_at(files, self.file, self.key))


class SetTable(FileEdit):
    """Make one table hold exactly ``value``; comments on keys that stay are kept."""

    kind: Literal["set_table"] = "set_table"
    file: str = "harness.toml"
    key: str
    value: dict[str, JsonValue]

    def apply(self, files: Files) -> dict[str, bytes]:
        text = read_text(files, self.file)
        present = value_at(files, self.file, self.key)
        if not isinstance(present, dict):
            if present is not None:
                raise InvalidEdit(f"{self.file}: {self.key}: got {present!r} there, expected a table")
            return self._put(files, _set(self.file, text, self.key, self.value))
        for name in present:
            if name not in self.value:
                text = _set(self.file, text, f"{self.key}.{join_key((name,))}", None)
        for name, value in self.value.items():
            text = _set(self.file, text, f"{self.key}.{join_key((name,))}", value)
        return self._put(files, text)

    def describe(self) -> str:
        inside = ", ".join(f"{name} = {shown(value)}" for name, value in self.value.items())
        return f"make [{self.key}] in {self.file} hold {inside or 'nothing'}"

    def _inverse(self, files: Files) -> Edit | None:
        present = value_at(files, self.file, self.key)
        if isinstance(present, dict):
            return SetTable(file=self.file, key=self.key, value=present)
        return SetKey(file=self.file, key=self.key, value=None)


def value_at(files: Files, file: str, key: str) -> Any:
    """The present value of a key, None when it is absent. Raises :class:`InvalidEdit` when the file is not of its
    format."""
    try:
        return lookup(format_of(file).values(read_text(files, file), file), split_key(key))
    except KeyError:
        return None
    except InvalidFile as error:
        raise InvalidEdit(str(error)) from None


def set_key(files: Files, file: str, key: str, value: JsonValue) -> dict[str, bytes]:
    """The tree with a key of a file set, or removed when ``value`` is None. Raises :class:`InvalidEdit`."""
    value_at(files, file, key)  # says so when the file is not of its format
    return {**files, file: encode(_set(file, read_text(files, file), key, value), file)}


def _set(file: str, text: str, key: str, value: JsonValue) -> str:
    try:
        return format_of(file).set_value(text, key, value, file)
    except InvalidFile as error:
        raise InvalidEdit(str(error)) from None
