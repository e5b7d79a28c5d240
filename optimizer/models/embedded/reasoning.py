"""From visible facts to an answer: each goal as a small procedure that stops at the first fact it lacks.

The procedures are run anew for every request (:mod:`optimizer.models.embedded.deducing` says how they may go wrong).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from optimizer.models.embedded import lookup
from optimizer.models.embedded.delegating import Part, ask, parts
from optimizer.models.embedded.finding import MAX_CHAIN, Finder, as_int
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
from optimizer.models.embedded.wants import Want


class Reasoner(Finder):
    """One attempt at a goal with what is in view."""

    def solve(self, goal: Goal) -> str:
        """The answer to ``goal``; raises :class:`Missing`."""
        match goal:
            case BaseModule():
                return self._base_module(goal)
            case MethodOwner():
                return str(self._line_of_method(goal)) if goal.line else self._owner(goal)[0]
            case FollowImports():
                return self._follow(goal)
            case Longest() if not goal.lines:
                return self._longest(goal.places)[0].rpartition(".")[2]
            case CountCalls() | Longest() | MethodCount() | LineOf():
                return str(self._number(goal))
            case LargestDefault():
                return self._largest_default(goal)
            case Combine():
                return self._combine(goal)
            case _:
                return self._dice.pick(("unknown", "none", "0"), "unknown goal")

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

    def _line_of_method(self, goal: MethodOwner) -> int:
        cls, path = self._owner(goal)

        def read() -> str:
            rows = dict(self._methods(cls, path))
            return str(rows.get(goal.method, 0) or self._dice.pick(list(rows.values()) or [1], "line", goal.method))

        key = f"line of {cls}.{goal.method} in {path}"
        return as_int(self._conclude(key, read, lambda: [str(n) for _, n in self._methods(cls, path)]))

    def _follow(self, goal: FollowImports) -> str:
        path = self._path(goal.module)
        for index, name in enumerate(goal.names):
            path = self._definition_by_imports(name, path)
            if index + 1 < len(goal.names) and self._happens(self._rates.stop_early, "stop", name):
                break
        return lookup.module_of(path)

    def _number(self, goal: Part) -> int:
        match goal:
            case LineOf():
                return self._line(goal)
            case CountCalls():
                counts = self._counts(goal)
                return sum(self._mixed(counts, "calls", goal.function))
            case Longest():
                return self._longest(goal.places)[1]
            case MethodOwner():
                return self._line_of_method(goal)
            case MethodCount():
                path = self._module(goal.where)
                base = self._base(goal.cls, path) or goal.cls
                return self._method_count(base.rpartition(".")[2], self._origin(base, path))

    def _counts(self, goal: CountCalls) -> list[int]:
        each = parts(goal)
        if any(ask(part) in self._known.handed for part in each):
            return self._each([partial(self._part, part, partial(self._number, part)) for part in each])
        paths = self._modules(goal.places)
        return self._each([partial(self._calls, goal.function, path) for path in paths])

    def _part(self, part: Part, own: Callable[[], int]) -> int:
        """The number that a sub-agent found for ``part``, else what ``own`` work finds."""
        handed = self._known.handed.get(ask(part))
        return own() if handed is None else handed

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
        first, second = self._each(
            [
                partial(self._part, goal.first, partial(self._line, goal.first)),
                partial(self._part, goal.second, partial(self._number, goal.second)),
            ]
        )
        first, second = self._mixed([first, second], "combine", goal.first.name)
        return str(max(first, second) if goal.how == "larger" else first + second)
