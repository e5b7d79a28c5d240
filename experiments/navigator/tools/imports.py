"""Tools that follow imports."""

from __future__ import annotations

from typing import Final

from experiments.navigator.index import Index
from experiments.navigator.tools.define import Definition
from search_space.tool_definitions import Inputs, Parameter
from search_space.tools import ToolError


def list_imports(index: Index, inputs: Inputs) -> str:
    path = index.tree.file(inputs["path"])
    rows = [f"{entry.line}: {entry.text}" for entry in index.module_at(path).imports]
    return "\n".join(rows) or f"{path} imports nothing"


def resolve_import(index: Index, inputs: Inputs) -> str:
    """The module that the import names; when the name was changed by ``as``, a second line tells the original one."""
    path, name = index.tree.file(inputs["path"]), inputs["name"].partition(".")[0]
    found = index.import_source(path, name)
    if found is None:
        raise ToolError(f"no import of {name} in: {path}")
    module, original = found
    return module if original in (None, name) else f"{module}\nits name there: {original}"


_FILE: Final = Parameter("path", "The file that imports, relative to the root, such as json/decoder.py.")

DEFINITIONS: Final = (
    Definition("list_imports", "Show the import statements of a file with their line numbers.", (_FILE,), list_imports),
    Definition(
        "resolve_import",
        "Tell from which module a file imports a name: one step, the module named in its import statement.",
        (Parameter("name", "The imported name, such as JSONDecoder."), _FILE),
        resolve_import,
    ),
)
