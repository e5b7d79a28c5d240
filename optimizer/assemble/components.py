"""Components with options as a harness: TOML files that say which option each one has, and the space over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optimizer.errors import SettingsError
from search_space.dimensions.keys import KeyDimension
from search_space.domains import Choice
from search_space.space import Space
from search_space.toml_text import join_key, to_toml

FILE = "choices.toml"
MOST_IN_A_FILE = 40
"""More components than this are spread over ``choices/001.toml``, ``choices/002.toml``, ...: every change is read,
compared and written as a whole file."""
HARNESS = {
    "harness.toml": b'name = "components"\ndescription = "Which option each component has is said in choices*"\n',
    "prompts/system.md": b"What this harness does is decided by the options that its components have.\n",
}
UNUSABLE = '"\\'


def harness_of(components: Mapping[str, Sequence[str]]) -> tuple[Space, dict[str, bytes]]:
    """The space of ``components`` (name to options, in order), and the files of the harness in which each has its first
    option. ``space.read(files)`` is the assignment, component to option.

    Raises :class:`SettingsError` for components that are none: no name, no option, an option twice.
    """
    if not components:
        raise SettingsError("components: got none, expected at least one, each with its options")
    dimensions = [
        _dimension(name, options, _file(place, components)) for place, (name, options) in enumerate(components.items())
    ]
    files = dict(HARNESS)
    for dimension, options in zip(dimensions, components.values(), strict=True):
        line = f"{dimension.key} = {to_toml(options[0])}\n"
        files[dimension.file] = files.get(dimension.file, b"") + line.encode()
    return Space(dimensions), files


def _file(place: int, components: Mapping[str, Sequence[str]]) -> str:
    return FILE if len(components) <= MOST_IN_A_FILE else f"choices/{1 + place // MOST_IN_A_FILE:03}.toml"


def _dimension(name: str, options: Sequence[str], file: str) -> KeyDimension:
    if not name or any(mark in name for mark in UNUSABLE) or not name.isprintable():
        raise SettingsError(f"components: got the name {name!r}, expected printable text without quotes and '\\'")
    try:
        domain = Choice(tuple(options))
    except ValueError as error:
        raise SettingsError(f"components: {name}: {error}") from None
    return KeyDimension(name=name, file=file, key=join_key((name,)), domain=domain)
