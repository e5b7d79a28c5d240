"""Questions about base classes and imports: ``base_module``, ``method_owner``, ``follow_import``, ``line_sum``."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.navigator.facts import ModuleFacts, Outlined
from experiments.navigator.generator.resolve import Place
from experiments.navigator.generator.scene import Draft, Scene
from experiments.navigator.questions import word_question


def base_module(scene: Scene) -> Iterator[Draft]:
    """The base stands in another module (``near``), or is the base of the base of a class whose module is not told."""
    for facts, cls, chain in scene.lines:
        seed = f"{scene.seed}/{facts.name}/{cls.name}"
        if chain[0].module != facts.name:
            prompt = word_question("base_module", "module", seed, cls=cls.name, module=facts.name)
            keys = (f"from {facts.name}", f"answer {chain[0].module}")
            found = climbed(facts, cls, chain[:1])
            yield Draft("near", prompt, chain[0].module, keys, (facts.name, *chain[0].path), found)
        if len(chain) > 1 and scene.resolver.unique_class(cls):
            prompt = word_question("base_module.grand", "module", seed, cls=cls.name)
            keys = (f"from {facts.name}", f"answer {chain[1].module}")
            found = climbed(facts, cls, chain[:2])
            yield Draft("grand", prompt, chain[1].module, keys, (facts.name, *chain[0].path, *chain[1].path), found)


def method_owner(scene: Scene) -> Iterator[Draft]:
    """The owner is one step up in another module (``near``), or two or three steps up (``far``)."""
    for facts, cls, method, owners in inherited(scene):
        owner = owners[-1]
        seed = f"{scene.seed}/{facts.name}/{cls.name}/{method.name}"
        prompt = word_question("method_owner", "class", seed, cls=cls.name, module=facts.name, method=method.name)
        keys = (f"from {facts.name}.{cls.name}", f"in {facts.name}", f"answer {owner.item.name}")
        variant = "far" if len(owners) > 1 else "near"
        passed = (facts.name, *(m for place in owners for m in place.path))
        yield Draft(variant, prompt, owner.item.name, keys, passed, searched(facts, cls, owners))


def climbed(facts: ModuleFacts, cls: Outlined, owners: list[Place]) -> tuple[str, ...]:
    """The facts on the way up from a class to the last of its ``owners``: the base of each class before it."""
    lower = [f"{facts.name}.{cls.name}", *(f"{place.module}.{place.item.name}" for place in owners)]
    return tuple(f"base {name}" for name in lower[:-1])


def searched(facts: ModuleFacts, cls: Outlined, owners: list[Place]) -> tuple[str, ...]:
    """The facts by which the owner of an inherited method is found: the way up, and the methods of each class there."""
    return (*climbed(facts, cls, owners), *(f"methods {place.module}.{place.item.name}" for place in owners))


def inherited(scene: Scene) -> Iterator[tuple[ModuleFacts, Outlined, Outlined, list[Place]]]:
    """(module, class, method, ancestors up to the one that defines it) of inherited methods: one for each class and
    owner, of methods that several classes of the tree have, so that their name alone does not tell the owner."""
    for facts, cls, chain in scene.lines:
        hidden = set(facts.members[cls.qualname])
        for steps, owner in enumerate(chain[:3], start=1):
            methods = scene.resolver.methods(owner)
            if methods is None:
                break
            known = [m for m in methods if m.name not in hidden and not m.name.startswith("__")]
            known = [m for m in known if len(scene.resolver.index.definitions(m.name)) > 1]
            known = [m for m in known if owner.facts.members[owner.item.qualname] >= {m.name}]
            if known and (steps > 1 or owner.module != facts.name):
                method = scene.mixed(known, f"{facts.name}.{cls.name}", lambda m: m.name)[0]
                yield facts, cls, method, chain[:steps]
            hidden |= owner.facts.members[owner.item.qualname]


def follow_import(scene: Scene) -> Iterator[Draft]:
    """Through at least one re-export (``once``), or two imports one after the other (``twice``)."""
    onward: dict[str, list[tuple[str, Place]]] = {}
    for facts, name, place in scene.imports:
        onward.setdefault(facts.name, []).append((name, place))
    for facts, name, place in scene.imports:
        seed = f"{scene.seed}/{facts.name}/{name}"
        if len(place.path) > 2:
            prompt = word_question("follow_import", "module", seed, module=facts.name, name=name)
            ends = (f"from {facts.name}", f"answer {place.module}")
            yield Draft("once", prompt, place.module, ends, place.path, (f"import {facts.name}.{name}",))
        for second, end in onward.get(place.module, [])[:3]:
            if end.module == facts.name or second == name:
                continue
            prompt = word_question("follow_import.twice", "module", seed, module=facts.name, name=name, second=second)
            keys = (f"from {facts.name}", f"via {place.module}", f"answer {end.module}")
            found = (f"import {facts.name}.{name}", f"import {place.module}.{second}")
            yield Draft("twice", prompt, end.module, keys, (*place.path, *end.path), found)


def line_sum(scene: Scene) -> Iterator[Draft]:
    """An early line number and a late count of methods; the base stands in another module (``near``) or the same."""
    early = [(facts, cls) for facts, cls in scene.classes if cls.line > 30]
    lines = [line for line in scene.lines if len(scene.resolver.methods(line[2][0]) or ()) > 1]
    for number, (facts, other, chain) in enumerate(lines if early else ()):
        first, cls = early[(number * 7 + 3) % len(early)]
        if first.name == facts.name or cls.name == chain[0].item.name:
            continue
        answer = cls.line + len(scene.resolver.methods(chain[0]) or ())
        prompt = word_question(
            "line_sum",
            "number",
            f"{scene.seed}/{facts.name}/{other.name}",
            cls=cls.name,
            module=first.name,
            other=other.name,
            other_module=facts.name,
        )
        keys = (f"from {facts.name}", f"base {chain[0].module}.{chain[0].item.name}", f"first {first.name}.{cls.name}")
        variant = "near" if chain[0].module != facts.name else "same"
        found = (f"line {first.name}.{cls.name}", *searched(facts, other, chain[:1]))
        yield Draft(variant, prompt, str(answer), keys, (first.name, facts.name, *chain[0].path), found)
