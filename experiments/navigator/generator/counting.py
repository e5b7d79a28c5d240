"""Questions that count and compare: ``count_calls``, ``compare_defaults``, ``longest_function``, ``early_late``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from experiments.navigator.facts import ModuleFacts
from experiments.navigator.generator.ancestry import inherited
from experiments.navigator.generator.scene import Draft, Scene
from experiments.navigator.questions import CANDIDATE, join_phrases, module_phrase, word_early_late, word_question

Described = tuple[str, tuple[str, ...]]
"""A phrase for a module, and the modules that one passes to find it."""

MIN_FUNCTIONS = 8
"""A module is worth an outline from this many functions on."""

LARGE = 300
"""How many drafts of a kind with plenty of material are made: enough to choose from."""


def count_calls(scene: Scene) -> Iterator[Draft]:
    """Call sites of one name in three modules, one of them told by a class (``three``) or two so (``two``)."""
    for number, (name, modules) in enumerate(scene.called[:LARGE]):
        told = [facts for facts in scene.mixed(modules, name, lambda f: f.name) if facts.name in scene.landmarks]
        named = [facts for facts in scene.mixed(modules, name, lambda f: f.name) if facts not in told[:1]]
        if not told or len(named) < 2:
            continue
        chosen = [*named[:2], told[0]] if number % 2 else [named[0], told[0]]
        total = sum(len(facts.calls[name]) for facts in chosen)
        phrases = [module_phrase("named", module=facts.name) for facts in chosen[:-1]]
        phrases.append(module_phrase("class", cls=scene.landmarks[told[0].name]))
        prompt = word_question(
            "count_calls", "number", f"{scene.seed}/{name}", function=name, modules=join_phrases(phrases, "and")
        )
        keys = (f"name {name}", *(f"in {facts.name}" for facts in chosen))
        yield Draft("three" if number % 2 else "two", prompt, str(total), keys, tuple(facts.name for facts in chosen))


def compare_defaults(scene: Scene) -> Iterator[Draft]:
    """Three parameters whose defaults are numbers; one at least is a named constant (``constant``) or none "
    "(``plain``)."""
    found: list[tuple[ModuleFacts, str, str, float, bool]] = []
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
                    found.append((facts, item.qualname, parameter, number, isinstance(value, str)))
    mixed = scene.mixed(found, "defaults", lambda d: (d[0].name, d[1], d[2]))
    constants, plain = [d for d in mixed if d[4]], [d for d in mixed if not d[4]]
    groups = [
        ("constant", [c, plain[2 * i % len(plain)], plain[(2 * i + 1) % len(plain)]]) for i, c in enumerate(constants)
    ]
    groups += [("plain", plain[i : i + 3]) for i in range(len(plain) - 2)]
    for variant, trio in groups:
        numbers = sorted(d[3] for d in trio)
        if numbers[-1] == numbers[-2] or len({d[0].name for d in trio}) < 3 or len({d[1] for d in trio}) < 3:
            continue
        label = "/".join(f"{d[0].name}.{d[1]}.{d[2]}" for d in trio)
        trio = scene.mixed(trio, label, lambda d: (d[0].name, d[1]))
        listed = [CANDIDATE.format(parameter=d[2], function=d[1], module=d[0].name) for d in trio]
        prompt = word_question(
            "compare_defaults", "written", f"{scene.seed}/{label}", candidates=join_phrases(listed, "or")
        )
        keys = tuple(f"{d[0].name}.{d[1]}" for d in trio)
        yield Draft(variant, prompt, max(trio, key=lambda d: d[3])[1], keys, tuple(d[0].name for d in trio))


