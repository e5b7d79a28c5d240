"""One split's part of the tree, seeded, and the draft of a question that the kinds make from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from experiments.navigator.facts import ModuleFacts, Outlined
from experiments.navigator.generator.resolve import Place, Resolver
from experiments.navigator.generator.splits import digest, package_of

T = TypeVar("T")

LARGE_OUTLINE_CHARS: Final = (1_800, 8_000)
"""A large outline, about: several of them crowd a context of 8,000 tokens, none fills it alone."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A question with its truth. ``keys`` name what it is about: selection spreads over them. ``variant`` is the shape
    within the kind, in which the splits are alike. ``modules`` are all those on the way to the answer; ``facts`` name
    what must be found out, so that two drafts that share one help each other."""

    variant: str
    prompt: str
    answer: str
    keys: tuple[str, ...]
    modules: tuple[str, ...]
    facts: tuple[str, ...] = ()


class Scene:
    """The modules of one split, and what can be asked about them. ``mixed`` orders things by ``seed``, not by name."""

    def __init__(self, resolver: Resolver, split: str, packages: frozenset[str], seed: int) -> None:
        self.resolver: Final = resolver
        self.split: Final = split
        self.seed: Final = seed
        self._packages: Final = packages
        self.modules: Final = [facts for facts in resolver.modules if package_of(facts.name) in packages]

    def inside(self, modules: Iterable[str]) -> bool:
        """Whether all of ``modules`` belong to this split."""
        return all(package_of(module) in self._packages for module in modules)

    def mixed(self, items: Iterable[T], label: str, key: Callable[[T], object]) -> list[T]:
        """``items`` in an order that depends on the seed, ``label`` and each item's ``key`` alone."""
        return sorted(items, key=lambda item: (digest(self.seed, self.split, label, key(item)), str(key(item))))

    def choice(self, options: tuple[T, ...], *label: object) -> T:
        """One of ``options``, by the seed and ``label``."""
        return options[digest(self.seed, self.split, *label) % len(options)]

    @cached_property
    def classes(self) -> list[tuple[ModuleFacts, Outlined]]:
        """Every well-defined top-level class, mixed."""
        found = [(facts, cls) for facts in self.modules for cls in self.resolver.classes(facts)]
        return self.mixed(found, "classes", lambda pair: (pair[0].name, pair[1].name))

    @cached_property
    def lines(self) -> list[tuple[ModuleFacts, Outlined, list[Place]]]:
        """The classes with their chains of ancestors, cut where a chain leaves the split; without empty chains."""
        found = []
        for facts, cls in self.classes:
            chain: list[Place] = []
            for place in self.resolver.ancestors(facts, cls):
                if not self.inside(place.path):
                    break
                chain.append(place)
            if chain:
                found.append((facts, cls, chain))
        return found

    @cached_property
    def imports(self) -> list[tuple[ModuleFacts, str, Place]]:
        """(importing module, name, where it is really defined) within the split, mixed."""
        found = []
        for facts in self.modules:
            names = {
                bound or name
                for entry in facts.imports
                if entry.module and not entry.nested
                for name, bound in entry.names
            }
            for name in names:
                place = self.resolver.follow(facts, name)
                if place and place.item.name == name and place.module != facts.name and self.inside(place.path):
                    found.append((facts, name, place))
        return self.mixed(found, "imports", lambda item: (item[0].name, item[1]))

    @cached_property
    def functions(self) -> list[tuple[ModuleFacts, Outlined]]:
        """Well-defined top-level functions of modules, mixed."""
        found = [
            (facts, item)
            for facts in self.modules
            for item in facts.outline
            if item.keyword == "def" and item.depth == 0 and self.resolver.defined(facts, item.name) is item
        ]
        return self.mixed(found, "functions", lambda pair: (pair[0].name, pair[1].name))

    @cached_property
    def called(self) -> list[tuple[str, list[ModuleFacts]]]:
        """Names with the modules of the split that hold 4 to 60 call sites of them, at least four, the most first;
        the names mixed."""
        where: dict[str, list[ModuleFacts]] = {}
        for facts in self.modules:
            for name, lines in facts.calls.items():
                if 4 <= len(lines) <= 60 and len(name) > 2 and not name.startswith("__"):
                    where.setdefault(name, []).append(facts)
        found = [
            (name, sorted(modules, key=lambda facts: (-len(facts.calls[name]), facts.name)))
            for name, modules in where.items()
            if len(modules) >= 4
        ]
        return self.mixed(found, "called", lambda pair: pair[0])

    @cached_property
    def large(self) -> list[ModuleFacts]:
        """Modules whose outline fills some pages, and with it a context."""
        smallest, largest = LARGE_OUTLINE_CHARS
        rows = ((facts, sum(len(item.name) + 24 for item in facts.outline)) for facts in self.modules)
        return [facts for facts, chars in rows if smallest <= chars <= largest]

    @cached_property
    def landmarks(self) -> dict[str, str]:
        """A class of each module by which the module can be told: one whose name occurs nowhere else."""
        found: dict[str, str] = {}
        for facts, cls in self.classes:
            if facts.name not in found and self.resolver.unique_class(cls):
                found[facts.name] = cls.name
        return found


def spread(drafts: Iterator[Draft] | Iterable[Draft], wanted: int, used: dict[str, int]) -> list[Draft]:
    """The first ``wanted`` drafts that repeat the fewest keys: no key twice at first, then twice, ...

    ``used`` counts the keys taken and is updated.
    """
    left = list(drafts)
    taken: list[Draft] = []
    for allowed in range(1, 9):
        rest = []
        for draft in left:
            if len(taken) < wanted and all(used.get(key, 0) < allowed for key in draft.keys):
                taken.append(draft)
                for key in draft.keys:
                    used[key] = used.get(key, 0) + 1
            else:
                rest.append(draft)
        left = rest
        if len(taken) >= wanted:
            break
    return taken
