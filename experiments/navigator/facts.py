"""What is kept of a parsed source file: its definitions, imports, bindings and call sites. No syntax tree survives."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Scope = ast.Module | ast.ClassDef
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Outlined:
    """A class, method or function as an outline shows it. ``line`` is that of ``class`` or ``def``, ``body_line``
    that of its first statement. ``plain`` says that no ``if``, ``try`` or the like stands between it and the module."""

    keyword: Literal["class", "def"]
    name: str
    qualname: str
    line: int
    end: int
    body_line: int
    depth: int
    plain: bool
    bases: tuple[str, ...] = ()
    bases_text: str = ""
    defaults: tuple[tuple[str, float | str], ...] = ()
    """Parameters whose default is a number, or a bare name (as text)."""

    @property
    def length(self) -> int:
        """Lines from ``def`` or ``class`` to the end, both included."""
        return self.end - self.line + 1


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement. ``names`` are (name, bound as); ``module`` is absolute and empty for ``import a, b``."""

    line: int
    module: str
    names: tuple[tuple[str, str], ...]
    text: str
    nested: bool


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """One source file. ``bindings`` counts how often each name is bound at module level, by anything; ``numbers`` are
    the module-level names bound to a number literal, ``calls`` the lines of the call sites of each name."""

    path: str
    name: str
    outline: tuple[Outlined, ...] = ()
    imports: tuple[Import, ...] = ()
    bindings: Mapping[str, int] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    assignments: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    calls: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def symbols(self) -> list[str]:
        """The names in the outline, sorted."""
        return sorted({item.qualname for item in self.outline})


def module_name(path: str) -> str:
    """The dotted module name of a path: ``json/decoder.py`` is ``json.decoder``, ``json/__init__.py`` is ``json``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def extract(path: str, source: str) -> ModuleFacts:
    """The facts of a file; only its path and name when it is no valid Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ModuleFacts(path, module_name(path))
    outline: list[Outlined] = []
    bindings: dict[str, int] = {}
    members: dict[str, frozenset[str]] = {}
    _outline_scope(tree, "", 0, True, outline, members)
    for name in _bound_names(tree.body):
        bindings[name] = bindings.get(name, 0) + 1
    calls, imports = _calls_and_imports(tree, path)
    for name in _globals(tree) if "global " in source else ():
        bindings[name] = bindings.get(name, 0) + 1
    return ModuleFacts(
        path,
        module_name(path),
        tuple(outline),
        imports,
        bindings,
        members,
        _assignments(tree),
        _numbers(tree),
        calls,
    )


def _outline_scope(
    scope: Scope, prefix: str, depth: int, plain: bool, found: list[Outlined], members: dict[str, frozenset[str]]
) -> None:
    for node, direct in _definitions(scope.body, True):
        qualname = f"{prefix}{node.name}"
        is_plain = plain and direct
        if isinstance(node, ast.ClassDef):
            found.append(_class(node, qualname, depth, is_plain))
            members[qualname] = members.get(qualname, frozenset()) | frozenset(_bound_names(node.body))
            _outline_scope(node, f"{qualname}.", depth + 1, is_plain, found, members)
        else:
            found.append(_function(node, qualname, depth, is_plain))