def longest_function(scene: Scene) -> Iterator[Draft]:
    """The longest function of two modules, the second told by a class (``class``) or by a base or an import "
    "(``hop``)."""
    big = {facts.name: facts for facts in scene.modules if _is_big(facts)}
    told = [
        (facts, _by_class(scene, facts))
        for facts in scene.mixed(big.values(), "longest", lambda f: f.name)
        if _is_told(scene, facts)
    ]
    hops = [(big[module], described) for module, described in _by_hop(scene) if module in big]
    pairs = [("class", told[i], told[(i + 1) % len(told)]) for i in range(len(told))]
    pairs += [("hop", told[i % len(told)], hop) for i, hop in enumerate(hops)]
    for variant, (first, phrase), (second, other) in pairs:
        winner = scene.resolver.longest([first, second]) if first is not second else None
        if winner is None or winner.name.startswith("__"):
            continue
        seed = f"{scene.seed}/{first.name}/{second.name}"
        prompt = word_question("longest_function", "function", seed, modules=join_phrases([phrase[0], other[0]], "and"))
        keys = (f"in {first.name}", f"in {second.name}", f"answer {winner.name}")
        yield Draft(variant, prompt, winner.name, keys, (first.name, second.name, *phrase[1], *other[1]))


def early_late(scene: Scene) -> Iterator[Draft]:
    """The line of a function, needed again after a bulky search: ``calls``, ``longest`` or ``owner``; added to its
    result, or the larger one asked for (one in four)."""
    early = [(facts, item) for facts, item in scene.functions if item.line > 40 and _is_big(facts)]
    tasks: list[Callable[[Scene], Iterator[tuple[str, int, dict[str, str], tuple[str, ...]]]]] = [
        _calls,
        _longest,
        _owner,
    ]
    for task in tasks:
        for number, (key, value, facts_of_task, modules) in enumerate(islice(task(scene), LARGE)):
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
            yield Draft(name, prompt, str(answer), keys, (first.name, *modules))


def _calls(scene: Scene) -> Iterator[tuple[str, int, dict[str, str], tuple[str, ...]]]:
    for name, modules in reversed(scene.called):
        mixed = scene.mixed(modules, f"late {name}", lambda f: f.name)
        told = [facts for facts in mixed if facts.name in scene.landmarks][:1]
        chosen = [*[facts for facts in mixed if facts not in told][:1], *told]
        if len(chosen) == 2 and told:
            phrases = [module_phrase("named", module=chosen[0].name), _by_class(scene, told[0])[0]]
            total = sum(len(facts.calls[name]) for facts in chosen)
            yield (
                f"name {name}",
                total,
                {"function": name, "modules": join_phrases(phrases, "and")},
                tuple(f.name for f in chosen),
            )


def _longest(scene: Scene) -> Iterator[tuple[str, int, dict[str, str], tuple[str, ...]]]:
    modules = {facts.name: facts for facts in scene.modules if _is_big(facts)}
    hops = [(modules[name], told) for name, told in _by_hop(scene) if name in modules]
    told = [
        (facts, _by_class(scene, facts))
        for facts in scene.mixed(modules.values(), "late", lambda f: f.name)
        if _is_told(scene, facts)
    ]
    for facts, (phrase, passed) in [*told, *hops]:
        if winner := scene.resolver.longest([facts]):
            yield f"longest {facts.name}", winner.length, {"modules": phrase}, (facts.name, *passed)


def _owner(scene: Scene) -> Iterator[tuple[str, int, dict[str, str], tuple[str, ...]]]:
    for facts, cls, method, owners in inherited(scene):
        modules = (facts.name, *(module for place in owners for module in place.path))
        told = {"cls": cls.name, "module": facts.name, "method": method.name}
        yield f"owner {facts.name}.{cls.name}", method.line, told, tuple(dict.fromkeys(modules))


def _is_big(facts: ModuleFacts) -> bool:
    return sum(item.keyword == "def" for item in facts.outline) >= MIN_FUNCTIONS


def _is_told(scene: Scene, facts: ModuleFacts) -> bool:
    return facts.name in scene.landmarks


def _by_class(scene: Scene, facts: ModuleFacts) -> Described:
    return module_phrase("class", cls=scene.landmarks[facts.name]), (facts.name,)


def _by_hop(scene: Scene) -> Iterator[tuple[str, Described]]:
    """Modules told by an imported name or by a base class that is defined in them."""
    for facts, cls, chain in scene.lines:
        if chain[0].module != facts.name:
            phrase = module_phrase("base", cls=cls.name, module=facts.name)
            yield chain[0].module, (phrase, (facts.name, *chain[0].path))
    for facts, name, place in scene.imports:
        yield place.module, (module_phrase("import", name=name, module=facts.name), place.path)
