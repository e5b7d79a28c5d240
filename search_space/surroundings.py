"""What stands around the open constants and regions of a file must stay byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest

from search_space.dimensions.regions import RegionDimension
from search_space.errors import InvalidEdit
from search_space.keyed.python_text import constants
from search_space.regions import content, find_region, put
from search_space.toml_text import join_key
from search_space.validation import shown


def check_surroundings(
    path: str, before: str, after: str, keys: Iterable[tuple[str, ...]], regions: Iterable[str]
) -> None:
    """Raise InvalidEdit when a file differs in more than the values of the Python constants ``keys`` and what the
    ``regions`` hold; InvalidFile when one of these is not there."""
    keys, regions = sorted(set(keys)), sorted(set(regions))
    old, new = (_masked(text, path, keys, regions) for text in (before, after))
    if old != new:
        line, was, got = _first_difference(old, new)
        names = ", ".join([*map(join_key, keys), *regions]) or "nothing"
        raise InvalidEdit(f"{path}: line {line}: got {shown(got)} for {shown(was)}, but the space opens only {names}")


def check_region(dimension: RegionDimension, before: str, after: str) -> None:
    """Raise InvalidEdit when a region changed to what is none of the dimension's texts, as deep as its marker."""
    name = dimension.region
    was, got = (find_region(text, name, dimension.file) for text in (before, after))
    if before[was.start : was.end] == after[got.start : got.end]:
        return
    known = dimension.known.get(content(after, got))
    if known is None or put(after, got, dimension.texts[known]) != after:
        expected = f"one of the texts {', '.join(dimension.texts)}, as deep as the marker"
        raise InvalidEdit(f"{dimension.file}: region {name}: got {shown(content(after, got))}, expected {expected}")


def _masked(text: str, path: str, keys: Iterable[tuple[str, ...]], regions: Iterable[str]) -> str:
    """The text with a name in the place of all that is open; of two places within each other the outer one counts."""
    source = text.encode()
    spans: dict[tuple[int, int], str] = {}
    for parts in keys:
        spans[constants(text, path).span(parts, path)] = join_key(parts)
    for name in regions:
        found = find_region(text, name, path)
        start = len(text[: found.start].encode())
        spans[start, start + len(text[found.start : found.end].encode())] = name
    return _replaced(source, spans).decode()


def _replaced(source: bytes, spans: Mapping[tuple[int, int], str]) -> bytes:
    pieces, at = list[bytes](), 0
    for (start, end), name in sorted(spans.items(), key=lambda entry: (entry[0][0], -entry[0][1])):
        if start >= at:
            pieces += [source[at:start], f"<{name}>".encode()]
            at = end
    return b"".join([*pieces, source[at:]])


def _first_difference(old: str, new: str) -> tuple[int, str, str]:
    """The number of the first line that differs, from 1, and the line in both."""
    pairs = enumerate(zip_longest(old.split("\n"), new.split("\n"), fillvalue="nothing"), 1)
    return next((at, was, got) for at, (was, got) in pairs if was != got)
