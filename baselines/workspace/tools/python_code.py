"""Tools that read Python source by its syntax: what a module defines, imports and calls."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import Final

from baselines.workspace.folder import Workspace, decoded
from baselines.workspace.tools.inputs import FILE, WHERE, lines_of, numbered, shown
from search_space.tool_definitions import Definition, Inputs, Parameter, capped, effects
from search_space.tools import ToolError

READS: Final = effects(reads="files:{path}")
Defined = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def outline(workspace: Workspace, inputs: Inputs) -> str:
    rows = [
        f"{'  ' * name.count('.')}{_head(node)} (lines {_first(node)}-{node.end_lineno})"
        for name, node in _definitions(_parsed(workspace, inputs["path"]))
    ]
    return capped(rows) or f"{inputs['path']} defines no class and no function"


def list_symbols(workspace: Workspace, inputs: Inputs) -> str:
    names = sorted({name for name, _ in _definitions(_parsed(workspace, inputs["path"]))})
    return capped(names) or f"{inputs['path']} defines no class and no function"


def list_imports(workspace: Workspace, inputs: Inputs) -> str:
    rows = []
    for node in ast.walk(_parsed(workspace, inputs["path"])):
        if isinstance(node, ast.Import | ast.ImportFrom):
            rows.append((node.lineno, ast.unparse(node)))
    return capped([f"{line}: {text}" for line, text in sorted(rows)]) or f"{inputs['path']} imports nothing"


def find_definition(workspace: Workspace, inputs: Inputs) -> str:
    wanted = inputs["name"]
    rows = [
        f"{path}:{node.lineno}: {_head(node)}"
        for path, tree in _modules(workspace, inputs["path"])
        for name, node in _definitions(tree)
        if name == wanted or name.endswith("." + wanted)
    ]
    return capped(rows) or f"no class or function named {wanted}"


def show_definition(workspace: Workspace, inputs: Inputs) -> str:
    node = _found(workspace, inputs)
    lines = lines_of(decoded(workspace.read(inputs["path"]), inputs["path"]))
    return numbered(lines[_first(node) - 1 : node.end_lineno], _first(node))


def show_docstring(workspace: Workspace, inputs: Inputs) -> str:
    node = _found(workspace, inputs) if inputs["name"] else _parsed(workspace, inputs["path"])
    return ast.get_docstring(node) or f"{inputs['name'] or inputs['path']} has no docstring"


def find_calls(workspace: Workspace, inputs: Inputs) -> str:
    wanted = inputs["name"].removesuffix("()").rpartition(".")[2]
    rows = []
    for path, tree in _modules(workspace, inputs["path"]):
        inside = [(node.lineno, node.end_lineno or 0, name) for name, node in _definitions(tree)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) == wanted:
                within = [name for first, last, name in inside if first <= node.lineno <= last]
                rows.append((path, node.lineno, within[-1] if within else "the module itself"))
    return capped([f"{path}:{line}: in {name}" for path, line, name in sorted(rows)]) or f"nothing calls {wanted}"


def find_mentions(workspace: Workspace, inputs: Inputs) -> str:
    wanted = inputs["name"]
    rows = []
    for path in _sources(workspace, inputs["path"]):
        try:
            tokens = list(tokenize.tokenize(io.BytesIO(workspace.read(path)).readline))
        except (tokenize.TokenError, SyntaxError, UnicodeDecodeError, ToolError):
            continue
        lines = {
            token.start[0]: token.line for token in tokens if token.type == tokenize.NAME and token.string == wanted
        }
        rows += [f"{path}:{number}: {shown(line)}" for number, line in lines.items()]
    return capped(rows) or f"the name {wanted} stands nowhere"


def check_syntax(workspace: Workspace, inputs: Inputs) -> str:
    paths = _sources(workspace, inputs["path"])
    if not paths:
        raise ToolError("no Python file there (*.py)")
    rows = []
    for path in paths:
        try:
            ast.parse(workspace.read(path), path)
        except (SyntaxError, ValueError) as error:
            rows.append(f"{path}: {_complaint(error)}")
    return capped(rows) or f"{len(paths)} files, no syntax error"


def find_unused_imports(workspace: Workspace, inputs: Inputs) -> str:
    rows = []
    for path, tree in _modules(workspace, inputs["path"]):
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        used |= {str(each.value) for each in ast.walk(tree) if isinstance(each, ast.Constant)}  # __all__, annotations
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
                names = [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
                rows += [f"{path}:{node.lineno}: {name}" for name in names if name not in used and name != "*"]
    return capped(rows) or "every import is used"


def _parsed(workspace: Workspace, path: str) -> ast.Module:
    try:
        return ast.parse(workspace.read(path), path)
    except (SyntaxError, ValueError) as error:
        raise ToolError(f"{path} is no valid Python: {_complaint(error)}") from None


def _complaint(error: SyntaxError | ValueError) -> str:
    return f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)


def _sources(workspace: Workspace, given: str | None) -> list[str]:
    return [path for path in workspace.walk(given or ".") if path.endswith((".py", ".pyi"))]


def _modules(workspace: Workspace, given: str | None) -> Iterator[tuple[str, ast.Module]]:
    """Every Python file there that can be parsed; one that cannot is an error only when it alone was asked for."""
    paths = _sources(workspace, given)
    for path in paths:
        try:
            yield path, _parsed(workspace, path)
        except ToolError:
            if given and paths == [workspace.clean(given)]:
                raise


def _definitions(tree: ast.AST, above: str = "") -> Iterator[tuple[str, Defined]]:
    """Classes and functions with their qualified names, in the order of the source."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Defined):
            yield above + node.name, node
            yield from _definitions(node, f"{above}{node.name}.")
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _definitions(node, above)


