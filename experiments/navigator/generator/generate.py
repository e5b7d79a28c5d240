"""From a source tree and a seed to tasks with truths, divided into splits that share no top-level package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from experiments.navigator.generator.ancestry import base_module, follow_import, line_sum, method_owner
from experiments.navigator.generator.counting import compare_defaults, count_calls, early_late, longest_function
from experiments.navigator.generator.resolve import Resolver
from experiments.navigator.generator.scene import Draft, Scene, spread
from experiments.navigator.generator.sequences import make_sequences
from experiments.navigator.generator.splits import assign, package_of
from experiments.navigator.index import Index, load_index
from experiments.navigator.questions import KINDS

DEFAULT_SIZES: Final[Mapping[str, int]] = {"search": 72, "certify": 48, "holdout": 96}
MAX_DRAFTS: Final = 1_000

_KINDS: Final[Mapping[str, Callable[[Scene], Iterator[Draft]]]] = {
    "base_module": base_module,
    "method_owner": method_owner,
    "follow_import": follow_import,
    "count_calls": count_calls,
    "compare_defaults": compare_defaults,
    "longest_function": longest_function,
    "line_sum": line_sum,
    "early_late": early_late,
}


def generate(args: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Tasks as ``{id, split, kind, prompt, answer}``, or sequences as ``{id, split, kind, prompts, answers}``.

    ``args``: ``root`` (a folder of Python sources; the standard library when left out), ``seed`` (0), and how many
    tasks each split gets: ``search`` (72), ``certify`` (48), ``holdout`` (96). With ``sequence`` (at least 2) each task
    is a sequence of so many questions about one neighbourhood. The same tree and arguments give the same tasks. Raises
    :class:`ValueError` for a bad argument and for a tree that holds too little to ask about.
    """
    sizes, seed, length, root = _checked(args)
    try:
        index = load_index(root)
    except FileNotFoundError as error:
        raise ValueError(f"root: {error}; expected a folder of Python sources") from None
    parts = scenes(index, sizes, seed)
    if length:
        return [row for scene in parts for row in _sequences(scene, sizes[scene.split], length)]
    return [row for scene in parts for row in _tasks(scene, sizes[scene.split])]


def scenes(index: Index, sizes: Mapping[str, int], seed: int) -> list[Scene]:
    """The tree divided among the splits that have a size, in proportion to it."""
    resolver = Resolver(index)
    total = sum(sizes.values())
    shares = {split: size / total for split, size in sizes.items() if size}
    division = assign(_weights(resolver), shares)
    return [
        Scene(resolver, split, frozenset(package for package, where in division.items() if where == split), seed)
        for split in shares
    ]


def _weights(resolver: Resolver) -> dict[str, tuple[float, ...]]:
    """What each package brings: definitions, classes with an ancestor in another module of the package, classes with
    several ancestors, and defaults that are named constants: the rarest material. Square roots, since no module is
    asked about very often."""
    weights: dict[str, list[float]] = {}
    for facts in resolver.modules:
        package = package_of(facts.name)
        chains = [resolver.ancestors(facts, cls) for cls in resolver.classes(facts)]
        counts = (
            len(facts.outline),
            sum(any(place.module != facts.name and package_of(place.module) == package for place in c) for c in chains),
            sum(len(chain) > 1 for chain in chains),
            sum(value in facts.numbers for item in facts.outline for _, value in item.defaults),
        )
        weights[package] = [a + b**0.5 for a, b in zip(weights.get(package, [0.0] * 4), counts, strict=True)]
    return {package: tuple(weight) for package, weight in weights.items()}


