"""Every truth of the standard library again, by another road: text and indents instead of syntax trees."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from experiments.navigator.tree import SKIPPED_FOLDERS, standard_library

ROOT = standard_library()
TEXTS = re.compile(
    r"#[^\n]*|(?P<prefix>\b[rRbBuUfF]{1,2})?(?P<text>"
    + r"|".join(
        [r"\"\"\"(?:\\.|[^\\])*?\"\"\"", r"'''(?:\\.|[^\\])*?'''", r"\"(?:\\.|[^\"\\\n])*\"", r"'(?:\\.|[^'\\\n])*'"]
    )
    + r")",
    re.DOTALL,
)
"""A comment or a string."""


def file_of(module: str) -> Path | None:
    path = ROOT / module.replace(".", "/")
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


@cache
def source(module: str) -> str:
    file = file_of(module)
    assert file
    return file.read_text()


@cache
def code(module: str) -> tuple[str, str]:
    """The source without comments and with strings emptied, its lines counted as before; and what is in f-strings."""
    formatted: list[str] = []

    def emptied(match: re.Match[str]) -> str:
        if "f" in (match["prefix"] or "").lower():
            formatted.append(match["text"])
        return '""' + "\\\n" * match["text"].count("\n") if match["text"] else ""

    return TEXTS.sub(emptied, source(module)), "\n".join(formatted)


def line_of(pattern: str, module: str) -> int:
    """The line of the only match outside strings."""
    (match,) = re.finditer(pattern, code(module)[0], re.MULTILINE)
    return code(module)[0].count("\n", 0, match.start()) + 1


@cache
def places_of_classes() -> dict[str, list[str]]:
    """The modules with a top-level class of each name, found by searching the files' text."""
    found: dict[str, list[str]] = {}
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(set(subfolders) - SKIPPED_FOLDERS)
        for path in (Path(folder, name) for name in sorted(names) if name.endswith(".py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for cls in set(re.findall(rb"^class (\w+)", path.read_bytes(), re.MULTILINE)):
                found.setdefault(cls.decode(), []).append(module)
    return found


def module_of_class(cls: str) -> str:
    """The only module of the tree with a top-level class of that name."""
    (module,) = places_of_classes()[cls]
    return module


def imports(module: str) -> Iterator[tuple[str, str, str]]:
    """(bound name, module, name there) of the ``from`` imports at the left margin."""
    file = file_of(module)
    assert file
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for match in re.finditer(r"^from +([.\w]+) +import +(?:\(([^)]*)\)|((?:.*\\\n)*.*))", source(module), re.MULTILINE):
        origin = resolve_name(match[1], package) if match[1].startswith(".") else match[1]
        names = re.sub(r"#.*|\\\n", " ", match[2] or match[3])
        for name in filter(None, (part.strip() for part in names.replace("\n", " ").split(","))):
            original, _, bound = name.partition(" as ")
            yield (bound or original).strip(), origin, original.strip()


def follow(module: str, name: str) -> str:
    """The module where ``name`` is really defined."""
    for _ in range(8):
        if re.search(rf"^(?:class|def|async def) {name}\b", source(module), re.MULTILINE):
            return module
        ((module, name),) = {(origin, original) for bound, origin, original in imports(module) if bound == name}
    raise AssertionError((module, name))


def base(cls: str, module: str) -> tuple[str, str]:
    """(class, module) of a class's base."""
    (written,) = re.findall(rf"^class {cls}\s*\(\s*([\w.]+)\s*(?:,\s*\w+=[^)]*)?\)", source(module), re.MULTILINE)
    first, dot, rest = written.partition(".")
    if not dot:
        return written, follow(module, written)
    plain = [
        part.strip()
        for row in re.findall(r"^import ([^#\n]+)", source(module), re.MULTILINE)
        for part in row.split(",")
    ]
    direct = {part.split(" as ")[0] for part in plain if part == first or part.endswith(f" as {first}")}
    (home,) = direct or {f"{origin}.{name}" for bound, origin, name in imports(module) if bound == first}
    return rest, follow(home, rest)


@dataclass(frozen=True)
class Block:
    """A ``def`` or ``class`` with its first and last line; ``inside`` are the names and keywords around it."""

    keyword: str
    name: str
    line: int
    level: int
    inside: tuple[tuple[str, str], ...]
    end: int = 0

    @property
    def nested(self) -> bool:
        return any(keyword == "def" for keyword, _ in self.inside)


@cache
def blocks(module: str) -> list[Block]:
    """Every ``def`` and ``class``, its end found by the indents of the statements behind it."""
    found: list[Block] = []
    around: list[Block] = []
    last, depth, continued = 0, 0, False
    for number, line in enumerate(code(module)[0].split("\n"), start=1):
        if not continued and line.strip():
            level = len(line) - len(line.lstrip())
            while around and around[-1].level >= level:
                found.append(replace(around.pop(), end=last))
            if head := re.match(r"\s*(?:async )?(def|class) (\w+)", line):
                inside = tuple((block.keyword, block.name) for block in around)
                around.append(Block(head[1], head[2], number, level, inside))
        last = number if line.strip() else last
        depth += len(re.findall(r"[(\[{]", line)) - len(re.findall(r"[)\]}]", line))
        continued = depth > 0 or line.endswith("\\")
    found += [replace(block, end=last) for block in around]
    return sorted(found, key=lambda block: block.line)


def functions(module: str) -> list[Block]:
    return [block for block in blocks(module) if block.keyword == "def" and not block.nested]


def methods(cls: str, module: str) -> dict[str, int]:
    return {f.name: f.line for f in functions(module) if f.inside == (("class", cls),)}


def owner(cls: str, module: str, method: str) -> tuple[str, int]:
    for _ in range(6):
        cls, module = base(cls, module)
        if method in methods(cls, module):
            return cls, methods(cls, module)[method]
    raise AssertionError((cls, method))


def calls(function: str, module: str) -> int:
    """The name and an opening parenthesis, not behind ``def`` or ``class``."""
    plain, formatted = code(module)
    call = rf"(?<!def )(?<!class )\b{function}\s*\("
    return len(re.findall(call, plain)) + len(re.findall(rf"\{{[^{{}}]*?\b{function}\(", formatted))


def module_told(phrase: tuple[str, dict[str, str]]) -> str:
    how, fields = phrase
    if how == "named":
        return fields["module"]
    if how == "class":
        return module_of_class(fields["cls"])
    return base(fields["cls"], fields["module"])[1] if how == "base" else follow(fields["module"], fields["name"])


def longest(modules: list[Any]) -> tuple[int, str]:
    return max((f.end - f.line + 1, f.name) for m in modules for f in functions(module_told(m)))


def default(parameter: str, function: str, module: str) -> float:
    cls, _, name = function.rpartition(".")
    inside = (("class", cls),) if cls else ()
    (line,) = (f.line for f in functions(module) if f.name == name and f.inside == inside)
    head = "".join(source(module).splitlines(keepends=True)[line - 1 :])
    value = re.search(rf"[(\s,]{parameter}\s*(?::[^=,]*)?=\s*([-\w.]+)", head)
    assert value
    text = value[1]
    if re.fullmatch(r"[A-Za-z_]\w*", text):
        (text,) = re.findall(rf"^(?:\w+ *= *)*{text}\s*=\s*([-\w.]+)", source(module), re.MULTILINE)
    return float(ast.literal_eval(text))


def truth(asked: dict[str, Any]) -> str:
    kind = asked["kind"]
    if kind == "base_module":
        return base(asked["cls"], asked["module"])[1]
    if kind == "base_module.grand":
        return base(*base(asked["cls"], module_of_class(asked["cls"])))[1]
    if kind == "method_owner":
        return owner(asked["cls"], asked["module"], asked["method"])[0]
    if kind.startswith("follow_import"):
        module = follow(asked["module"], asked["name"])
        return follow(module, asked["second"]) if "second" in asked else module
    if kind == "count_calls":
        return str(sum(calls(asked["function"], module_told(m)) for m in asked["modules"]))
    if kind == "compare_defaults":
        return str(max(asked["candidates"], key=lambda c: default(**c))["function"])
    if kind == "longest_function":
        return longest(asked["modules"])[1]
    if kind == "line_sum":
        early = line_of(rf"^class {asked['cls']}\b", asked["module"])
        return str(early + len(methods(*base(asked["other"], asked["other_module"]))))
    early, task = line_of(rf"^(?:async )?def {asked['function']}\b", asked["module"]), asked["late"]
    if task["kind"] == "calls":
        late = sum(calls(task["function"], module_told(m)) for m in task["modules"])
    elif task["kind"] == "longest":
        late = longest(task["modules"])[0]
    else:
        late = owner(task["cls"], task["module"], task["method"])[1]
    return str(early + late if asked["combine"] == "sum" else max(early, late))


def test_truths_by_text_and_indents(
    made: Callable[[int], list[dict[str, str]]],
    sequences: list[dict[str, Any]],
    read_question: Callable[[str], dict[str, Any]],
) -> None:
    asked = [(row["id"], row["prompt"], row["answer"]) for row in made(0)]
    for row in sequences:
        asked += [(row["id"], *pair) for pair in zip(row["prompts"], row["answers"], strict=True)]
    wrong = []
    for name, prompt, answer in asked:
        again = truth(read_question(prompt))
        if again != answer:
            wrong.append(f"{name}: truth {answer}, by text {again}: {prompt}")
    assert not wrong, "\n".join(wrong)
