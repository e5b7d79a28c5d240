"""Markdown text: the YAML between two lines ``---`` at the very top, such as the ``model`` of an agent's file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from search_space.errors import InvalidFile
from search_space.keyed.yaml_text import Yaml

BLOCK = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<yaml>[A-Za-z_][\w-]*:(?:.*\n)*?)---[ \t]*(?:\r?\n|\Z)")
"""A line ``---`` and then no key is a rule between two parts of a text."""


class FrontMatter:
    """The format of ``*.md``."""

    def values(self, text: str, file: str) -> Mapping[str, Any]:
        block = BLOCK.match(text)
        return Yaml().values(block["yaml"], file) if block else {}

    def set_value(self, text: str, key: str, value: Any, file: str) -> str:
        block = BLOCK.match(text)
        if block is None:
            raise InvalidFile(file, key, "no front matter", "YAML between two lines '---' at the top of the file")
        start, end = block.span("yaml")
        return text[:start] + Yaml().set_value(block["yaml"], key, value, file) + text[end:]


def split_front_matter(text: str) -> tuple[str, str]:
    """The front matter with its lines ``---``, empty when there is none, and the text below it."""
    block = BLOCK.match(text)
    at = block.end() if block else 0
    return text[:at], text[at:]
