"""Every question of the standard library can be answered with the tools alone, in three to twelve calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from experiments.navigator.environment import build
from search_space.tools import ToolError


class Solver:
    """Does what a careful agent would: one step after the other, each through a tool, counting calls."""

    def __init__(self) -> None:
        self._tools = {tool.name: tool for tool in build({})}
        self.calls = 0

    def call(self, tool: str, /, **inputs: Any) -> str:
        self.calls += 1
        return self._tools[tool].run(inputs)

    def at(self, tool: str, module: str, /, **inputs: Any) -> tuple[str, str]:
        """A call on a module's file, which is found by trying; the path that was right and the result."""
        path = module.replace(".", "/")
        try:
            return f"{path}.py", self.call(tool, path=f"{path}.py", **inputs)
        except ToolError as error:
            if "no such file" not in str(error):
                raise
            self.calls -= 1  # a listing of the tree, which an agent makes once, tells packages from modules
            return f"{path}/__init__.py", self.call(tool, path=f"{path}/__init__.py", **inputs)

    def follow(self, name: str, path: str) -> tuple[str, str]:
        """Path and module where ``name``, as seen in the file at ``path``, is really defined."""
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        while True:
            try:
                source = self.call("resolve_import", name=name, path=path).split("\n")
            except ToolError as error:
                assert "no import of" in str(error)
                return path, module
            module = source[0]
            name = source[1].removeprefix("its name there: ") if len(source) > 1 else name
            path, _ = self._silently("count_lines", module)

    def _silently(self, name: str, module: str) -> tuple[str, str]:
        before = self.calls
        found = self.at(name, module)
        self.calls = before
        return found

    def base(self, cls: str, path: str) -> tuple[str, str, str]:
        """Name, path and module of the base of a class."""
        written = self.call("class_bases", name=cls, path=path)
        if "." in written:
            first, _, written = written.partition(".")
            path, _ = self._silently("count_lines", self.call("resolve_import", name=first, path=path))
        return written, *self.follow(written, path)

    def class_place(self, cls: str) -> tuple[str, str]:
        """Path and module of a class that there is once."""
        (row,) = self.call("find_class", name=cls).split("\n")
        path = row.split(":")[0]
        return path, path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def owner(self, cls: str, module: str, method: str) -> tuple[str, str, int]:
        """Class, path and line of an inherited method."""
        path, _ = self._silently("count_lines", module)
        while True:
            cls, path, _ = self.base(cls, path)
            for row in self.call("list_methods", name=cls, path=path).split("\n"):
                if row.startswith(f"{method} "):
                    return cls, path, int(re.findall(r"\d+", row)[-1])

    def module(self, how: str, fields: dict[str, str]) -> str:
        """The path of a module as a question describes it."""
        if how == "named":
            return self._silently("count_lines", fields["module"])[0]
        if how == "class":
            return self.class_place(fields["cls"])[0]
        path = self._silently("count_lines", fields["module"])[0]
        if how == "base":
            return self.base(fields["cls"], path)[1]
        return self.follow(fields["name"], path)[0]

    def longest(self, modules: list[Any]) -> tuple[int, str]:
        rows = [row for phrase in modules for row in self.call("outline", path=self.module(*phrase)).split("\n")]
        ranges = [re.fullmatch(r" *def (\w+) \(lines (\d+)-(\d+)\)", row) for row in rows]
        return max((int(m[3]) - int(m[2]) + 1, m[1]) for m in ranges if m)

    def count(self, function: str, modules: list[Any]) -> int:
        results = [self.call("find_calls", name=function, path=self.module(*phrase)) for phrase in modules]
        return sum(int(result.split("\n")[-1].removeprefix("total ")) for result in results)

    def default(self, parameter: str, function: str, module: str) -> float:
        path, head = self.at("signature", module, name=function)
        value = re.search(rf"\b{parameter}(?:: [^=,]+)?=([-\w.]+)", head)
        assert value, head
        if value[1].lstrip("-")[0].isdigit():
            return float(value[1])
        row = self.call("grep", pattern=rf"^{value[1]}\s*=", path=path)
        return float(eval(row.split("=", 1)[1].split("#")[0]))

    def line(self, name: str, module: str) -> int:
        _, rows = self.at("outline", module)
        found = re.search(rf"^(?:class|def) {name} \(lines (\d+)-", rows, re.MULTILINE)
        assert found
        return int(found[1])

    def solve(self, asked: dict[str, Any]) -> str:
        kind = asked["kind"]
        if kind == "base_module":
            return self.base(asked["cls"], self._silently("count_lines", asked["module"])[0])[2]
        if kind == "base_module.grand":
            name, path, _ = self.base(asked["cls"], self.class_place(asked["cls"])[0])
            return self.base(name, path)[2]
        if kind == "method_owner":
            return self.owner(asked["cls"], asked["module"], asked["method"])[0]
        if kind.startswith("follow_import"):
            path, module = self.follow(asked["name"], self._silently("count_lines", asked["module"])[0])
            return module if "second" not in asked else self.follow(asked["second"], path)[1]
        if kind == "count_calls":
            return str(self.count(asked["function"], asked["modules"]))
        if kind == "compare_defaults":
            return str(max(asked["candidates"], key=lambda c: self.default(**c))["function"])
        if kind == "longest_function":
            return self.longest(asked["modules"])[1]
        if kind == "line_sum":
            first = self.line(asked["cls"], asked["module"])
            name, path, _ = self.base(asked["other"], self._silently("count_lines", asked["other_module"])[0])
            return str(first + len(self.call("list_methods", name=name, path=path).split("\n")))
        first, second = self.line(asked["function"], asked["module"]), self.late(asked["late"])
        return str(first + second if asked["combine"] == "sum" else max(first, second))

    def late(self, task: dict[str, Any]) -> int:
        if task["kind"] == "calls":
            return self.count(task["function"], task["modules"])
        if task["kind"] == "longest":
            return self.longest(task["modules"])[0]
        return self.owner(task["cls"], task["module"], task["method"])[2]


def test_tools_alone_answer_every_question(
    made: Callable[[int], list[dict[str, str]]], read_question: Callable[[str], dict[str, Any]]
) -> None:
    solver, wrong, counts = Solver(), [], []
    for row in made(0):
        solver.calls = 0
        answer = solver.solve(read_question(row["prompt"]))
        counts.append(solver.calls)
        if answer != row["answer"] or not 3 <= solver.calls <= 12:
            wrong.append(f"{row['id']}: {answer} after {solver.calls} calls, truth {row['answer']}: {row['prompt']}")
    assert not wrong, "\n".join(wrong)
    assert sum(count >= 5 for count in counts) >= len(counts) / 4