def _found(workspace: Workspace, inputs: Inputs) -> Defined:
    wanted = inputs["name"]
    known = list(_definitions(_parsed(workspace, inputs["path"])))
    for name, node in known:
        if name == wanted or name.endswith("." + wanted):
            return node
    names = ", ".join(name for name, _ in known[:30]) or "none"
    raise ToolError(f"{inputs['path']} defines no {wanted}; it defines: {names}")


def _head(node: Defined) -> str:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in (*node.bases, *(each.value for each in node.keywords)))
        return f"class {node.name}({bases})" if bases else f"class {node.name}"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"{word} {node.name}({ast.unparse(node.args)}){returns}"


def _first(node: Defined) -> int:
    """The first line, decorators included."""
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


_NAME: Final = Parameter("name", "A class, function or method, such as Parser or Parser.parse.")
_CALLED: Final = Parameter("name", "The function's or method's name, such as parse.")

DEFINITIONS: Final = (
    Definition(
        "outline",
        "Show the classes, methods and functions of a Python file with their heads and line ranges.",
        (FILE,),
        outline,
        READS,
    ),
    Definition("list_imports", "List the imports of a Python file with their lines.", (FILE,), list_imports, READS),
    Definition(
        "find_definition",
        "Find where a Python class, function or method is defined; gives path, line and head.",
        (_NAME, WHERE),
        find_definition,
        READS,
    ),
    Definition(
        "show_definition",
        "Show the source of one class, function or method of a Python file, with line numbers.",
        (FILE, _NAME),
        show_definition,
        READS,
    ),
    Definition(
        "show_docstring",
        "Show the docstring of a Python file, or of a class, function or method in it.",
        (FILE, Parameter("name", "The class, function or method; leave out for the file's.", required=False)),
        show_docstring,
        READS,
    ),
    Definition(
        "find_calls",
        "Find the calls of a function or method in Python files; gives path, line and the function that calls it.",
        (_CALLED, WHERE),
        find_calls,
        READS,
    ),
    Definition(
        "check_syntax",
        "Check the syntax of a Python file, or of all in a folder, without running them.",
        (WHERE,),
        check_syntax,
        READS,
    ),
    Definition(
        "find_unused_imports",
        "Find imports of Python files whose names are not used in the file.",
        (WHERE,),
        find_unused_imports,
        READS,
    ),
    Definition(
        "find_mentions",
        "Find the lines of Python files in which a name stands, whether it is called or not; comments and texts do not "
        "count.",
        (Parameter("name", "A name, such as parse."), WHERE),
        find_mentions,
        READS,
    ),
    Definition(
        "list_symbols",
        "List the names of the classes, methods and functions of a Python file, sorted, without their lines.",
        (FILE,),
        list_symbols,
        READS,
    ),
)
