"""Following names to their definitions, strictly: whatever could be read in two ways is not followed at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from experiments.navigator.facts import ModuleFacts, Outlined
from experiments.navigator.index import Index

MAX_HOPS: Final = 6


@dataclass(frozen=True, slots=True)
class Place:
    """A definition, and the modules passed on the way to it: the last one defines it."""

    facts: ModuleFacts
    item: Outlined
    path: tuple[str, ...]

    @property
    def module(self) -> str:
        return self.facts.name


class Resolver:
    """Names, bases and inherited methods of a tree. Every answer is None unless it is the only possible one."""

    def __init__(self, index: Index) -> None:
        self.index: Final = index
        found = (index.module_at(path) for path in index.tree.files)
        importable = [facts for facts in found if all(part.isidentifier() for part in facts.name.split("."))]
        self.modules: Final = tuple(sorted(importable, key=lambda facts: facts.name))
        self._longest: Final[dict[str, list[Outlined]]] = {}
        self._starred: Final = frozenset(
            facts.name
            for facts in self.modules
            for entry in facts.imports
            if any(name == "*" for name, _ in entry.names)
        )

    def defined(self, facts: ModuleFacts, name: str) -> Outlined | None:
        """The class or function ``name`` of a module: bound once, unconditionally, in a module without star imports."""
        if facts.bindings.get(name) != 1 or facts.name in self._starred:
            return None
        found = [item for item in facts.outline if item.qualname == name]
        return found[0] if len(found) == 1 and found[0].plain else None

    def classes(self, facts: ModuleFacts) -> list[Outlined]:
        """The module's top-level classes that :meth:`defined` accepts."""
        tops = (item for item in facts.outline if item.keyword == "class" and item.depth == 0)
        return [item for item in tops if self.defined(facts, item.name) is item]

    def unique_class(self, item: Outlined) -> bool:
        """Whether nothing else in the whole tree bears the class's name."""
        return len(self.index.definitions(item.name)) == 1 and not any(self.index.assignments(item.name))

    def imported(self, facts: ModuleFacts, name: str) -> tuple[str, str | None] | None:
        """(module, name there) of a name that a module imports once, unconditionally, and binds in no other way."""
        if facts.bindings.get(name) != 1 or facts.name in self._starred:
            return None
        statements = [
            entry
            for entry in facts.imports
            if any(name == (bound or (n if entry.module else n.partition(".")[0])) for n, bound in entry.names)
        ]
        if len(statements) != 1 or statements[0].nested:
            return None
        return self.index.import_source(facts.path, name)

    def follow(self, facts: ModuleFacts, name: str, passed: tuple[str, ...] = ()) -> Place | None:
        """Where ``name``, as seen in a module, is really defined."""
        if facts.name in passed or len(passed) >= MAX_HOPS:
            return None
        passed = (*passed, facts.name)
        if item := self.defined(facts, name):
            return Place(facts, item, passed)
        source = self.imported(facts, name)
        if source is None or source[1] is None:
            return None
        target = self.index.module(source[0])
        return self.follow(target, source[1], passed) if target else None

    def base(self, facts: ModuleFacts, cls: Outlined) -> Place | None:
        """The base class of a class that has exactly one, written ``B`` or ``module.B``."""
        if len(cls.bases) != 1:
            return None
        first, dot, rest = cls.bases[0].partition(".")
        if not dot:
            place = self.follow(facts, first) if first.isidentifier() else None
        else:
            source = self.imported(facts, first)
            target = self.index.module(source[0]) if source and source[1] is None else None
            place = self.follow(target, rest, (facts.name,)) if target and rest.isidentifier() else None
        return place if place and place.item.keyword == "class" and place.item is not cls else None

    def ancestors(self, facts: ModuleFacts, cls: Outlined) -> list[Place]:
        """The chain of base classes, nearest first, as far as it can be followed."""
        chain: list[Place] = []
        seen = {(facts.name, cls.name)}
        place = self.base(facts, cls)
        while place and (place.module, place.item.name) not in seen:
            seen.add((place.module, place.item.name))
            chain.append(place)
            place = self.base(place.facts, place.item)
        return chain

    def methods(self, place: Place) -> list[Outlined] | None:
        """The methods a class writes itself; None when one is written twice or under a condition."""
        found = self.index.methods(place.facts.path, place.item)
        names = {item.name for item in found}
        return found if len(names) == len(found) and all(item.plain for item in found) else None

    def longest(self, modules: list[ModuleFacts]) -> Outlined | None:
        """The longest function or method of some modules; None unless it leads by two lines and its name is its own."""
        ranked = sorted((item for facts in modules for item in self._two_longest(facts)), key=lambda item: -item.length)
        if len(ranked) < 2 or ranked[0].length < ranked[1].length + 2 or not ranked[0].plain:
            return None
        return ranked[0]

    def _two_longest(self, facts: ModuleFacts) -> list[Outlined]:
        if facts.name not in self._longest:
            functions = [item for item in facts.outline if item.keyword == "def"]
            self._longest[facts.name] = sorted(functions, key=lambda item: -item.length)[:2]
        return self._longest[facts.name]

    def default(self, facts: ModuleFacts, value: float | str) -> float | None:
        """A parameter's default as a number: itself, or the module's constant of that name when it is bound once."""
        if not isinstance(value, str):
            return value
        return facts.numbers.get(value) if facts.bindings.get(value) == 1 and facts.name not in self._starred else None
