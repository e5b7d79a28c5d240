"""YAML read by PyYAML: as nodes that know where they stand, and as plain values."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from search_space.errors import InvalidFile

if TYPE_CHECKING:
    from yaml import Node

MOST_VALUES = 100_000
"""A document that holds more values, aliases followed, is refused: aliases of aliases can make any number."""
EXPONENT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+\Z")
"""A number of YAML 1.2 that YAML 1.1, which PyYAML reads, takes for a text."""


@lru_cache(maxsize=256)
def read_yaml(text: str, file: str) -> dict[str, Any]:
    """A document as values, the mapping at its top. Raises :class:`InvalidFile` for what is none."""
    root = compose_yaml(text, file)
    try:
        value = {} if root is None else value_of(root, file)
    except RecursionError:
        raise InvalidFile(file, "", "a value that holds itself, or is nested too deeply", "a YAML document") from None
    if not isinstance(value, dict):
        raise InvalidFile(file, "", f"YAML with a {type(value).__name__} at the top", "a mapping at the top")
    return value


@lru_cache(maxsize=64)
def compose_yaml(text: str, file: str) -> Node | None:
    """The document's nodes with their places, None for an empty one. Raises :class:`InvalidFile`."""
    import yaml  # here because it is slow to import

    try:
        node: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        return node
    except yaml.YAMLError as error:
        said = " ".join(str(error).replace('in "<unicode string>", ', "").split())
        raise InvalidFile(file, "", f"invalid YAML ({said})", "one YAML document") from None
    except (RecursionError, ValueError) as error:
        raise InvalidFile(file, "", f"YAML that cannot be read ({error})", "one YAML document") from None


def value_of(node: Node, file: str = "") -> Any:
    """What a node holds."""
    return _Reader(file).value(node)


class _Reader:
    """Nodes as values. The names of keys are their text; a value with a tag of its own is that tag and its text."""

    def __init__(self, file: str) -> None:
        from yaml.constructor import SafeConstructor

        self._file = file
        self._constructor = SafeConstructor()
        self._left = MOST_VALUES

    def value(self, node: Node) -> Any:
        import yaml

        self._left -= 1
        if self._left < 0:
            raise InvalidFile(self._file, "", f"more than {MOST_VALUES} values", "a smaller document")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each) for each in node.value]
        if node.tag not in self._constructor.yaml_constructors:
            return f"{node.tag} {node.value}"
        if getattr(node, "style", "") is None and EXPONENT.match(node.value):
            return float(node.value)
        try:
            return self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            where = f"line {node.start_mark.line + 1}: {node.value!r}: {error}"
            raise InvalidFile(self._file, "", f"a value that cannot be read ({where})", "a YAML value") from None

    def _mapping(self, node: Node) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[Any] = []
        for name, value in node.value:
            if name.tag == "tag:yaml.org,2002:merge":
                inner = self.value(value)
                merged += inner if isinstance(inner, list) else [inner]
            else:
                found[str(name.value) if isinstance(name.value, str) else "?"] = self.value(value)
        for each in merged:  # of several the first one counts, and what is said here counts more
            found = {**each, **found} if isinstance(each, dict) else found
        return found
