"""Python code: constants in capitals, settings of classes called so, items of both; and marked regions of any file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from search_space.discovery.numbers import around, closed
from search_space.discovery.opened import Opened, stem
from search_space.keyed.python_text import constants
from search_space.regions import find_regions
from search_space.toml_text import BARE, join_key

CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*\Z")
SETTINGS = re.compile(r"(Config|Settings|Args|Options|Hyper\w*|Params)\Z")


def constant_dimensions(text: str, file: str) -> Iterator[Opened]:
    """Proposals for the numbers and switches of a Python file. Raises :class:`InvalidFile` for what is no Python."""
    for name, value in constants(text, file).values.items():
        if CONSTANT.match(name) or (SETTINGS.search(name) and isinstance(value, Mapping)):
            yield from _values(value, (name,), file)


def region_dimensions(text: str, file: str) -> Iterator[Opened]:
    """Proposals for the marked regions of a file: free edits inside, until somebody writes alternatives down."""
    for name, region in find_regions(text, file).items():
        most = max(500, 3 * (region.end - region.start))
        table = {"kind": "text", "name": f"{stem(file)}.{name}", "file": file, "region": name, "max_chars": most}
        yield Opened(f"{file}: free edits of the region {name}, by people and by models that send diffs", table)


def _values(value: Any, parts: tuple[str, ...], file: str) -> Iterator[Opened]:
    if closed(parts[-1]) or not all(map(BARE.match, parts)):
        return
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _values(each, (*parts, name), file)
    elif (found := around(value)) is not None:
        key, (domain, words) = join_key(parts), found
        table = {"kind": domain["kind"], "name": f"{stem(file)}.{key}", "file": file, "key": key, **domain}
        yield Opened(f"{file}: {key}, {words} (now {value})", table)
