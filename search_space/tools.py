"""A tool: what the model sees of it, what it touches, and the function behind it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, product
from math import prod
from typing import Any

from search_space.messages import ToolSpec

PLACEHOLDER = re.compile(r"\{(\w+)\}")
MANY = 64
"""Parts that one resource with inputs stands for at most; more are the whole resource."""
GLOB = re.compile(r"[*?\[]")


class ToolError(Exception):
    """Raised by a tool for a mistake the model can mend; its text becomes an ``is_error`` result."""


@dataclass(frozen=True, slots=True)
class Effects:
    """The resources that a tool reads and writes.

    A resource is a name (``"notes"``, ``"files"``) or a part of one, a path behind a colon: ``"files"`` contains
    ``"files:src"``, which contains ``"files:src/a.py"``. A part may hold inputs of the call, ``"files:{path}"``; an
    input that is a list of texts stands for each of them. Two calls may run side by side unless one writes what the
    other reads or writes.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    def __or__(self, other: Effects) -> Effects:
        """What either touches."""
        return Effects(self.reads | other.reads, self.writes | other.writes)

    def of(self, given: Any) -> Effects:
        """The effects of a call with the input ``given``: no placeholders, every path normal.

        An input that is missing or no text, or that leads out of the resource, widens to the whole resource; one with a
        ``*``, ``?`` or ``[`` to the folder before it.
        """
        if not (self.reads or self.writes):
            return self
        values = given if isinstance(given, Mapping) else {}
        return Effects(frozenset(_bound(self.reads, values)), frozenset(_bound(self.writes, values)))

    def conflict(self, other: Effects) -> str | None:
        """The resource over which a call with these effects must not run at the same time as one with ``other``'s; None
        when there is none. A placeholder counts as anything: it may conflict."""
        return self._first(other, lambda one, two: overlap(_whole(one), _whole(two)))

    def conflicts(self, other: Effects) -> bool:
        """Whether there is a :meth:`conflict`."""
        return self.conflict(other) is not None

    def always_conflict(self, other: Effects) -> str | None:
        """As :meth:`conflict`, but only one that any two inputs have: ``"files:{path}"`` need not meet itself."""
        return self._first(other, _always)

    def _first(self, other: Effects, meet: Callable[[str, str], bool]) -> str | None:
        """The first writing that meets something of the other side, in the order of the names; the narrower name."""
        if not (self.writes or other.writes):
            return None
        pairs = [*product(self.writes, other.writes | other.reads), *product(other.writes, self.reads)]
        return min((max(one, two, key=len) for one, two in pairs if meet(one, two)), default=None)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of an environment.

    ``run`` takes the call's input and returns the result's text, or raises :class:`ToolError`; it must be deterministic
    and safe to call in a thread beside any call that its ``effects`` do not conflict with. ``assumed`` says that the
    effects are a guess, as of a server that tells none; a harness may then say better.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], str]
    effects: Effects = field(default_factory=Effects)
    assumed: bool = False

    def spec(self) -> ToolSpec:
        """The tool as a Messages request offers it."""
        return {"name": self.name, "description": self.description, "input_schema": dict(self.input_schema)}


def always_conflicting(effects: Mapping[str, Effects]) -> Iterator[tuple[str, str, str]]:
    """Every two tools (a tool and itself too) whose calls always conflict, with the resource; ``effects`` by tool."""
    for one, other in combinations_with_replacement(effects, 2):
        if (over := effects[one].always_conflict(effects[other])) is not None:
            yield one, other, over


def conflict_text(one: str, other: str, over: str) -> str:
    """That calls of two tools may never run side by side, in words."""
    who = f"two calls of {one}" if one == other else f"calls of {one} and of {other}"
    return f"{who} always conflict over '{over}'"


def overlap(one: str, other: str) -> bool:
    """Whether two resources are the same, or one contains the other; both as :meth:`Effects.of` gives them."""
    if len(one) > len(other):
        one, other = other, one
    return other.startswith(one) and (len(one) == len(other) or other[len(one)] == ("/" if ":" in one else ":"))


def resource(name: str, path: str) -> str:
    """The part ``path`` of the resource ``name`` in normal form, ``"files:src/a.py"``; the whole, ``"files"``, for a
    path that is empty, absolute or leads outside."""
    normal = posixpath.normpath(path) if path else "."
    return name if normal == "." or normal.startswith("/") or normal.split("/", 1)[0] == ".." else f"{name}:{normal}"


def _bound(resources: Iterable[str], values: Mapping[str, Any]) -> Iterator[str]:
    for each in resources:
        name, _, part = each.partition(":")
        wanted = PLACEHOLDER.findall(part)
        texts = [_texts(values.get(key)) for key in wanted]
        if not 0 < prod(map(len, texts)) <= MANY:
            yield name
            continue
        for chosen in product(*texts):
            filling = iter(chosen)
            path = PLACEHOLDER.sub(lambda _: next(filling), part)  # noqa: B023 - used at once
            if wanted and (glob := GLOB.search(path)):
                path = path[: path.rfind("/", 0, glob.start()) + 1]
            yield resource(name, path)


def _texts(value: Any) -> list[str]:
    """The texts that an input stands for; none when it is odd."""
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, list) and all(isinstance(each, str) for each in value) else []


def _whole(name: str) -> str:
    return name if "{" not in name else name.partition(":")[0]


def _always(one: str, other: str) -> bool:
    """Whether one contains the other whatever the inputs are: the container has no placeholder, and all before the
    other's placeholder lies in it."""
    return any(
        "{" not in outer and overlap(outer, fixed) and len(fixed) >= len(outer)
        for outer, inner in ((one, other), (other, one))
        for fixed in [_fixed(inner)]
    )


def _fixed(name: str) -> str:
    """What is before the placeholder, up to a whole part: ``files:src`` of ``files:src/{path}``."""
    head, brace, _ = name.partition("{")
    return head if not brace else head[: max(head.rfind("/"), head.rfind(":"), 0)]