def _definitions(
    body: Iterable[ast.stmt], direct: bool
) -> Iterator[tuple[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
    """Definitions in a body, also those under ``if``, ``try``, ``with`` and loops (then not ``direct``)."""
    for statement in body:
        if isinstance(statement, (ast.ClassDef, *_FUNCTIONS)):
            yield statement, direct
        else:
            for block in _blocks(statement):
                yield from _definitions(block, False)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statement lists inside a compound statement that is no definition."""
    for attribute in ("body", "orelse", "finalbody"):
        if block := getattr(statement, attribute, None):
            yield block
    for attribute in ("handlers", "cases"):
        for part in getattr(statement, attribute, ()):
            yield part.body


def _class(node: ast.ClassDef, qualname: str, depth: int, plain: bool) -> Outlined:
    bases = tuple(ast.unparse(base) for base in node.bases)
    written = [
        *bases,
        *(f"{k.arg}={ast.unparse(k.value)}" if k.arg else f"**{ast.unparse(k.value)}" for k in node.keywords),
    ]
    return Outlined(
        "class",
        node.name,
        qualname,
        node.lineno,
        node.end_lineno or node.lineno,
        node.body[0].lineno,
        depth,
        plain,
        bases,
        f"({', '.join(written)})" if written else "",
    )


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, qualname: str, depth: int, plain: bool) -> Outlined:
    first = node.body[0]
    start = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", ()))])
    return Outlined(
        "def",
        node.name,
        qualname,
        node.lineno,
        node.end_lineno or node.lineno,
        start,
        depth,
        plain,
        defaults=tuple(_defaults(node.args)),
    )


def _defaults(arguments: ast.arguments) -> Iterator[tuple[str, float | str]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = [
        *zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        if isinstance(default, ast.Name):
            yield argument.arg, default.id
        elif (number := _number(default)) is not None:
            yield argument.arg, number


def _number(node: ast.expr | None) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    return None


def _bound_names(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Every binding of a name in a scope, repeated as often as it is bound."""
    for statement in body:
        if isinstance(statement, (ast.ClassDef, *_FUNCTIONS)):
            yield statement.name
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
        else:
            for target in _targets(statement):
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
            for block in _blocks(statement):
                yield from _bound_names(block)


def _targets(statement: ast.stmt) -> Iterator[ast.expr]:
    if isinstance(statement, (ast.Assign, ast.Delete)):
        yield from statement.targets
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign, ast.For, ast.AsyncFor)):
        yield statement.target
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        yield from (item.optional_vars for item in statement.items if item.optional_vars)


def _globals(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield from node.names


def _assignments(tree: ast.Module) -> dict[str, int]:
    """First line of each name assigned in the module's own body."""
    found: dict[str, int] = {}
    for statement in tree.body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            for target in _targets(statement):
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, statement.lineno)
    return found


def _numbers(tree: ast.Module) -> dict[str, float]:
    return {
        target.id: number
        for statement in tree.body
        if isinstance(statement, ast.Assign) and (number := _number(statement.value)) is not None
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def _calls_and_imports(tree: ast.Module, path: str) -> tuple[dict[str, tuple[int, ...]], tuple[Import, ...]]:
    """One walk over everything, written for speed: this is where most of the time of an index goes."""
    calls: dict[str, list[int]] = {}
    imports: list[Import] = []
    top = {id(statement) for statement in tree.body}
    stack: list[ast.AST] = [tree]
    syntax = ast.AST
    while stack:
        node = stack.pop()
        kind = node.__class__
        if kind is ast.Call:
            function = node.func  # type: ignore[attr-defined]
            if function.__class__ is ast.Name:
                calls.setdefault(function.id, []).append(node.lineno)  # type: ignore[attr-defined]
            elif function.__class__ is ast.Attribute:
                calls.setdefault(function.attr, []).append(function.end_lineno)  # type: ignore[arg-type]
        elif kind is ast.Import or kind is ast.ImportFrom:
            imports.append(_import(node, path, id(node) not in top))  # type: ignore[arg-type]
            continue
        for value in node.__dict__.values():
            if value.__class__ is list:
                stack.extend([item for item in value if isinstance(item, syntax)])
            elif isinstance(value, syntax) and value._fields:
                stack.append(value)
    return {name: tuple(sorted(lines)) for name, lines in calls.items()}, tuple(sorted(imports, key=lambda i: i.line))


def _import(node: ast.Import | ast.ImportFrom, path: str, nested: bool) -> Import:
    names = tuple((alias.name, alias.asname or "") for alias in node.names)
    listed = ", ".join(f"{name} as {bound}" if bound else name for name, bound in names)
    if isinstance(node, ast.Import):
        return Import(node.lineno, "", names, f"import {listed}", nested)
    written = "." * node.level + (node.module or "")
    return Import(node.lineno, _absolute(node, path), names, f"from {written} import {listed}", nested)


def _absolute(node: ast.ImportFrom, path: str) -> str:
    """The module of a ``from`` import without leading dots; empty when it climbs out of the tree."""
    if not node.level:
        return node.module or ""
    folders = path.split("/")[:-1]
    climbed = node.level - 1
    if climbed > len(folders):
        return ""
    return ".".join([*folders[: len(folders) - climbed], *([node.module] if node.module else [])])
