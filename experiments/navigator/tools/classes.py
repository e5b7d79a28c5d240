"""Tools that look at one class or function: bases, methods, signature, docstring."""

from __future__ import annotations

from typing import Final

from experiments.navigator.facts import Outlined
from experiments.navigator.index import Index
from experiments.navigator.tools.define import Definition
from search_space.tool_definitions import Inputs, Parameter
from search_space.tools import ToolError


def class_bases(index: Index, inputs: Inputs) -> str:
    _, item = _class(index, inputs)
    return "\n".join(item.bases) or f"{item.name} has no base classes"


def list_methods(index: Index, inputs: Inputs) -> str:
    path, item = _class(index, inputs)
    rows = [f"{method.name} (line {method.line})" for method in index.methods(path, item)]
    return "\n".join(rows) or f"{item.name} has no methods of its own"


def signature(index: Index, inputs: Inputs) -> str:
    path, item = _function(index, inputs)
    return index.signature(path, item, named=item.name)


def docstring(index: Index, inputs: Inputs) -> str:
    path = index.tree.file(inputs["path"])
    items = index.definitions_in(path, inputs["name"])
    if not items:
        raise ToolError(f"no class or function {inputs['name']} in: {path}")
    return index.docstring(path, items[0]) or f"{inputs['name']} has no docstring"


def _class(index: Index, inputs: Inputs) -> tuple[str, Outlined]:
    path, name = index.tree.file(inputs["path"]), inputs["name"]
    for item in index.definitions_in(path, name):
        if item.keyword == "class":
            return path, item
    raise ToolError(f"no class {name} in: {path}")


def _function(index: Index, inputs: Inputs) -> tuple[str, Outlined]:
    path, name = index.tree.file(inputs["path"]), inputs["name"]
    for item in index.definitions_in(path, name):
        if item.keyword == "def":
            return path, item
    raise ToolError(f"no function {name} in: {path}")


_CLASS: Final = Parameter("name", "The class name, such as JSONDecoder.")
_FILE: Final = Parameter("path", "The file that defines it, relative to the root, such as json/decoder.py.")

DEFINITIONS: Final = (
    Definition(
        "class_bases",
        "Show the base classes of a class as they are written, one per line.",
        (_CLASS, _FILE),
        class_bases,
    ),
    Definition(
        "list_methods",
        "Show the methods that a class defines itself with their line numbers, one per line.",
        (_CLASS, _FILE),
        list_methods,
    ),
    Definition(
        "signature",
        "Show the signature of a function or method: its parameters with their default values.",
        (Parameter("name", "The function, or Class.method."), _FILE),
        signature,
    ),
    Definition(
        "docstring",
        "Show the docstring of a class, function or method: what it says about its parameters and use.",
        (Parameter("name", "The class, the function, or Class.method."), _FILE),
        docstring,
    ),
)
