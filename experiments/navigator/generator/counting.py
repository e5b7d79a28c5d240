"""Questions that count and compare: ``count_calls``, ``compare_defaults``, ``longest_function``, ``early_late``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from experiments.navigator.facts import ModuleFacts
from experiments.navigator.generator.ancestry import inherited, searched
from experiments.navigator.generator.scene import Draft, Scene
from experiments.navigator.questions import CANDIDATE, join_phrases, module_phrase, word_early_late, word_question

Described = tuple[str, tuple[str, ...]]
"""A phrase for a module, and the modules that one passes to find it."""

Late = tuple[str, int, dict[str, str], tuple[str, ...], tuple[str, ...]]
"""The second half of an ``early_late`` question: a key, its number, what its wording is filled with, the modules on the
way, and the facts to find."""

LARGE = 150
"""How many drafts are made where there is plenty of material: enough to choose from."""


def count_calls(scene: Scene) -> Iterator[Draft]:
    """Call sites of one name in three (``three``) or five (``five``) modules, the last of them told by a class."""
    for name, modules in scene.called:
        for size, variant in ((3, "three"), (5, "five")):
            chosen = _callers(scene, modules, size, f"{variant} {name}")
            if chosen is None:
                continue
            total = sum(len(facts.calls[name]) for facts in chosen)
            seed = f"{scene.seed}/{variant}/{name}"
            prompt = word_question("count_calls", "number", seed, function=name, modules=_listed(scene, chosen))
            keys = (f"name {name}", *(f"in {facts.name}" for facts in chosen))
            found = tuple(f"calls {name} {facts.name}" for facts in chosen)
            yield Draft(variant, prompt, str(total), keys, tuple(facts.name for facts in chosen), found)


def _callers(scene: Scene, modules: list[ModuleFacts], size: int, label: str) -> list[ModuleFacts] | None:
    """``size`` of the first eight ``modules``, the last one with a class to tell it by."""
    mixed = scene.mixed(modules[:8], label, lambda facts: facts.name)
    told = next((facts for facts in mixed if facts.name in scene.landmarks), None)
    named = [facts for facts in mixed if facts is not told][: size - 1]
    return [*named, told] if told and len(named) == size - 1 else None


def _listed(scene: Scene, modules: list[ModuleFacts]) -> str:
    """Phrases for ``modules``, the last one told by its class."""
    named = [module_phrase("named", module=facts.name) for facts in modules[:-1]]
    return join_phrases([*named, module_phrase("class", cls=scene.landmarks[modules[-1].name])], "and")


def compare_defaults(scene: Scene) -> Iterator[Draft]:
    """Four parameters whose defaults are numbers; of one (``constant``) or none (``plain``) it is a named constant."""
    rows: list[tuple[ModuleFacts, str, str, float, bool]] = []
    for facts in scene.modules:
        for item in facts.outline:
            twice = sum(other.qualname == item.qualname for other in facts.outline) > 1
            top = item.qualname.partition(".")[0]
            if (
                item.keyword != "def"
                or not item.plain
                or twice
                or item.depth > 1
                or not scene.resolver.defined(facts, top)
            ):
                continue
            for parameter, value in item.defaults:
                number = scene.resolver.default(facts, value)
                if number is not None:
                    rows.append((facts, item.qualname, parameter, number, isinstance(value, str)))
    mixed = scene.mixed(rows, "defaults", lambda d: (d[0].name, d[1], d[2]))
    constants, plain = [d for d in mixed if d[4]], [d for d in mixed if not d[4]]
    groups = [
        ("constant", [c, *(plain[(3 * i + k) % len(plain)] for k in range(3))])
        for i, c in enumerate(constants)
        if plain
    ]
    groups += [("plain", plain[i : i + 4]) for i in range(len(plain) - 3)]
    for variant, group in groups:
        numbers = sorted(d[3] for d in group)
        if numbers[-1] == numbers[-2] or len({d[0].name for d in group}) < 4 or len({d[1] for d in group}) < 4:
            continue
        label = "/".join(f"{d[0].name}.{d[1]}.{d[2]}" for d in group)
        group = scene.mixed(group, label, lambda d: (d[0].name, d[1]))
        listed = [CANDIDATE.format(parameter=d[2], function=d[1], module=d[0].name) for d in group]
        prompt = word_question(
            "compare_defaults", "written", f"{scene.seed}/{label}", candidates=join_phrases(listed, "or")
        )
        keys = tuple(f"{d[0].name}.{d[1]}" for d in group)
        found = tuple(f"default {d[0].name}.{d[1]}.{d[2]}" for d in group)
        yield Draft(variant, prompt, max(group, key=lambda d: d[3])[1], keys, tuple(d[0].name for d in group), found)


def longest_function(scene: Scene) -> Iterator[Draft]:
    """The longest function of five modules, one told by a class (``class``), or of four, one told by a base or by an
    import (``hop``)."""
    told = [(facts, (_listed(scene, [facts]), ())) for facts in scene.large if facts.name in scene.landmarks]
    hops = [hop for hop in _by_hop(scene) if hop[0] in scene.large]
    for variant, size, lasts in (("class", 4, told), ("hop", 3, hops)):
        for number in range(LARGE if lasts else 0):
            last, (phrase, passed) = lasts[number % len(lasts)]
            rest = [facts for facts in scene.large if facts is not last]
            named = scene.mixed(rest, f"{variant} {number}", lambda facts: facts.name)[:size]
            winner = scene.resolver.longest([*named, last])
            if len(named) < size or winner is None or winner.name.startswith("__"):
                continue
            phrases = [*(module_phrase("named", module=facts.name) for facts in named), phrase]
            seed = f"{scene.seed}/{variant}/{number}"
            prompt = word_question("longest_function", "function", seed, modules=join_phrases(phrases, "and"))
            keys = (f"last {last.name}", f"answer {winner.name}")
            modules = (*(facts.name for facts in named), last.name)
            found = tuple(f"longest {module}" for module in modules)
            yield Draft(variant, prompt, winner.name, keys, (*modules, *passed), found)


def early_late(scene: Scene) -> Iterator[Draft]:
    """The line of a function, needed again after a bulky search: ``calls``, ``longest`` or ``owner``; added to its
    result, or the larger one asked for (one in four)."""
    early = [(facts, item) for facts, item in scene.functions if item.line > 40 and facts in scene.large]
    tasks: list[Callable[[Scene], Iterator[Late]]] = [
        _calls,
        _longest,
        _owner,
    ]
    for task in tasks if early else ():
        for number, (key, value, facts_of_task, modules, found) in enumerate(islice(task(scene), LARGE)):
            start = scene.choice(tuple(range(len(early))), "early", key)
            first, item = next((e for e in (*early[start:], *early[:start]) if e[0].name not in modules), early[start])
            name = task.__name__.removeprefix("_")
            combine = "larger" if number % 4 == 3 else "sum"
            if first.name in modules or (combine == "larger" and item.line == value):
                continue
            prompt = word_early_late(
                name,
                combine,
                f"{scene.seed}/{key}",
                early={"function": item.name, "module": first.name},
                task_facts=facts_of_task,
            )
            answer = item.line + value if combine == "sum" else max(item.line, value)
            keys = (key, f"first {first.name}", f"first {first.name}.{item.name}", *(f"in {m}" for m in modules))
            found = (f"line {first.name}.{item.name}", *found)
            yield Draft(name, prompt, str(answer), keys, (first.name, *modules), found)


def _calls(scene: Scene) -> Iterator[Late]:
    for name, modules in reversed(scene.called):
        if chosen := _callers(scene, modules, 3, f"late {name}"):
            total = sum(len(facts.calls[name]) for facts in chosen)
            told = {"function": name, "modules": _listed(scene, chosen)}
            places = tuple(facts.name for facts in chosen)
            yield f"name {name}", total, told, places, tuple(f"calls {name} {place}" for place in places)


def _longest(scene: Scene) -> Iterator[Late]:
    for number in range(LARGE if len(scene.large) > 3 else 0):
        chosen = scene.mixed(scene.large, f"late {number}", lambda facts: facts.name)[:3]
        winner = scene.resolver.longest(chosen)
        if winner and chosen[-1].name in scene.landmarks:
            modules = tuple(facts.name for facts in chosen)
            found = tuple(f"longest {module}" for module in modules)
            yield f"longest {winner.qualname}", winner.length, {"modules": _listed(scene, chosen)}, modules, found


def _owner(scene: Scene) -> Iterator[Late]:
    for facts, cls, method, owners in inherited(scene):
        modules = (facts.name, *(module for place in owners for module in place.path))
        told = {"cls": cls.name, "module": facts.name, "method": method.name}
        passed = tuple(dict.fromkeys(modules))
        yield f"owner {facts.name}.{cls.name}", method.line, told, passed, searched(facts, cls, owners)


def _by_hop(scene: Scene) -> Iterator[tuple[ModuleFacts, Described]]:
    """Modules told by an imported name or by a base class that is defined in them."""
    for facts, cls, chain in scene.lines:
        if chain[0].module != facts.name:
            phrase = module_phrase("base", cls=cls.name, module=facts.name)
            yield chain[0].facts, (phrase, (facts.name, *chain[0].path))
    for facts, name, place in scene.imports:
        yield place.facts, (module_phrase("import", name=name, module=facts.name), place.path)
