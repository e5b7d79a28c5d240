"""Python text: constants at the top level of a module, attributes of its classes, items of a dictionary or tuple.

A constant is a name that one plain assignment gives a literal (``2**19`` and other arithmetic of literals included).
What is assigned twice is no constant, and its value is not guessed.
"""

from __future__ import annotations

import ast
import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from search_space.errors import InvalidEdit, InvalidFile
from search_space.keyed.read_back import first_that_reads
from search_space.toml_text import changed, join_key, lookup, split_key
from search_space.validation import nearest

BITS = 4096
"""No constant's value is computed that needs more bits than this."""
OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
}
NEWLINE = re.compile(rb"\r\n|\r|\n")
TRIPLE = re.compile(r"(\"\"\"|''')(\\\r?\n)?")
POWER = re.compile(r"(2\s*\*\*\s*)\d+\Z")
NESTED = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.With, ast.AsyncWith, ast.Match)


class Python:
    """The format of ``*.py``: keys cannot be added or removed."""

    def values(self, text: str, file: str) -> Mapping[str, Any]:
        return _read(text, file).values

    def set_value(self, text: str, key: str, value: Any, file: str) -> str:
        found, parts = constants(text, file), split_key(key)
        span = found.span(parts, file)
        if value is None:
            raise InvalidEdit(f"{file}: {key}: got a removal, expected a value: a constant of Python code stays")
        expected = changed(found.values, parts, value, file)
        source = text.encode()
        ways = (
            (source[: span[0]] + written.encode(errors="surrogatepass") + source[span[1] :]).decode(
                errors="surrogatepass"
            )
            for written in _literals(value, source[slice(*span)].decode())
        )
        return first_that_reads(ways, expected, lambda after: _read(after, file).values, file=file, key=key)


@dataclass(frozen=True, slots=True)
class Constants:
    """``values`` nested by name; ``spans`` says at which bytes of the UTF-8 text each value stands; ``wrong`` why a
    name that is assigned has no value."""

    values: Mapping[str, Any]
    spans: Mapping[tuple[str, ...], tuple[int, int]]
    wrong: Mapping[tuple[str, ...], str]

    def span(self, parts: tuple[str, ...], file: str) -> tuple[int, int]:
        """Where the value of the constant ``parts`` stands. Raises :class:`InvalidFile` when there is none."""
        if parts in self.spans:
            return self.spans[parts]
        key, known = join_key(parts), [join_key(each) for each in self.spans]
        why = next((self.wrong[parts[:n]] for n in range(len(parts), 0, -1) if parts[:n] in self.wrong), None)
        expected = "one assignment of a literal to this name, at the top level or in a class"
        raise InvalidFile(file, key, why or "no such constant", expected, None if why else nearest(key, known))


def constants(text: str, file: str) -> Constants:
    """The constants of Python ``text``. Raises :class:`InvalidFile` for text that is no Python."""
    return _read(text, file)


@lru_cache(maxsize=256)
def _read(text: str, file: str) -> Constants:
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        where = f"invalid Python ({error.msg}, line {error.lineno})"
        raise InvalidFile(file, "", where, "a Python module") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InvalidFile(file, "", f"text that Python cannot parse ({error})", "a Python module") from None
    reader = _Reader(text)
    reader.body(module.body, ())
    return Constants(reader.values, reader.spans, reader.wrong)


