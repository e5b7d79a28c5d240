"""Examples as tasks: an id for each, and which of them the search, the exams and the holdout see."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.errors import SettingsError
from optimizer.records import Split

SHARES = (0.6, 0.2, 0.2)
"""The parts of the examples that the search, the exams and the holdout get, where no holdout is handed over."""
LEAST = 6
"""Fewer examples are not split: two at the least for each part."""
DRAWS = 60
"""Tasks of the search where there are no examples; a third as many for the exams and for the holdout."""
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Examples:
    """``by_id`` is each example by its task's id (None for a draw without an example), ``tasks`` the ids by split,
    ``dropped`` how many training examples were left out because the holdout has them too."""

    by_id: Mapping[str, Any]
    tasks: Mapping[Split, Sequence[str]]
    dropped: int = 0


def split_examples(
    trainset: Sequence[Any],
    valset: Sequence[Any] | None,
    *,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    group: Callable[[Any], Hashable] | None = None,
) -> Examples:
    """The split of ``trainset`` by ``shares`` (search, certify, holdout), drawn by ``seed``; ``valset``, where there is
    one, is the holdout as it stands, and ``trainset`` is shared by the first two.

    Examples that are equal, or to which ``group`` gives the same key, are near-copies of each other and never in two
    splits; one of ``trainset`` that has a near-copy in ``valset`` is left out. Raises :class:`SettingsError` for shares
    that are none and for fewer than 6 examples.
    """
    _check(trainset, valset, shares)
    groups: dict[str, list[str]] = {}
    held = {_key(example, group) for example in valset or ()}
    by_id: dict[str, Any] = {}
    for place, example in enumerate(trainset):
        key = _key(example, group) or f"number {place}"
        if key not in held:
            name = _id("example", place, example)
            by_id[name] = example
            groups.setdefault(key, []).append(name)
    if len(groups) < 2:
        raise SettingsError(
            f"trainset: got {len(groups)} examples that differ and are not in valset, expected 2 at the least",
            hint="a holdout that holds the training examples would measure nothing new",
        )
    dropped = len(trainset) - len(by_id)
    holdout = {_id("held", place, example): example for place, example in enumerate(valset or ())}
    wanted = (shares[0], shares[1], 0.0 if valset is not None else shares[2])
    search, certify, rest = _shared(groups, wanted, seed)
    tasks = {Split.search: search, Split.certify: certify, Split.holdout: [*holdout, *rest]}
    return Examples({**by_id, **holdout}, tasks, dropped)


def draws(count: int = DRAWS) -> Examples:
    """Tasks of an evaluator that takes no example: ``count`` draws of the search, a third as many for each other
    split."""
    sizes = {Split.search: count, Split.certify: max(1, count // 3), Split.holdout: max(1, count // 3)}
    tasks = {split: [f"{split}-{number + 1}" for number in range(size)] for split, size in sizes.items()}
    return Examples({name: None for names in tasks.values() for name in names}, tasks)


def _check(trainset: Sequence[Any], valset: Sequence[Any] | None, shares: Sequence[float]) -> None:
    if len(shares) != 3 or not all(0.0 <= share <= 1.0 for share in shares) or not shares[0] or sum(shares) > 1 + 1e-9:
        raise SettingsError(
            f"shares: got {tuple(shares)!r}, expected parts of 1: for the search (above 0), the exams, the holdout"
        )
    if valset is not None and not len(valset):
        raise SettingsError("valset: got no example, expected some, or None to have the holdout taken from trainset")
    if len(trainset) < LEAST:
        raise SettingsError(
            f"trainset: got {len(trainset)} examples, expected {LEAST} at the least (60 or more tell a small gain from "
            "chance)"
        )


def _shared(
    groups: Mapping[str, Sequence[str]], shares: Sequence[float], seed: int
) -> tuple[list[str], list[str], list[str]]:
    """The ids by split: groups in an order drawn by the seed, each to the split that is furthest from its share. In
    each split the ids stand in the order of the examples."""
    total = sum(len(names) for names in groups.values())
    weight = sum(shares)
    wanted = [share / weight * total for share in shares]
    given: list[list[str]] = [[], [], []]
    for key in sorted(groups, key=lambda key: hashlib.sha256(f"{seed}|{key}".encode()).digest()):
        place = max(range(3), key=lambda place: wanted[place] - len(given[place]))
        given[place] += groups[key]
    search, certify, holdout = (sorted(names, key=_place) for names in given)
    return search, certify, holdout


def _key(example: Any, group: Callable[[Any], Hashable] | None) -> str:
    return _told(example) if group is None else repr(group(example))


def _id(kind: str, place: int, example: Any) -> str:
    """The place and a digest of what the example says: a campaign knows by its tasks whether they are still the
    same."""
    return f"{kind}-{place + 1}-{hashlib.sha256(_told(example).encode()).hexdigest()[:8]}"


def _place(name: str) -> int:
    return int(name.split("-")[1])


def _told(example: Any) -> str:
    """What an example says; empty when it says nothing but where in memory it is."""
    try:
        return json.dumps(example, sort_keys=True, default=_plain)
    except (TypeError, ValueError):
        text = repr(example)
        return "" if ADDRESS.search(text) else text


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if hasattr(value, "toDict"):  # dspy's Example
        return value.toDict()
    raise TypeError(type(value).__name__)