def _tasks(scene: Scene, size: int) -> list[dict[str, Any]]:
    """``size`` tasks, the kinds as equal in number as the size and the tree allow."""
    pools = {kind: _drafts(scene, kind) for kind in KINDS}
    wanted = {kind: size // len(KINDS) + (number < size % len(KINDS)) for number, kind in enumerate(KINDS)}
    chosen = {kind: _select(pools[kind], wanted[kind]) for kind in KINDS}
    missing = size - sum(map(len, chosen.values()))
    for kind in ("count_calls", "early_late", "line_sum", "longest_function", "method_owner", "base_module"):
        if missing > 0:
            chosen[kind] = _select(pools[kind], len(chosen[kind]) + missing)
            missing = size - sum(map(len, chosen.values()))
    if missing > 0:
        raise _too_little(scene, size - missing, size, "questions")
    return [
        {
            "id": f"{scene.split}-{kind}-{number:02}",
            "split": scene.split,
            "kind": kind,
            "prompt": draft.prompt,
            "answer": draft.answer,
        }
        for kind in KINDS
        for number, draft in enumerate(chosen[kind], start=1)
    ]


def _sequences(scene: Scene, size: int, length: int) -> list[dict[str, Any]]:
    """``size`` sequences, the themes as equal in number as the size and the tree allow."""
    drafts = [draft for kind in KINDS for pool in _drafts(scene, kind).values() for draft in pool]
    made = make_sequences(scene, drafts, size, length)
    if len(made) < size:
        raise _too_little(scene, len(made), size, f"sequences of {length}")
    numbers: dict[str, int] = {}
    rows = []
    for theme, chosen in made:
        numbers[theme] = numbers.get(theme, 0) + 1
        rows.append(
            {
                "id": f"{scene.split}-{theme}-{numbers[theme]:02}",
                "split": scene.split,
                "kind": theme,
                "prompts": [draft.prompt for draft in chosen],
                "answers": [draft.answer for draft in chosen],
            }
        )
    return rows


def _too_little(scene: Scene, got: int, expected: int, what: str) -> ValueError:
    return ValueError(
        f"{scene.split}: got material for {got} {what}, expected {expected}; ask for fewer or name a larger source tree"
    )


def _drafts(scene: Scene, kind: str) -> dict[str, list[Draft]]:
    """The drafts of a kind by variant, without repeated prompts."""
    pools: dict[str, list[Draft]] = {}
    seen: set[str] = set()
    for draft in _KINDS[kind](scene):
        pool = pools.setdefault(draft.variant, [])
        if draft.prompt not in seen and len(pool) < MAX_DRAFTS:
            seen.add(draft.prompt)
            pool.append(draft)
    return pools


def _select(pools: Mapping[str, list[Draft]], wanted: int) -> list[Draft]:
    """``wanted`` drafts, as evenly from the variants as they last, the scarcest variant first."""
    used: dict[str, int] = {}
    taken: list[Draft] = []
    order = sorted(pools, key=lambda variant: (len(pools[variant]), variant))
    for number, variant in enumerate(order):
        share = -(-(wanted - len(taken)) // (len(order) - number))
        taken += spread(pools[variant], share, used)
    rest = [draft for variant in reversed(order) for draft in pools[variant] if draft not in taken]
    return taken + spread(rest, wanted - len(taken), used)


def _checked(args: Mapping[str, Any]) -> tuple[dict[str, int], int, int, str | None]:
    """Sizes, seed, length of a sequence (0 for single questions), root."""
    known = ("root", "seed", "sequence", *DEFAULT_SIZES)
    if unknown := sorted(set(args) - set(known)):
        raise ValueError(f"unknown argument {', '.join(unknown)}; expected some of {', '.join(known)}")
    for name in ("seed", "sequence", *DEFAULT_SIZES):
        value = args.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{name}: got {value!r}, expected a whole number of at least 0")
    if args.get("sequence") == 1:
        raise ValueError("sequence: got 1, expected at least 2 questions (or 0 for single ones)")
    root = args.get("root")
    if root is not None and not isinstance(root, str):
        raise ValueError(f"root: got {root!r}, expected a path as text")
    sizes = {split: int(args.get(split, size)) for split, size in DEFAULT_SIZES.items()}
    if not any(sizes.values()):
        raise ValueError("got 0 tasks in every split, expected at least one task")
    return sizes, int(args.get("seed", 0)), int(args.get("sequence", 0)), root or None
