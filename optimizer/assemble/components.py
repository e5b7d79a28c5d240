"""Components with options or ranges as a harness: TOML files that say what each one is, and the space over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optimizer.errors import SettingsError
from search_space.dimensions.base import Condition
from search_space.dimensions.keys import KeyDimension
from search_space.domains import Choice, Domain, FloatRange, IntRange, Scalar
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


Component = Sequence[Scalar] | IntRange | FloatRange
"""What a component may be: one of these options, the first of them at the start, or a number in a range."""


def harness_of(
    components: Mapping[str, Component],
    start: Mapping[str, Scalar] | None = None,
    conditions: Mapping[str, Condition] | None = None,
) -> tuple[Space, dict[str, bytes]]:
    """The space of ``components`` (in order), and the files of the harness in which each has its value of ``start``,
    without one its first option or the low end of its range. One with a condition is only there while that holds, and
    names a component before it. ``space.read(files)`` is the assignment, component to value.

    Raises :class:`SettingsError` for components that are none: no name, no option, an option twice; and for a start
    that a component cannot be.
    """
    if not components:
        raise SettingsError("components: got none, expected at least one, each with its options")
    start, conditions = start or {}, conditions or {}
    files, dimensions = dict(HARNESS), []
    for place, (name, component) in enumerate(components.items()):
        domain = _domain(name, component)
        value = start.get(name, domain.values[0] if isinstance(domain, Choice) else domain.low)
        if not domain.contains(value):
            raise SettingsError(f"components: {name}: got {value!r} to start from, expected {domain}")
        file, key = _file(place, components), join_key((name,))
        dimensions.append(KeyDimension(name, file, key, domain, when=conditions.get(name), default=value))
        line = "" if value is None else f"{key} = {to_toml(value)}\n"
        files[file] = files.get(file, b"") + line.encode()
    return Space(dimensions), files


def _file(place: int, components: Mapping[str, Component]) -> str:
    return FILE if len(components) <= MOST_IN_A_FILE else f"choices/{1 + place // MOST_IN_A_FILE:03}.toml"


def _domain(name: str, component: Component) -> Domain:
    if not name or any(mark in name for mark in UNUSABLE) or not name.isprintable():
        raise SettingsError(f"components: got the name {name!r}, expected printable text without quotes and '\\'")
    if isinstance(component, IntRange | FloatRange):
        return component
    try:
        return Choice(tuple(component))
    except ValueError as error:
        raise SettingsError(f"components: {name}: {error}") from None
