"""The tools on a small tree: what each one says, what it refuses, and that nothing outside the tree can be reached."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.navigator.environment import build, warm
from experiments.navigator.scan import required_literal, scan
from experiments.navigator.tools import LOOK_ALIKES
from experiments.navigator.tree import SourceTree
from search_space.tools import Tool, ToolError

Run = Callable[..., str]

FILES = {
    "pkg/__init__.py": "from .shapes import Square as Quad, area\nimport pkg.tools\n",
    "pkg/shapes.py": '''"""Shapes."""
from abc import ABC
from pkg.tools import scale

LIMIT = 10


class Shape(ABC):
    """Any shape."""

    def area(self):
        return 0

    @property
    def name(self):
        return "shape"


class Square(Shape):
    def __init__(self, side=1, *, limit=LIMIT):
        self.side = scale(side)

    async def draw(
        self,
        colour: str = "red",
    ) -> None:
        """Draw it."""
        print(scale(self.side), f"{scale(2)}")  # scale(3)


def area(shape): return shape.area()
''',
    "pkg/tools.py": "def scale(value, factor=2.5):\n    return value * factor\n",
    "broken.py": "def (:\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nname = '\xe9t\xe9'\n",
    "empty.py": "",
    "tests/test_x.py": "scale(1)\n",
    ".hidden/x.py": "scale(1)\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "secret.py").write_text("SECRET = 1\n")
    (folder / "leak.py").symlink_to(tmp_path / "secret.py")
    (folder / "out").symlink_to(tmp_path, target_is_directory=True)
    (folder / "alias.py").symlink_to(folder / "pkg" / "tools.py")
    return folder


@pytest.fixture
def run(root: Path) -> Run:
    tools = {tool.name: tool for tool in build({"root": str(root)})}

    def call(tool: str, /, **inputs: Any) -> str:
        return tools[tool].run(inputs)

    return call


def test_there_are_22_distinct_read_only_tools(root: Path) -> None:
    tools = build({"root": str(root)})
    assert len({tool.name for tool in tools}) == len({tool.description for tool in tools}) == 22
    assert set(LOOK_ALIKES) < {tool.name for tool in tools}
    assert all(tool.effects.reads == {"files"} and not tool.effects.writes for tool in tools)
    assert all(tool.input_schema["additionalProperties"] is False for tool in tools)


@pytest.mark.parametrize(
    ("tool", "inputs", "result"),
    [
        ("list_files", {}, "alias.py\nbroken.py\nempty.py\nlatin.py\npkg/__init__.py\npkg/shapes.py\npkg/tools.py"),
        ("list_files", {"path": "pkg/"}, "pkg/__init__.py\npkg/shapes.py\npkg/tools.py"),
        ("list_files", {"path": "./pkg/../pkg"}, "pkg/__init__.py\npkg/shapes.py\npkg/tools.py"),
        ("glob", {"pattern": "pkg/*s.py"}, "pkg/shapes.py\npkg/tools.py"),
        ("glob", {"pattern": "**/tools.py"}, "pkg/tools.py"),
        ("glob", {"pattern": "*.py"}, "alias.py\nbroken.py\nempty.py\nlatin.py"),
        ("find_file", {"name": "TOOL"}, "pkg/tools.py"),
        ("count_lines", {"path": "pkg/tools.py"}, "pkg/tools.py: 2 lines"),
        ("count_lines", {"path": "empty.py"}, "empty.py: 0 lines"),
        ("read_file", {"path": "pkg/tools.py", "start": 2}, "    2:     return value * factor"),
        ("read_file", {"path": "latin.py", "start": "2", "end": 9}, "    2: name = 'été'"),
        ("preview_file", {"path": "latin.py"}, "    1: # -*- coding: latin-1 -*-\n    2: name = 'été'"),
        ("grep", {"pattern": r"^def \w+", "path": "pkg"}, "pkg/shapes.py:31: def area(shape): return shape.area()\n"
         "pkg/tools.py:1: def scale(value, factor=2.5):"),
        ("grep", {"pattern": "nowhere"}, "no line matches: nowhere"),
        ("search_text", {"text": "DRAW IT"}, 'pkg/shapes.py:27: """Draw it."""'),
        ("count_matches", {"text": "scale", "path": "pkg/shapes.py"}, "3 lines"),
        ("find_calls", {"name": "draw"}, "total 0"),
        ("find_definition", {"name": "LIMIT"}, "pkg/shapes.py:5: LIMIT = ..."),
        ("find_definition", {"name": "area"},
         "pkg/shapes.py:11: def Shape.area(self)\npkg/shapes.py:31: def area(shape)"),
        ("find_definition", {"name": "Shape.area"}, "pkg/shapes.py:11: def Shape.area(self)"),
        ("find_class", {"name": "Square"}, "pkg/shapes.py:19: class Square(Shape)"),
        ("find_symbol", {"prefix": "Sh"}, "pkg/shapes.py:8: class Shape"),
        ("list_symbols", {"path": "pkg/tools.py"}, "scale"),
        ("class_bases", {"name": "Shape", "path": "pkg/shapes.py"}, "ABC"),
        ("list_methods", {"name": "Shape", "path": "pkg/shapes.py"}, "area (line 11)\nname (line 15)"),
        ("signature", {"name": "scale", "path": "pkg/tools.py"}, "def scale(value, factor=2.5)"),
        ("signature", {"name": "Square.draw", "path": "pkg/shapes.py"},
         "async def draw(self, colour: str='red') -> None"),
        ("signature", {"name": "Square.__init__", "path": "pkg/shapes.py"},
         "def __init__(self, side=1, *, limit=LIMIT)"),
        ("signature", {"name": "area", "path": "pkg/shapes.py"}, "def area(shape)"),
        ("docstring", {"name": "Shape", "path": "pkg/shapes.py"}, "Any shape."),
        ("docstring", {"name": "scale", "path": "pkg/tools.py"}, "scale has no docstring"),
        ("list_imports", {"path": "pkg/__init__.py"},
         "1: from .shapes import Square as Quad, area\n2: import pkg.tools"),
        ("resolve_import", {"name": "area", "path": "pkg/__init__.py"}, "pkg.shapes"),
        ("resolve_import", {"name": "Quad", "path": "pkg/__init__.py"}, "pkg.shapes\nits name there: Square"),
        ("resolve_import", {"name": "ABC", "path": "pkg/shapes.py"}, "abc"),
    ],
)  # fmt: skip
def test_results(run: Run, tool: str, inputs: dict[str, Any], result: str) -> None:
    assert run(tool, **inputs) == result


def test_outline_shows_ranges_from_def_to_end(run: Run) -> None:
    assert run("outline", path="pkg/shapes.py").split("\n") == [
        "class Shape (lines 8-16)",
        "  def area (lines 11-12)",
        "  def name (lines 15-16)",
        "class Square (lines 19-28)",
        "  def __init__ (lines 20-21)",
        "  def draw (lines 23-28)",
        "def area (lines 31-31)",
    ]


def test_calls_are_calls_and_references_are_not(run: Run) -> None:
    assert run("find_calls", name="scale", path="pkg").split("\n")[-1] == "total 3"
    assert run("find_references", name="scale", path="pkg").split("\n")[-1] == "total 4"
    assert run("find_references", name="sca").split("\n")[-1] == "total 0"
    assert run("find_references", name="cale").split("\n")[-1] == "total 0"


@pytest.mark.parametrize(
    ("tool", "inputs", "said"),
    [
        ("read_file", {"path": "none.py"}, "no such file: none.py"),
        ("read_file", {"path": "pkg.tools"}, "no such file: pkg.tools (the module's file is pkg/tools.py)"),
        ("read_file", {"path": "pkg"}, "not a file but a folder: pkg"),
        ("read_file", {"path": "pkg/tools.py", "start": 9}, "no such lines: 9-2; pkg/tools.py has 2 lines"),
        ("read_file", {"path": "pkg/tools.py", "start": "x"}, "wrong type for start"),
        ("read_file", {}, "missing input: path"),
        ("read_file", {"path": "pkg/tools.py", "line": 1}, "unknown input: line"),
        ("grep", {"pattern": "("}, "bad regular expression: ("),
        ("find_class", {"name": "scale"}, "no such class: scale"),
        ("find_definition", {"name": "zz"}, "no definition of: zz"),
        ("resolve_import", {"name": "zz", "path": "pkg/tools.py"}, "no import of zz in: pkg/tools.py"),
        ("list_methods", {"name": "zz", "path": "pkg/tools.py"}, "no class zz in: pkg/tools.py"),
        ("outline", {"path": "broken.py"}, "no classes or functions in: broken.py"),
        ("find_references", {"name": "a b"}, "no identifier: a b"),
    ],
)
def test_mistakes_are_said(run: Run, tool: str, inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolError, match=re.escape(said)):
        run(tool, **inputs)


OUTSIDE = ["/etc/passwd", "../secret.py", "pkg/../../secret.py", "~/x", "a\0b", "..", "../root/broken.py"]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("tool", ["read_file", "list_files", "outline", "count_lines"])
def test_nothing_outside_the_root_is_reached(run: Run, tool: str, path: str) -> None:
    with pytest.raises(ToolError, match="outside the source tree"):
        run(tool, path=path)


@pytest.mark.parametrize("path", ["leak.py", "out/secret.py", "tests/test_x.py", ".hidden/x.py"])
def test_links_out_and_skipped_folders_are_not_there(run: Run, path: str) -> None:
    with pytest.raises(ToolError, match="no such file"):
        run("read_file", path=path)
    assert run("grep", pattern="SECRET = ") == "no line matches: SECRET = "


def test_no_tool_opens_a_file_after_warming(root: Path) -> None:
    warm({"root": str(root)})
    tools = build({"root": str(root)})
    for path in sorted(root.rglob("*.py")):
        path.unlink()
    results = [tool.run(_some_input(tool)) for tool in tools]
    assert all(results)


def _some_input(tool: Tool) -> dict[str, Any]:
    values = {
        "path": "pkg/shapes.py",
        "pattern": "*",
        "name": "area",
        "text": "area",
        "prefix": "a",
        "start": 1,
        "end": 2,
    }
    special = {
        "grep": {"pattern": "area"},
        "find_class": {"name": "Shape"},
        "class_bases": {"name": "Shape"},
        "list_methods": {"name": "Shape"},
        "resolve_import": {"name": "ABC"},
        "find_file": {"name": "tools"},
    }
    return {name: {**values, **special.get(tool.name, {})}[name] for name in tool.input_schema["properties"]}


def test_environment_imports_no_generator() -> None:
    code = "import sys, experiments.navigator.environment; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = [name for name in done.stdout.split() if name.startswith(("experiments", "optimizer"))]
    assert ours and not [name for name in ours if "generator" in name or "questions" in name or "optimizer" in name]


def test_environment_refuses_unknown_arguments() -> None:
    with pytest.raises(ValueError, match="unknown rot"):
        build({"rot": "x"})


PATTERNS = [
    *("scale", r"\bscale\b", "^def", "side$", r"\)\s*$", r"(?<=\()self", r"(?!def)\w+", "a|b", "x*", "", r"[^\n]+"),
    *(r"\s+", r"e\n\n", r"\(\s*self", r"\Aclass", r"t\Z", "sc?ale", r"self\.side", "[a-z]{3}", "(?i)SHAPE"),
    *(r"def (\w+)\(", "é", r"^\s*$", r"l.m", r"(sc)?ale", r"s(ca|xx)le", r"s{1,2}elf"),
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_scan_finds_what_a_search_line_by_line_finds(root: Path, pattern: str) -> None:
    tree = SourceTree(root)
    compiled = re.compile(pattern, re.MULTILINE)
    expected = [
        (path, number)
        for path in tree.files
        for number in range(1, tree.line_count(path) + 1)
        if compiled.search(tree.line(path, number))
    ]
    hits = scan(tree, compiled, tree.files, keep=1_000)
    assert (list(hits.rows), hits.total, hits.exact) == (expected, len(expected), True)


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        (r"\bfoo\b", "foo"),
        ("abc?de", "ab"),
        ("a(bcd)ef+", "ef"),
        ("x*", ""),
        ("a|bcd", ""),
        (r"self\.go\(", "self.go("),
        ("(a\\.b)?c", "c"),
    ],
)
def test_required_literal(pattern: str, literal: str) -> None:
    assert required_literal(pattern) == literal


def test_long_results_are_capped_and_say_so(tmp_path: Path) -> None:
    (tmp_path / "many.py").write_text("call(1)\n" * 100)
    tools = {tool.name: tool for tool in build({"root": str(tmp_path)})}
    grep = tools["grep"].run({"pattern": "call"}).split("\n")
    calls = tools["find_calls"].run({"name": "call"}).split("\n")
    assert len(grep) == 61 and grep[-1] == "... 40 more matches"
    assert calls[-2:] == ["... 40 more of call", "total 100"]
