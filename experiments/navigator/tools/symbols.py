"""Tools that know definitions: where a name is defined and what a module holds."""

from __future__ import annotations

from typing import Final

from experiments.navigator.facts import Outlined
from experiments.navigator.index import Index
from experiments.navigator.tools.define import PATH, Definition
from search_space.tool_definitions import MAX_ROWS, Inputs, Parameter, capped
from search_space.tools import ToolError


def outline(index: Index, inputs: Inputs) -> str:
    path = index.tree.file(inputs["path"])
    rows = [
        f"{'  ' * item.depth}{item.keyword} {item.name} (lines {item.line}-{item.end})"
        for item in index.module_at(path).outline
    ]
    if not rows:
        raise ToolError(f"no classes or functions in: {path}")
    return "\n".join(rows)


def list_symbols(index: Index, inputs: Inputs) -> str:
    path = index.tree.file(inputs["path"])
    names = index.module_at(path).symbols
    if not names:
        raise ToolError(f"no names are defined in: {path}")
    return "\n".join(names)


def find_definition(index: Index, inputs: Inputs) -> str:
    name = inputs["name"]
    places: list[tuple[str, int, Outlined | None]] = [(path, item.line, item) for path, item in index.definitions(name)]
    places += [(path, line, None) for path, line in index.assignments(name)]
    if not places:
        raise ToolError(f"no definition of: {name}")
    shown = sorted(places, key=lambda place: place[:2])[:MAX_ROWS]
    rows = [f"{path}:{line}: {described(index, path, item) if item else f'{name} = ...'}" for path, line, item in shown]
    return capped(rows, len(places))


def find_class(index: Index, inputs: Inputs) -> str:
    name = inputs["name"]
    rows = [
        f"{path}:{item.line}: {described(index, path, item)}"
        for path, item in index.definitions(name)
        if item.keyword == "class"
    ]
    if not rows:
        raise ToolError(f"no such class: {name}")
    return capped(rows)


def find_symbol(index: Index, inputs: Inputs) -> str:
    prefix = inputs["prefix"]
    if not prefix:
        raise ToolError("empty prefix: expected the beginning of a name")
    rows = [
        f"{path}:{item.line}: {item.keyword} {item.qualname}"
        for path in index.tree.files
        for item in index.module_at(path).outline
        if item.name.startswith(prefix)
    ]
    if not rows:
        raise ToolError(f"no name starts with: {prefix}")
    return capped(rows)


def described(index: Index, path: str, item: Outlined) -> str:
    """The head of a definition: ``class X(Base)`` or ``def C.f(self, a=1)``."""
    if item.keyword == "class":
        return f"class {item.qualname}{item.bases_text}"
    return index.signature(path, item, named=item.qualname)


_NAME: Final = Parameter("name", "The exact name, such as JSONDecoder or JSONDecoder.decode.")

DEFINITIONS: Final = (
    Definition(
        "outline",
        "Show the classes, methods and functions of a file with their line ranges.",
        (PATH,),
        outline,
    ),
    Definition(
        "find_definition",
        "Find where a class, function, method or top-level name is defined in the whole tree; gives path, line "
        "number and "
        "head of the definition.",
        (_NAME,),
        find_definition,
    ),
    Definition(
        "find_class",
        "Find where a class is defined in the whole tree; gives path, line number and the class line with its bases.",
        (Parameter("name", "The exact class name, such as JSONDecoder."),),
        find_class,
    ),
    Definition(
        "find_symbol",
        "Find where classes, functions and methods whose name starts with a prefix are defined in the whole tree; "
        "gives "
        "path, line number and name.",
        (Parameter("prefix", "The beginning of a name, such as JSON."),),
        find_symbol,
    ),
    Definition(
        "list_symbols",
        "Show the names of the classes, methods and functions of a file, sorted, without their lines.",
        (PATH,),
        list_symbols,
    ),
)
