"""From visible facts to an answer: each goal as a small procedure that stops at the first fact it lacks.

The procedures are run anew for every request. A fact that is not in view raises :class:`Missing`; the caller then looks
for it with a tool. Every fact that is read may be misread, every chain may be left too early, every combination may mix
numbers up, at the rates of :mod:`optimizer.models.embedded.rates`; the dice depend on seed, prompt, tools and question,
so a slip made in one step is made again in the next as long as nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from optimizer.models.embedded import lookup
from optimizer.models.embedded.dice import Dice
from optimizer.models.embedded.knowledge import Knowledge
from optimizer.models.embedded.questions import (
    BaseModule,
    Combine,
    CountCalls,
    FollowImports,
    Goal,
    LargestDefault,
    LineOf,
    Longest,
    MethodCount,
    MethodOwner,
    ModuleRef,
)
from optimizer.models.embedded.rates import CHECKED_FACTOR, RECALL_FACTOR, Rates
from optimizer.models.embedded.wants import Want

T = TypeVar("T")
MAX_CHAIN = 7


class Missing(Exception):
    """Facts that are not in view, the first needed first; all of them can be looked up independently."""

    def __init__(self, wants: Sequence[Want]) -> None:
        super().__init__(", ".join(want.key for want in wants))
        self.wants = tuple(wants)


class Reasoner:
    """One attempt at a goal with what is in view."""

    def __init__(self, known: Knowledge, dice: Dice, rates: Rates, given_up: frozenset[str]) -> None:
        self._known = known
        self._dice = dice
        self._rates = rates
        self._given_up = given_up
        self._slip = CHECKED_FACTOR if known.checked else 1.0
        self.found: dict[str, str] = {}
        """Conclusions of this attempt in order: what it is about -> value."""
        self.open: list[str] = []
        """What was being concluded when a fact was missing, outermost first."""
        self._guesses = 0
        self.deciding: Want | None = None
        """The look-up behind the last fact that was read."""

    def solve(self, goal: Goal) -> str:
        """The answer to ``goal``; raises :class:`Missing`."""
        match goal:
            case BaseModule():
                return self._base_module(goal)
            case MethodOwner():
                return str(self._line_of_method(goal)) if goal.line else self._owner(goal)[0]
            case FollowImports():
                return self._follow(goal)
            case CountCalls() | Longest() if not (isinstance(goal, Longest) and not goal.lines):
                return str(self._number(goal))
            case Longest():
                return self._longest(goal.places)[0].rpartition(".")[2]
            case LargestDefault():
                return self._largest_default(goal)
            case Combine():
                return self._combine(goal)
            case _:
                return self._dice.pick(("unknown", "none", "0"), "unknown goal")

    # Goals

    def _base_module(self, goal: BaseModule) -> str:
        cls, path = goal.cls, self._module(goal.where)
        for step in range(goal.steps):
            base = self._base(cls, path)
            if not base:
                break
            cls, path = base.rpartition(".")[2], self._origin(base, path)
            if step + 1 < goal.steps and self._happens(self._rates.stop_early, "stop", cls):
                break
        return lookup.module_of(path)

    def _owner(self, goal: MethodOwner) -> tuple[str, str]:
        """The ancestor that defines the method, and its path."""

        def read() -> str:
            cls, path = goal.cls, self._module(goal.where)
            for _ in range(MAX_CHAIN):
                base = self._base(cls, path)
                if not base:
                    break
                cls, path = base.rpartition(".")[2], self._origin(base, path)
                row = lookup.class_row(self._known, cls, path)
                if lookup.methods(self._known, cls, path) is None and (row is None or row[1] is None):
                    self._lack_all([Want("methods", cls, path, row[0] if row else 0), Want("bases", cls, path)])
                if any(name == goal.method for name, _ in self._methods(cls, path)):
                    break
                if self._happens(self._rates.stop_early, "stop", cls, path):
                    break
            return f"{cls} {path}"

        cls, _, path = self._conclude(f"owner of {goal.method} for {goal.cls}", read, self._other_owners).partition(" ")
        return cls, path

    def _follow(self, goal: FollowImports) -> str:
        path = self._path(goal.module)
        for index, name in enumerate(goal.names):
            path = self._definition_by_imports(name, path)
            if index + 1 < len(goal.names) and self._happens(self._rates.stop_early, "stop", name):
                break
        return lookup.module_of(path)

    def _number(self, goal: CountCalls | Longest | MethodOwner | MethodCount) -> int:
        match goal:
            case CountCalls():
                paths = self._modules(goal.places)
                counts = self._each([partial(self._calls, goal.function, path) for path in paths])
                return sum(self._mixed(counts, "calls", goal.function))
            case Longest():
                return self._longest(goal.places)[1]
            case MethodOwner():
                return self._line_of_method(goal)
            case MethodCount():
                path = self._module(goal.where)
                base = self._base(goal.cls, path) or goal.cls
                return self._method_count(base.rpartition(".")[2], self._origin(base, path))

    def _longest(self, places: Sequence[ModuleRef]) -> tuple[str, int]:
        paths = self._modules(places)
        best = self._each([partial(self._longest_in, path) for path in paths])
        sizes = self._mixed([size for _, size in best], "longest", *paths)
        return max(zip((name for name, _ in best), sizes, strict=True), key=lambda pair: pair[1])

    def _largest_default(self, goal: LargestDefault) -> str:
        values = self._each([partial(self._default, *candidate) for candidate in goal.candidates])
        mixed = self._mixed(values, "defaults", *(c[1] for c in goal.candidates))
        return max(zip(mixed, goal.candidates, strict=True), key=lambda pair: pair[0])[1][1]

    def _combine(self, goal: Combine) -> str:
        first, second = self._each([lambda: self._line(goal.first), lambda: self._number(goal.second)])
        first, second = self._mixed([first, second], "combine", goal.first.name)
        return str(max(first, second) if goal.how == "larger" else first + second)

    # Facts

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

        return _int(
            self._conclude(f"number of methods of {cls} in {path}", lambda: str(len(self._methods(cls, path))), near)
        )

    def _line_of_method(self, goal: MethodOwner) -> int:
        cls, path = self._owner(goal)

        def read() -> str:
            rows = dict(self._methods(cls, path))
            return str(rows.get(goal.method, 0) or self._dice.pick(list(rows.values()) or [1], "line", goal.method))

        key = f"line of {cls}.{goal.method} in {path}"
        return _int(self._conclude(key, read, lambda: [str(n) for _, n in self._methods(cls, path)]))

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

        return _int(self._conclude(f"line of {goal.kind} {goal.name} in {goal.module}", read, near))

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

        return _int(self._conclude(f"calls of {function} in {path}", read, near))

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
        return name, _int(size)

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

        return _float(self._conclude(f"default of {parameter} in {module}.{function}", read, near))

    def _constant(self, name: str, path: str, depth: int = 0) -> float:
        value = lookup.assigned(self._known, name, path)
        if value is None:
            value = self._lack(Want("value", name, path), lambda: 0.0)
        if isinstance(value, str):
            return self._constant(value, path, depth + 1) if value.isidentifier() and depth < 2 else _float(value)
        return value

    # Slips

    def _conclude(self, key: str, read: Callable[[], str], near: Callable[[], list[str]]) -> str:
        """The value of ``key``: as noted earlier, or as read now; either may go wrong, at different rates."""
        noted = self._known.noted.get(key)
        self.open.append(key)
        guesses = self._guesses
        value = noted if noted is not None else read()
        rate = self._rates.misread * self._slip * (RECALL_FACTOR if noted is not None else 1.0)
        if self._dice.happens(rate, "misread", key):
            others = [other for other in dict.fromkeys(near()) if other != value]
            value = self._dice.pick(others, "misread as", key) if others else value
        self.open.pop()
        if self._guesses == guesses:
            self.found[key] = value
        return value

    def _mixed(self, values: Sequence[T], *question: object) -> list[T]:
        """``values``, one of them sometimes replaced by its neighbour."""
        mixed = list(values)
        if len(mixed) > 1 and self._happens(self._rates.mix_up, "mix up", *question):
            at = int(self._dice.roll("mix up which", *question) * len(mixed))
            mixed[at] = mixed[(at + 1) % len(mixed)]
        return mixed

    def _happens(self, rate: float, *question: object) -> bool:
        return self._dice.happens(rate * self._slip, *question)

    def _lack(self, want: Want, guess: Callable[[], T]) -> T:
        """A guess, when one is made up; otherwise the want is raised."""
        rate = self._rates.make_up_gone if self._known.forgotten else self._rates.make_up
        if want.key in self._given_up or self._dice.happens(rate, "make up", want.key):
            self._guesses += 1
            return guess()
        raise Missing([want])

    def _lack_all(self, wants: Sequence[Want]) -> None:
        if open_wants := [want for want in wants if want.key not in self._given_up]:
            raise Missing(open_wants)

    def _each(self, parts: Sequence[Callable[[], T]]) -> list[T]:
        """All of ``parts``, which do not depend on each other; what several of them lack is raised together."""
        values, lacking = [], []
        for part in parts:
            depth = len(self.open)
            try:
                values.append(part())
            except Missing as missing:
                lacking += [want for want in missing.wants if want not in lacking]
                if len(lacking) > len(missing.wants):
                    del self.open[depth:]
        if lacking:
            raise Missing(lacking)
        return values

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


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
