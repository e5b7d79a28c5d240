"""Looks facts up in what is visible: pure reading, no slips. Everything returns None when it is not in view."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from optimizer.models.embedded.knowledge import Knowledge, Row

_CLASS = re.compile(r"^class ([\w.]+)(?:\[[^\]]*\])?\s*(?:\((.*)\))?\s*:?(?:\s*#.*)?$")
_DEF = re.compile(r"^(?:async )?def ([\w.]+)\s*\((.*)$")
_NAME = re.compile(r"[\w.]+")
_ASSIGNS = re.compile(r"\s*(?::[^=]*)?=")
_FROM = re.compile(r"^from\s+([.\w]+)\s+import\s+(.*)$")
_IMPORT = re.compile(r"^import\s+(.*)$")


def module_of(path: str) -> str:
    """``json/decoder.py`` is ``json.decoder``, ``json/__init__.py`` is ``json``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def path_of(known: Knowledge, module: str) -> str:
    """The path that ``module`` most likely has: a file, or a package's ``__init__.py`` when the file is not there."""
    stem = module.replace(".", "/")
    file, package = f"{stem}.py", f"{stem}/__init__.py"
    if file in known.absent or package in known.lines or any(path.startswith(stem + "/") for path in known.lines):
        return package
    return file


def class_row(known: Knowledge, cls: str, path: str) -> tuple[int, tuple[str, ...] | None] | None:
    """Line and bases (None when not to be seen) of the class ``cls`` in ``path``."""
    bases = known.get("bases", cls, path)
    found: tuple[int, tuple[str, ...] | None] | None = None
    for number, text in sorted(known.rows(path).items()):
        if cls not in text or _head(text, "class ") != cls:
            continue
        match = _CLASS.match(text.strip())
        if match:
            return number, split_arguments(match[2] or "") if bases is None else bases
        found = found or (number, bases)
    if found is None:
        for _, keyword, name, start, _ in known.get("outline", "", path) or ():
            if keyword == "class" and name == cls:
                found = (start, bases)
    return found if found else ((0, bases) if bases is not None else None)


def sites(known: Knowledge, name: str) -> tuple[Row, ...] | None:
    """Every definition of ``name`` at the top level of a module, when all of them are in view."""
    rows = known.get("sites", name, "")
    if rows is None:
        for (kind, pattern, path), found in known.by_kind.items():
            if kind == "grepped" and path == "" and re.search(rf"\b{re.escape(name)}\b", pattern):
                rows = tuple(row for row in found if _defines(row[2], name))
    if rows is None:
        return None
    return tuple(row for row in rows if _defines(row[2], name))


def imports(known: Knowledge, path: str) -> Mapping[str, tuple[str, str]] | None:
    """Names that ``path`` imports: bound name -> (module, original name, empty for a module). None when not in view."""
    texts = known.get("imports", "", path)
    if texts is None:
        texts = [text for _, text in sorted(known.rows(path).items()) if text.lstrip().startswith(("from ", "import "))]
        if not texts:
            return None
    bound: dict[str, tuple[str, str]] = {}
    for text in texts:
        bound.update(_bound(text.strip(), path))
    return bound


def methods(known: Knowledge, cls: str, path: str) -> tuple[tuple[str, int], ...] | None:
    """The methods of a class with their lines, in order."""
    direct = known.get("methods", cls, path)
    if direct is not None:
        return tuple(direct)
    entries = known.get("outline", "", path) or known.get("outline", "cut", path)
    if entries:
        return _outlined_methods(entries, cls)
    for (kind, pattern, where), rows in known.by_kind.items():
        if kind == "grepped" and where == path and "def" in pattern and "class" in pattern:
            return _listed_methods(rows, cls)
    return None


def functions(known: Knowledge, path: str) -> list[tuple[str, int]] | None:
    """The functions and methods of a file with their lengths in lines; from plain search the lengths are estimates."""
    entries = known.get("outline", "", path)
    if entries is not None:
        return [(name, end - start + 1) for _, keyword, name, start, end in entries if keyword != "class"]
    for (kind, pattern, where), rows in known.by_kind.items():
        if kind == "grepped" and where == path and "def" in pattern and "class" in pattern:
            starts = [row[1] for row in rows] + [rows[-1][1] + 20]
            names = [_DEF.match(row[2]) for row in rows]
            return [(m[1], starts[i + 1] - starts[i] - 1) for i, m in enumerate(names) if m]
    return None


def default_of(known: Knowledge, function: str, path: str, parameter: str) -> float | str | None:
    """The default of a parameter: a number, or the name of a constant; None when not in view."""
    texts = [known.get("signature", function, path)]
    texts += [text for _, text in sorted(known.rows(path).items())]
    for text in texts:
        match = _DEF.match(text.strip()) if text else None
        if match and match[1] in (function, function.rpartition(".")[2]):
            found = re.search(rf"\b{re.escape(parameter)}\s*(?::[^=,]*)?=\s*([^,)]+)", match[2])
            if found:
                return _number(found[1].strip())
    return None


