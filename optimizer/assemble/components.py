"""Components with options as a harness: one TOML file that says which option each one has, and the space over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optimizer.errors import SettingsError
from search_space.dimensions.keys import KeyDimension
from search_space.domains import Choice
from search_space.space import Space
from search_space.toml_text import join_key, to_toml

FILE = "choices.toml"
HARNESS = {
    "harness.toml": b'name = "components"\ndescription = "Which option each component has stands in choices.toml."\n',
    "prompts/system.md": b"What this harness does is decided by choices.toml.\n",
}
UNUSABLE = '"\\'


def harness_of(components: Mapping[str, Sequence[str]]) -> tuple[Space, dict[str, bytes]]:
    """The space of ``components`` (name to options, in order), and the files of the harness in which each has its first
    option. ``space.read(files)`` is the assignment, component to option.

    Raises :class:`SettingsError` for components that are none: no name, no option, an option twice.
    """
    if not components:
        raise SettingsError("components: got none, expected at least one, each with its options")
    lines, dimensions = [], []
    for name, options in components.items():
        if not name or any(mark in name for mark in UNUSABLE) or not name.isprintable():
            raise SettingsError(f"components: got the name {name!r}, expected printable text without quotes and '\\'")
        try:
            domain = Choice(tuple(options))
        except ValueError as error:
            raise SettingsError(f"components: {name}: {error}") from None
        key = join_key((name,))
        lines.append(f"{key} = {to_toml(options[0])}\n")
        dimensions.append(KeyDimension(name=name, file=FILE, key=key, domain=domain))
    return Space(dimensions), {**HARNESS, FILE: "".join(lines).encode()}
