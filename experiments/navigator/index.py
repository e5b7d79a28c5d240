"""The index: every file's facts, and the look-ups across files that the tools and the question generator share."""

from __future__ import annotations

import ast
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from experiments.navigator.facts import Import, ModuleFacts, Outlined, extract
from experiments.navigator.tree import SourceTree, standard_library


class Index:
    """Definitions, imports and calls of a source tree, by path and by name."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree: Final = tree
        with _undisturbed():
            self._modules: Final = {path: extract(path, tree.text(path)) for path in tree.files}
        self._paths: Final = {facts.name: path for path, facts in self._modules.items()}
        self._definitions: Final[dict[str, list[tuple[str, Outlined]]]] = {}
        for path, facts in self._modules.items():
            for item in facts.outline:
                self._definitions.setdefault(item.name, []).append((path, item))

    def module_at(self, path: str) -> ModuleFacts:
        """The facts of the file at ``path``."""
        return self._modules[path]

    def module(self, name: str) -> ModuleFacts | None:
        """The facts of the module called ``name``, None when it is not in the tree."""
        path = self._paths.get(name)
        return None if path is None else self._modules[path]

    def definitions(self, name: str) -> list[tuple[str, Outlined]]:
        """Classes, functions and methods of that exact name (``f`` or ``Class.f``) in the whole tree, by path and "
        "line."""
        found = self._definitions.get(name.rpartition(".")[2], [])
        return [(path, item) for path, item in found if "." not in name or item.qualname == name]

    def definitions_in(self, path: str, name: str) -> list[Outlined]:
        """Those of one file: by full name where one fits, else by bare name."""
        outline = self._modules[path].outline
        return [item for item in outline if item.qualname == name] or [item for item in outline if item.name == name]

    def assignments(self, name: str) -> Iterator[tuple[str, int]]:
        """Files and lines where a module assigns ``name``."""
        for path, facts in self._modules.items():
            if name in facts.assignments:
                yield path, facts.assignments[name]

    def methods(self, path: str, cls: Outlined) -> list[Outlined]:
        """The functions written in the body of a class, in order."""
        return [
            item
            for item in self._modules[path].outline
            if item.keyword == "def"
            and item.qualname == f"{cls.qualname}.{item.name}"
            and cls.line < item.line <= cls.end
        ]

    def calls(self, path: str, name: str) -> tuple[int, ...]:
        """The lines of the call sites of ``name`` in a file; a line with two calls stands twice."""
        return self._modules[path].calls.get(name, ())

    def import_source(self, path: str, name: str) -> tuple[str, str | None] | None:
        """(module, name there) of an imported name, the name there None when it is a module itself; None when the
        file does not import it by name. One step only: a re-export is not followed."""
        statements = sorted(self._modules[path].imports, key=lambda statement: statement.nested)
        for statement in statements:
            for original, bound in statement.names:
                if name == (bound or (original if statement.module else original.partition(".")[0])):
                    return self._source(statement, original, bound)
        return None

    def _source(self, statement: Import, original: str, bound: str) -> tuple[str, str | None]:
        if not statement.module:
            return (original if bound else original.partition(".")[0]), None
        package, submodule = self.module(statement.module), f"{statement.module}.{original}"
        if submodule in self._paths and (package is None or original not in package.bindings):
            return submodule, None
        return statement.module, original

    def signature(self, path: str, item: Outlined, *, named: str) -> str:
        """``def f(a, b=1)`` of a function, under the name ``named``."""
        node = self._parsed(path, item, item.body_line - 1) or self._parsed(path, item, item.end)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return f"def {named}(...)"
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        return f"{keyword} {named}({ast.unparse(node.args)}){returns}"

    def docstring(self, path: str, item: Outlined) -> str:
        """The docstring, empty when there is none."""
        node = self._parsed(path, item, item.end)
        return (
            (ast.get_docstring(node) or "")
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            else ""
        )

    def _parsed(self, path: str, item: Outlined, end: int) -> ast.stmt | None:
        """A definition parsed anew from its lines: cheaper than keeping every syntax tree. ``end`` before the body
        gives the head alone."""
        indent = " " * (len(line := self.tree.line(path, item.line)) - len(line.lstrip()))
        text = self.tree.lines(path, item.line, end if end >= item.line else item.end)
        if item.line <= end < item.end and end == item.body_line - 1:
            text = f"{text.rstrip()}\n{indent} pass\n"
        with _undisturbed():
            try:
                body = ast.parse(f"if 1:\n{text}" if indent else text).body
            except SyntaxError:
                return None
        return body[0].body[0] if indent and isinstance(body[0], ast.If) else body[0]


_INDEXES: dict[Path, Index] = {}
_PARSING: Final = threading.Lock()
"""Warning filters and the collector belong to the whole process, and tools may run in several threads."""


def load_index(root: str | None = None) -> Index:
    """The index of the tree at ``root`` (the standard library when None), built once in a process and then kept.

    Raises :class:`FileNotFoundError` when ``root`` is no folder.
    """
    path = (standard_library() if root is None else Path(root)).resolve()
    if path not in _INDEXES:
        _INDEXES[path] = Index(SourceTree(path))
    return _INDEXES[path]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Parse without warnings about other people's code and without the garbage collector, which would find nothing
    and take a third of the time."""
    with _PARSING:
        collecting = gc.isenabled()
        gc.disable()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            if collecting:
                gc.enable()
