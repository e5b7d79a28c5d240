"""Facts that goals need: each is read from what is in view, or its lack is raised."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from optimizer.models.embedded import lookup
from optimizer.models.embedded.deducing import Deduction
from optimizer.models.embedded.questions import LineOf, ModuleRef
from optimizer.models.embedded.wants import Want

MAX_CHAIN = 7


class Finder(Deduction):
    """Reads modules, classes, methods, lines, calls and defaults from what is in view."""

    def _modules(self, places: Sequence[ModuleRef]) -> list[str]:
        """The paths of ``places``; the last one is forgotten when the work is stopped early."""
        if len(places) > 1 and self._happens(self._rates.stop_early, "stop", "places"):
            places = places[:-1]
        return self._each([partial(self._module, ref) for ref in places])

    def _module(self, ref: ModuleRef) -> str:
        """The path of a module that a question gives."""
        if ref.how == "named":
            return self._path(ref.module)
        if ref.how == "import":
            return self._definition_by_imports(ref.name, self._path(ref.module))
        if ref.how == "base":
            path = self._path(ref.module)
            base = self._base(ref.name, path)
            return self._origin(base, path) if base else path

        def read() -> str:
            rows = lookup.sites(self._known, ref.name)
            if rows is None:
                return self._lack(Want("class", ref.name), lambda: self._some_path(ref.name))
            return rows[0][0] if rows else self._some_path(ref.name)

        return self._conclude(f"file of {ref.name}", read, self._other_paths)

    def _path(self, module: str) -> str:
        return lookup.path_of(self._known, module)

    def _base(self, cls: str, path: str) -> str:
        """The first base of a class as it is written; empty when it has none."""

        def read() -> str:
            want = Want("bases", cls, path)
            row = lookup.class_row(self._known, cls, path)
            if row is None or row[1] is None:
                return self._lack(want, lambda: "object")
            self.deciding = want
            return row[1][0] if row[1] else "object"

        base = self._conclude(f"base class of {cls} in {path}", read, lambda: self._other_classes(cls, path))
        return "" if base == "object" else base

    def _origin(self, name: str, path: str, depth: int = 0) -> str:
        """The path of the file that defines a name which ``path`` uses."""

        def read() -> str:
            head, dot, rest = name.partition(".")
            if dot:
                module, original = self._source(head, path)
                inner = f"{module}.{original}" if original else module
                return self._origin(rest, self._path(inner), depth + 1)
            rows = lookup.sites(self._known, name)
            if rows is None:
                if any(lookup.class_row(self._known, name, where) for where in [path]):
                    return path
                return self._lack(Want("class", name), lambda: self._guess_path(path))
            self.deciding = Want("class", name)
            here = [row[0] for row in rows]
            if path in here or depth >= MAX_CHAIN:
                return path
            if len(here) == 1:
                return here[0]
            module, original = self._source(name, path)
            known = next((where for where in here if lookup.module_of(where) == module), None)
            return known or self._origin(original or name, self._path(module), depth + 1)

        return self._conclude(f"file of {name} used in {path}", read, self._other_paths)

    def _definition_by_imports(self, name: str, path: str) -> str:
        """The path where the imports that start in ``path`` end."""

        def read() -> str:
            here, wanted = path, name
            for _ in range(MAX_CHAIN):
                module, original = self._source(wanted, here)
                wanted, here = original or wanted, self._path(module)
                if self._happens(self._rates.stop_early, "stop", wanted, here):
                    break
                rows = lookup.sites(self._known, wanted)
                if rows is None:
                    self._lack(Want("sites", wanted), lambda: ())
                    break
                known = next((row[0] for row in rows if lookup.module_of(row[0]) == module), None)
                if known or not rows:
                    here = known or here
                    break
            return here

        return self._conclude(f"file of {name} imported by {path}", read, self._other_paths)

    def _source(self, name: str, path: str) -> tuple[str, str]:
        """The module from which ``path`` imports ``name``, and the original name there (empty for a module)."""

        def read() -> str:
            found = self._known.get("resolved", name, path)
            bound = lookup.imports(self._known, path) or {}
            pair = found or bound.get(name)
            if pair is None:
                return self._lack(Want("source", name, path), lambda: f"{lookup.module_of(path)} {name}")
            self.deciding = Want("source", name, path)
            return f"{pair[0]} {pair[1]}"

        def near() -> list[str]:
            bound = lookup.imports(self._known, path) or {}
            return [f"{module} {name}" for module, _ in bound.values()]

        module, _, original = self._conclude(f"source of {name} in {path}", read, near).partition(" ")
        return module, original

    def _methods(self, cls: str, path: str) -> tuple[tuple[str, int], ...]:
        found = lookup.methods(self._known, cls, path)
        want = Want("methods", cls, path, (lookup.class_row(self._known, cls, path) or (0,))[0])
        if found is None:
            return self._lack(want, lambda: ())
        self.deciding = want
        return found

    def _method_count(self, cls: str, path: str) -> int:
        def near() -> list[str]:
            n = len(self._methods(cls, path))
            return [str(n + 1), str(max(0, n - 1))]

        return as_int(
            self._conclude(f"number of methods of {cls} in {path}", lambda: str(len(self._methods(cls, path))), near)
        )

    def _line(self, goal: LineOf) -> int:
        path = self._path(goal.module)

        def read() -> str:
            number = self._defined_line(goal, path)
            if number is None:
                return self._lack(Want("line", goal.name, path), lambda: str(10 + int(self._dice.roll("line") * 500)))
            self.deciding = Want("line", goal.name, path)
            return str(number)

        def near() -> list[str]:
            number = self._defined_line(goal, path) or 1
            return [str(n) for n in self._known.rows(path)] + [str(number + 1), str(number + 2)]

        return as_int(self._conclude(f"line of {goal.kind} {goal.name} in {goal.module}", read, near))

    def _defined_line(self, goal: LineOf, path: str) -> int | None:
        if goal.kind == "class":
            row = lookup.class_row(self._known, goal.name, path)
            return row[0] or None if row else None
        return lookup.function_line(self._known, goal.name, path)

    def _calls(self, function: str, path: str) -> int:
        def read() -> str:
            counts = lookup.calls(self._known, function, path)
            self.deciding = Want("calls", function, path)
            for number, role in counts:
                if role == "calls":
                    return str(number)
            for number, role in counts:
                if self._dice.happens(self._rates.believe, "believe", role, function, path):
                    return str(number)
            return self._lack(self.deciding, lambda: str(1 + int(self._dice.roll("calls", path) * 9)))

        def near() -> list[str]:
            numbers = [str(n) for n, _ in lookup.calls(self._known, function, path)]
            return [*numbers, *(str(max(0, int(n) + d)) for n in numbers for d in (-1, 1))]

        return as_int(self._conclude(f"calls of {function} in {path}", read, near))

    def _longest_in(self, path: str) -> tuple[str, int]:
        def ranked() -> list[tuple[str, int]]:
            found = lookup.functions(self._known, path)
            if found is None:
                return self._lack(Want("outline", "", path), lambda: [("main", 20)])
            self.deciding = Want("outline", "", path)
            return sorted(found, key=lambda pair: -pair[1]) or [("none", 0)]

        def read() -> str:
            name, size = ranked()[0]
            return f"{name} {size}"

        text = self._conclude(f"longest function of {path}", read, lambda: [f"{n} {s}" for n, s in ranked()[1:4]])
        name, _, size = text.partition(" ")
        return name, as_int(size)

    def _default(self, parameter: str, function: str, module: str) -> float:
        path = self._path(module)

        def read() -> str:
            value = lookup.default_of(self._known, function, path, parameter)
            line = lookup.function_line(self._known, function.rpartition(".")[2], path) or 0
            if value is None:
                return self._lack(
                    Want("signature", function, path, line), lambda: str(int(self._dice.roll(function) * 100))
                )
            self.deciding = Want("signature", function, path, line)
            return str(value) if not isinstance(value, str) else str(self._constant(value, path))

        def near() -> list[str]:
            return [str(int(self._dice.roll("near", function) * 100))]

        return as_float(self._conclude(f"default of {parameter} in {module}.{function}", read, near))

    def _constant(self, name: str, path: str, depth: int = 0) -> float:
        value = lookup.assigned(self._known, name, path)
        if value is None:
            value = self._lack(Want("value", name, path), lambda: 0.0)
        if isinstance(value, str):
            return self._constant(value, path, depth + 1) if value.isidentifier() and depth < 2 else as_float(value)
        return value

    # What a slip may take instead

    def _other_paths(self) -> list[str]:
        return sorted(self._known.lines)[:40]

    def _some_path(self, name: str) -> str:
        return self._dice.pick(self._other_paths() or [f"{name.lower()}.py"], "some path", name)

    def _guess_path(self, path: str) -> str:
        return self._dice.pick([path, path, *self._other_paths()], "guess path", path)

    def _other_classes(self, cls: str, path: str) -> list[str]:
        rows = [lookup.class_name(text) for text in self._known.rows(path).values()]
        return sorted({name for name in rows if name and name != cls})[:20]

    def _other_owners(self) -> list[str]:
        rows = [
            (lookup.class_name(t), path) for path, lines in sorted(self._known.lines.items()) for t in lines.values()
        ]
        return [f"{name} {path}" for name, path in rows if name][:20]


def as_int(text: str) -> int:
    """A number that was written down; 0 for what is none."""
    try:
        return int(text)
    except ValueError:
        return 0


def as_float(text: str) -> float:
    """As :func:`as_int`, with a fraction."""
    try:
        return float(text)
    except ValueError:
        return 0.0
