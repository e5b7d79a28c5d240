"""YAML text: its nodes know where they stand, and it is edited on the text itself.

What is to be written is tried in the manner of what stands there first, then in plainer ones; the first way by which
the whole document reads as expected is taken. That also refuses what would change two places at once (an alias).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from search_space.errors import InvalidEdit
from search_space.keyed.read_back import first_that_reads
from search_space.keyed.yaml_reading import compose_yaml, read_yaml, value_of
from search_space.toml_text import changed, equal, split_key

if TYPE_CHECKING:
    from yaml import Node

BREAKING = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./ +()-]*\Z")


class Yaml:
    """The format of ``*.yaml``: one document with a mapping at the top; an empty one has no keys."""

    def values(self, text: str, file: str) -> Mapping[str, Any]:
        return read_yaml(text, file)

    def set_value(self, text: str, key: str, value: Any, file: str) -> str:
        parts = split_key(key)
        before = read_yaml(text, file)
        expected = changed(before, parts, value, file)
        if equal(before, expected):
            return text
        ways = _edited(text, compose_yaml(text, file), parts, value)
        return first_that_reads(ways, expected, lambda after: read_yaml(after, file), file=file, key=key)


def _edited(text: str, root: Node | None, parts: tuple[str, ...], value: Any) -> Iterator[str]:
    """Texts that may be ``text`` with the change made, the best one first."""
    import yaml

    if root is None:
        yield from _appended(text, parts, value)
        return
    node = root
    for depth, part in enumerate(parts):
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        found = [(name, inner) for name, inner in entries if name.value == part]
        if not found:
            for missing in reversed(parts[depth + 1 :]):
                value = {missing: value}
            yield from _added(text, node, part, value)
            return
        if value is None and depth == len(parts) - 1:
            yield from _removed(text, node, found[-1])
            return
        node = found[-1][1]
    yield from _replaced(text, node, value)


def _replaced(text: str, node: Node, value: Any) -> Iterator[str]:
    start, end = node.start_mark.index, _content_end(text, node)
    line = text[text.rfind("\n", 0, start) + 1 : start]
    indent = len(line) - len(line.lstrip(" "))
    gap = " " if start and text[start - 1] == ":" else ""  # an empty value stands right behind its colon
    head = text[:start] + gap
    if isinstance(value, list) and isinstance(node.value, list):
        yield from _listed(text, node, value)
    for written in _scalars(value, node, indent, _newline(text)):
        yield head + written + text[end:]


def _scalars(value: Any, node: Node | None, indent: int, newline: str) -> Iterator[str]:
    """Ways to write a value."""
    style = getattr(node, "style", None)
    if isinstance(value, str):
        if style == "|" or ("\n" in value and style is None):
            yield _literal(value, indent, newline)
        if style == "'" and "\n" not in value:
            yield "'" + value.replace("'", "''") + "'"
        if style is None and PLAIN.match(value) and value == value.strip():
            yield value
        yield _json(value)
    elif isinstance(value, float):
        yield _float(value)
    else:
        yield _json(value)


def _literal(value: str, indent: int, newline: str) -> str:
    """A block literal whose lines stand two deeper than its key, without the line break after its last line."""
    body = value.rstrip("\n")
    ends = len(value) - len(body)
    chomping = "-" if ends == 0 else "" if ends == 1 else "+"
    depth = "2" if body.lstrip("\n").startswith(" ") else ""
    lines = [" " * (indent + 2) + line if line else "" for line in body.split("\n")]
    return newline.join([f"|{depth}{chomping}", *lines, *([""] * (ends - 1))])


def _listed(text: str, node: Node, value: list[Any]) -> Iterator[str]:
    """A list with items taken out or added at its end, the others and their comments as they are."""
    old = value_of(node)
    starts = [each.start_mark.index for each in node.value]
    flow = getattr(node, "flow_style", False)
    kept = [at for at, item in enumerate(old) if any(equal(item, each) for each in value)]
    added = [item for item in value if not any(equal(item, each) for each in old)]
    newline = _newline(text)
    if flow or not starts:
        said = [text[starts[at] : _content_end(text, node.value[at])] for at in kept]
        items = ", ".join([*said, *map(_json, added)])
        yield f"{text[: node.start_mark.index]}[{items}]{text[node.end_mark.index :]}"
        return
    bounds = [text.rfind("\n", 0, at) + 1 for at in starts]
    stop = _line_end(text, _content_end(text, node.value[-1]))
    dash = text[bounds[0] : starts[0]]
    pieces = [text[bounds[at] : (bounds[at + 1] if at + 1 < len(bounds) else stop)] for at in kept]
    if pieces and not pieces[-1].endswith("\n"):
        pieces[-1] += newline
    pieces += [dash + next(_scalars(item, None, 0, newline)) + newline for item in added]
    if pieces:
        yield text[: bounds[0]] + "".join(pieces) + text[stop:]
    colon = text.rstrip().rfind(":", 0, bounds[0])
    yield f"{text[: colon + 1]} {_json(value)}{newline}{text[stop:]}"


def _added(text: str, parent: Node, name: str, value: Any) -> Iterator[str]:
    entries = parent.value
    if not isinstance(entries, list):
        return
    newline = _newline(text)
    if getattr(parent, "flow_style", False):
        inside = f"{_name(name)}: {_json(value)}"
        at = _content_end(text, entries[-1][1]) if entries else parent.start_mark.index + 1
        yield text[:at] + (", " if entries else "") + inside + text[at:]
        return
    first = entries[0][0].start_mark
    for key, last in reversed(entries):
        del key
        at = _line_end(text, _content_end(text, last))
        lines = list(_entry(name, value, first.column, newline))
        gap = "" if at == 0 or text[at - 1] == "\n" else newline
        yield text[:at] + gap + "".join(lines) + text[at:]


def _entry(name: str, value: Any, indent: int, newline: str) -> Iterator[str]:
    """The lines of a new key."""
    if isinstance(value, dict) and value:
        yield " " * indent + _name(name) + ":" + newline
        for inner, each in value.items():
            yield from _entry(inner, each, indent + 2, newline)
        return
    yield f"{' ' * indent}{_name(name)}: {next(_scalars(value, None, indent, newline))}{newline}"


def _appended(text: str, parts: tuple[str, ...], value: Any) -> Iterator[str]:
    """A key in a document that has none."""
    for missing in reversed(parts[1:]):
        value = {missing: value}
    gap = "" if not text or text.endswith("\n") else _newline(text)
    yield text + gap + "".join(_entry(parts[0], value, 0, _newline(text)))


def _removed(text: str, parent: Node, entry: tuple[Node, Node]) -> Iterator[str]:
    key, value = entry
    start, end = key.start_mark.index, _content_end(text, value)
    if getattr(parent, "flow_style", False):
        after = re.compile(r"\s*,\s*").match(text, end)
        before = re.search(r"\s*,\s*\Z", text[:start])
        yield text[:start] + text[after.end() :] if after else text[: before.start() if before else start] + text[end:]
        return
    bound = text.rfind("\n", 0, start) + 1
    if not text[bound:start].strip():
        yield text[:bound] + text[_line_end(text, end) :]
    if len(parent.value) == 1:
        yield f"{text[: parent.start_mark.index]}{{}}{text[end:]}"


def _content_end(text: str, node: Node) -> int:
    """Where a value ends, without the blank lines and comments that follow it."""
    end: int = node.end_mark.index
    if isinstance(node.value, list) and node.value and not getattr(node, "flow_style", False):
        last = node.value[-1]
        return _content_end(text, last[1] if isinstance(last, tuple) else last)
    if getattr(node, "style", None) in ("|", ">"):
        return node.start_mark.index + len(text[node.start_mark.index : end].rstrip())
    return end


def _line_end(text: str, at: int) -> int:
    """Behind the line break of the line that ``at`` stands in."""
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) else _json(name)


def _float(value: float) -> str:
    """YAML 1.1 reads ``1e-05`` as a text: a number needs its point and its exponent's sign."""
    if not math.isfinite(value):
        raise InvalidEdit(f"got {value}, expected a finite number")
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    sign = "" if exponent.startswith("-") else "+"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}{exponent.removeprefix('+')}"


def _json(value: Any) -> str:
    """A value as JSON, which is YAML as well."""
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_json(name)}: {_json(each)}" for name, each in value.items()) + "}"
    said = json.dumps(value, ensure_ascii=False)
    return BREAKING.sub(lambda match: f"\\u{ord(match[0]):04x}", said)