def assigned(known: Knowledge, name: str, path: str) -> float | str | None:
    """What a module assigns to ``name``, when such a line is in view."""
    for _, text in sorted(known.rows(path).items()):
        match = re.match(rf"{re.escape(name)}\s*(?::[^=]*)?=\s*(.+)$", text)
        if match and match[1].strip() != "...":
            return _number(match[1].partition("#")[0].strip())
    return None


def calls(known: Knowledge, function: str, path: str) -> list[tuple[int, str]]:
    """Counts that could be the call sites of ``function`` in ``path``, each with the kind of tool that gave it."""
    found = list(known.totals.get((function, path), ()))
    for (kind, pattern, where), rows in known.by_kind.items():
        if kind == "grepped" and where == path and pattern in (rf"\b{re.escape(function)}\(", function):
            uses = [row for row in rows if not re.search(rf"\b(?:def|class) {re.escape(function)}\b", row[2])]
            found.append((len(uses), "grep"))
    return found


def split_arguments(text: str) -> tuple[str, ...]:
    """The parts of an argument list at its top level, keyword arguments left out."""
    parts, depth, part = [], 0, ""
    for char in text + ",":
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth <= 0:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    return tuple(part for part in parts if part and "=" not in part)


def _defines(text: str, name: str) -> bool:
    """Whether a head without indentation defines ``name`` at the top level of a module."""
    if text.startswith(name):
        return bool(_ASSIGNS.match(text, len(name)))
    return _head(text, "class ", "def ", "async def ") == name


def _head(text: str, *keywords: str) -> str:
    """The dotted name behind one of ``keywords`` at the beginning of a line, empty when there is none."""
    text = text.strip()
    for keyword in keywords:
        if text.startswith(keyword) and (match := _NAME.match(text, len(keyword))):
            return match[0]
    return ""


def _bound(text: str, path: str) -> dict[str, tuple[str, str]]:
    if match := _FROM.match(text):
        module = _absolute(match[1], path)
        names = re.sub(r"#.*|[()\\]", "", match[2]).split(",")
        pairs = [name.split() for name in names if name.strip()]
        return {words[-1]: (module, words[0]) for words in pairs}
    if match := _IMPORT.match(text):
        found = {}
        for part in match[1].partition("#")[0].split(","):
            words = part.split()
            if words:
                found[words[-1] if len(words) > 2 else words[0].partition(".")[0]] = (words[0], "")
        return found
    return {}


def _absolute(module: str, path: str) -> str:
    """A relative import's module as seen from ``path``."""
    dots = len(module) - len(module.lstrip("."))
    if not dots:
        return module
    package = path.split("/")[:-1]
    package = package[: len(package) - (dots - 1)]
    return ".".join([*package, *filter(None, [module[dots:]])])


def _outlined_methods(
    entries: tuple[tuple[int, str, str, int, int], ...], cls: str
) -> tuple[tuple[str, int], ...] | None:
    found: list[tuple[str, int]] = []
    inside: int | None = None
    for depth, keyword, name, start, _ in entries:
        if inside is not None and depth <= inside:
            break
        if inside is not None and depth == inside + 1 and keyword != "class":
            found.append((name, start))
        if inside is None and keyword == "class" and name == cls:
            inside = depth
    return tuple(found) if inside is not None else None


def _listed_methods(rows: tuple[Row, ...], cls: str) -> tuple[tuple[str, int], ...] | None:
    """Methods of a top-level class from the lines of a search for ``class`` and ``def`` in file order.

    Searches show lines without their indentation: a function behind the last class is taken for one of its methods.
    """
    found: list[tuple[str, int]] = []
    inside = False
    for _, number, text in rows:
        if match := _CLASS.match(text):
            if inside:
                break
            inside = match[1] == cls
        elif inside and (method := _DEF.match(text)):
            found.append((method[1], number))
    return tuple(found) if inside or found else None


def _number(text: str) -> float | str:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text


def class_name(text: str) -> str:
    """The class that a source line defines, empty when none."""
    match = re.match(r"\s*class (\w+)", text)
    return match[1] if match else ""


def function_line(known: Knowledge, name: str, path: str) -> int | None:
    """The line on which a function of a file is defined, when it is in view."""
    for number, text in sorted(known.rows(path).items()):
        if name in text and _head(text, "def ", "async def ") == name:
            return number
    for _, keyword, found, start, _ in known.get("outline", "", path) or known.get("outline", "cut", path) or ():
        if keyword != "class" and found == name:
            return int(start)
    return None
