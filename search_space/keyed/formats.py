"""Which format a file has, by its suffix, and the one protocol of them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Protocol

from search_space import toml_text
from search_space.errors import InvalidFile
from search_space.keyed import front_matter, json_text, python_text, yaml_text


class Format(Protocol):
    """How values are read from a text and set in it. ``file`` is how errors call the text; keys are dotted."""

    def values(self, text: str, file: str) -> Mapping[str, Any]:
        """The text as nested values, not to be changed. Raises :class:`InvalidFile` for a text of another format."""
        ...

    def set_value(self, text: str, key: str, value: Any, file: str) -> str:
        """``text`` with ``key`` set to ``value`` (what JSON can hold), or removed when it is None. Raises
        :class:`InvalidEdit` when that is not possible without changing anything else, :class:`InvalidFile`."""
        ...


class _Toml:
    def values(self, text: str, file: str) -> Mapping[str, Any]:
        return toml_text.parse_toml(text, file)

    def set_value(self, text: str, key: str, value: Any, file: str) -> str:
        return toml_text.set_value(text, key, value, file)


_YAML = yaml_text.Yaml()
FORMATS: Mapping[str, Format] = {
    ".toml": _Toml(),
    ".yaml": _YAML,
    ".yml": _YAML,
    ".json": json_text.Json(),
    ".md": front_matter.FrontMatter(),
    ".py": python_text.Python(),
}
"""The formats by suffix."""


def format_of(file: str) -> Format:
    """The format of the file with this path. Raises :class:`InvalidFile` for a suffix that has none."""
    suffix = PurePosixPath(file).suffix
    if suffix not in FORMATS:
        raise InvalidFile(file, "", f"a file without keys ({suffix or 'no suffix'})", f"one of {', '.join(FORMATS)}")
    return FORMATS[suffix]


def fixed_keys(file: str) -> bool:
    """Whether keys can neither come nor go, and all around their values stays byte for byte: so it is for code."""
    return format_of(file) is FORMATS[".py"]
