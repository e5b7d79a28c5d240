"""Tools that search source lines: by pattern, by text, by identifier, and for calls."""

from __future__ import annotations

import re
from typing import Final

from experiments.navigator.index import Index
from experiments.navigator.scan import Hits, scan
from experiments.navigator.tools.define import WHERE, Definition
from search_space.tool_definitions import MAX_ROWS, Inputs, Parameter
from search_space.tools import ToolError


def grep(index: Index, inputs: Inputs) -> str:
    hits = scan(index.tree, _compiled(inputs["pattern"]), index.tree.select(inputs["path"]), keep=MAX_ROWS)
    return _with_more(index, hits) or f"no line matches: {inputs['pattern']}"


def search_text(index: Index, inputs: Inputs) -> str:
    text = _text(inputs)
    paths = index.tree.select(inputs["path"])
    if text.isascii():
        paths = tuple(path for path in paths if text.lower() in index.tree.text(path).lower())
    hits = scan(index.tree, re.compile(re.escape(text), re.MULTILINE | re.IGNORECASE), paths, keep=MAX_ROWS)
    return _with_more(index, hits) or f"no line holds the text: {text}"


def count_matches(index: Index, inputs: Inputs) -> str:
    pattern = re.compile(re.escape(_text(inputs)), re.MULTILINE)
    return f"{scan(index.tree, pattern, index.tree.select(inputs['path']), keep=0).total} lines"


def find_references(index: Index, inputs: Inputs) -> str:
    name = inputs["name"]
    if not name.isidentifier():
        raise ToolError(f"no identifier: {name}")
    pattern = re.compile(rf"\b{name}\b", re.MULTILINE)
    return _with_total(index, scan(index.tree, pattern, index.tree.select(inputs["path"]), keep=MAX_ROWS), name)


def find_calls(index: Index, inputs: Inputs) -> str:
    name = inputs["name"].rpartition(".")[2].removesuffix("()")
    rows = [(path, line) for path in index.tree.select(inputs["path"]) for line in index.calls(path, name)]
    return _with_total(index, Hits(tuple(rows[:MAX_ROWS]), len(rows), exact=True), name)


def _compiled(pattern: str) -> re.Pattern[str]:
    if not pattern:
        raise ToolError("empty pattern: expected a regular expression")
    try:
        return re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise ToolError(f"bad regular expression: {pattern}: {error}") from None


def _text(inputs: Inputs) -> str:
    text: str = inputs["text"]
    if not text or "\n" in text:
        raise ToolError("bad text: expected a piece of one line")
    return text


def _rows(index: Index, hits: Hits) -> list[str]:
    return [f"{path}:{line}: {index.tree.line(path, line).strip()}" for path, line in hits.rows]


def _with_more(index: Index, hits: Hits) -> str:
    rows = _rows(index, hits)
    if more := hits.total - len(rows):
        rows.append(f"... {more} more matches" if hits.exact else f"... at least {more} more matches")
    return "\n".join(rows)


def _with_total(index: Index, hits: Hits, name: str) -> str:
    """Rows as far as shown, and on the last line the total, which counts the rows left out too."""
    rows = _rows(index, hits)
    if more := hits.total - len(rows):
        rows.append(f"... {more} more of {name}")
    return "\n".join([*rows, f"total {hits.total}" if hits.exact else f"total at least {hits.total}"])


_NAME: Final = Parameter("name", "The bare name, such as scanstring.")

DEFINITIONS: Final = (
    Definition(
        "grep",
        "Search the source lines of a file or folder for a regular expression; gives path, line number and line.",
        (Parameter("pattern", "A Python regular expression, matched line by line."), WHERE),
        grep,
    ),
    Definition(
        "find_calls",
        "Find and count the call sites of a function or method in a file or folder; gives path, line number and "
        "line, and "
        "the total.",
        (_NAME, WHERE),
        find_calls,
    ),
    Definition(
        "search_text",
        "Search the source lines of a file or folder for plain text, upper and lower case alike, comments and strings "
        "included; gives path, line number and line.",
        (Parameter("text", "The text to look for."), WHERE),
        search_text,
    ),
    Definition(
        "find_references",
        "Find and count the lines of a file or folder where a function's or method's name occurs, be it a "
        "definition, an "
        "import or a use; gives path, line number and line, and the total.",
        (_NAME, WHERE),
        find_references,
    ),
    Definition(
        "count_matches",
        "Count the lines of a file or folder that hold a text, such as the name of a function.",
        (Parameter("text", "The text to look for."), WHERE),
        count_matches,
    ),
)
