"""Inputs that many tools have, and how a text is taken apart into lines."""

from __future__ import annotations

import re
from typing import Final

from search_space.tool_definitions import Parameter
from search_space.tools import ToolError

FILE: Final = Parameter("path", "A file in the workspace, such as src/main.py.")
FOLDER: Final = Parameter("path", "A folder in the workspace, such as src; leave out for all of it.", required=False)
WHERE: Final = Parameter("path", "A file or folder; leave out for the whole workspace.", required=False)
TEXT: Final = Parameter("text", "The text to work on.")
PATTERN: Final = Parameter("pattern", "A regular expression in Python's syntax, such as def (\\w+).")

LINE_CHARS: Final = 400
"""Of one line as a search shows it, and 10 times as many as it looks at."""
_NESTED = re.compile(r"\((?:[^()\\]|\\.)*(?:[+*]|\{\d+,\})(?:[^()\\]|\\.)*\)(?:[+*]|\{\d+,\})")


def lines_of(text: str) -> list[str]:
    """The lines without their ends; a last line end opens no further line."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def numbered(lines: list[str], first: int) -> str:
    """``lines`` with their numbers from ``first`` on."""
    return "\n".join(f"{number:5}: {line}" for number, line in enumerate(lines, first))


def compiled(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """The regular expression. Raises ToolError for one that is none, is empty, or might run for ages."""
    if not pattern:
        raise ToolError("empty pattern: expected a regular expression")
    if _NESTED.search(pattern):
        raise ToolError(f"{pattern}: a repetition of a repetition, as in (a+)+, may take for ever; write it without")
    try:
        return re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise ToolError(f"bad regular expression: {pattern[:80]}: {error}") from None


def looked_at(line: str) -> str:
    """As much of a line as a search looks at."""
    return line[: 10 * LINE_CHARS]


def shown(line: str) -> str:
    """A line as a search shows it."""
    line = line.strip()
    return line if len(line) <= LINE_CHARS else line[: LINE_CHARS - 3] + "..."