class _Reader:
    def __init__(self, text: str) -> None:
        source = text.encode(errors="surrogatepass")
        self._lines = [0, *(match.end() for match in NEWLINE.finditer(source))]
        self.values: dict[str, Any] = {}
        self.spans: dict[tuple[str, ...], tuple[int, int]] = {}
        self.wrong: dict[tuple[str, ...], str] = {}

    def body(self, statements: list[ast.stmt], above: tuple[str, ...]) -> None:
        """Take in the constants of a module's or class's body."""
        table = lookup(self.values, above)
        places: dict[str, list[int]] = {}
        for name, line in _assigned(statements):
            places.setdefault(name, []).append(line)
        for statement in statements:
            if isinstance(statement, ast.ClassDef) and len(places[statement.name]) == 1:
                table[statement.name] = {}
                self.body(statement.body, (*above, statement.name))
            target, value = _plain(statement)
            if target is None or value is None:
                continue
            parts, lines = (*above, target), places[target]
            if len(lines) > 1:
                self.wrong[parts] = f"it assigned {len(lines)} times (lines {', '.join(map(str, lines))})"
                continue
            try:
                table[target] = self._value(value, parts)
            except _NoLiteral:
                self._refuse(parts, value)

    def _value(self, node: ast.expr, parts: tuple[str, ...]) -> Any:
        self.spans[parts] = (self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset))
        if isinstance(node, ast.Tuple):
            return self._inside({str(at): each for at, each in enumerate(node.elts)}, parts)
        if isinstance(node, ast.Dict):
            names = [each.value if isinstance(each, ast.Constant) else None for each in node.keys]
            if len(set(names)) < len(names):
                raise _NoLiteral
            pairs = zip(names, node.values, strict=True)
            return self._inside({name: each for name, each in pairs if isinstance(name, str)}, parts)
        return _literal(node)

    def _inside(self, nodes: Mapping[str, ast.expr], parts: tuple[str, ...]) -> dict[str, Any]:
        """The values of a dictionary or tuple, as far as they are literals."""
        found: dict[str, Any] = {}
        for name, node in nodes.items():
            try:
                found[name] = self._value(node, (*parts, name))
            except _NoLiteral:
                self._refuse((*parts, name), node)
        return found

    def _refuse(self, parts: tuple[str, ...], node: ast.expr) -> None:
        self.spans.pop(parts, None)
        self.wrong[parts] = f"no literal in line {node.lineno}"

    def _at(self, line: int | None, column: int | None) -> int:
        return self._lines[(line or 1) - 1] + (column or 0)


class _NoLiteral(Exception):
    pass


def _literal(node: ast.expr) -> Any:
    """The value of a literal or of arithmetic of literals. Raises _NoLiteral."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
        return node.value
    if isinstance(node, ast.List):
        return [_literal(each) for each in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _number(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = _number(node.left), _number(node.right)
        big = isinstance(node.op, ast.Pow | ast.LShift) and abs(right) * max(1, math.log2(abs(left) + 1)) > BITS
        if big or (isinstance(left, int) and left.bit_length() > BITS):
            raise _NoLiteral
        try:
            value = OPERATORS[type(node.op)](left, right)
        except (ArithmeticError, TypeError, ValueError):
            raise _NoLiteral from None
        if isinstance(value, int | float):
            return value
    raise _NoLiteral


def _number(node: ast.expr) -> int | float:
    value = _literal(node)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _NoLiteral
    return value


def _plain(statement: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """The name and value of ``NAME = value`` or ``NAME: type = value``."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return (target.id, statement.value) if isinstance(target, ast.Name) else (None, None)
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value
    return None, None


def _assigned(statements: Iterable[ast.AST]) -> Iterator[tuple[str, int]]:
    """Every name that is bound, with its line: functions and classes by their own name only, not by what is within."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name, statement.lineno
        elif isinstance(statement, ast.AnnAssign) and statement.value is None:
            continue
        elif isinstance(statement, (*NESTED, ast.ExceptHandler, ast.match_case)):
            yield from _assigned(ast.iter_child_nodes(statement))
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                    yield node.id, node.lineno


def _literals(value: Any, old: str) -> Iterator[str]:
    """Ways to write a value, in the manner of the literal ``old`` first."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidEdit(f"got {value}, expected a finite number")
    power = POWER.match(old)
    if power and isinstance(value, int) and value > 0 and value & (value - 1) == 0:
        yield power[1] + str(value.bit_length() - 1)
    if isinstance(value, str):
        quotes = TRIPLE.match(old)
        if quotes and "\\" not in value:
            yield quotes[0] + value + quotes[1]
        if '"' in old:
            yield json.dumps(value, ensure_ascii=False)
    yield repr(value)
