"""Sequences: several questions about the same neighbourhood, so that what one finds helps with the next.

A sequence is made around one fact that all its questions need (the base of a class, the call sites in a module, ...).
It begins with the question that needs the fewest facts; each next one is the question that shares most facts with those
before it. One whose questions all have the same answer is left out: that could be parroted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from experiments.navigator.generator.scene import Draft, Scene

THEMES: Final[Mapping[str, tuple[str, ...]]] = {
    "inheritance": ("base", "methods"),
    "imports": ("import",),
    "calls": ("calls",),
    "lengths": ("longest",),
    "defaults": ("default",),
}
"""What the questions of a sequence share: the kinds of fact that it can be made around, by the name of the theme."""
MOST_REPEATS: Final = 8


def make_sequences(scene: Scene, drafts: Sequence[Draft], size: int, length: int) -> list[tuple[str, list[Draft]]]:
    """``size`` sequences (theme, ``length`` drafts), the themes as equal in number as the size and ``drafts`` allow; no
    draft stands in two. Fewer when there is not enough material."""
    wanted = {theme: size // len(THEMES) + (number < size % len(THEMES)) for number, theme in enumerate(THEMES)}
    makers = {theme: _Maker(scene, theme, drafts, length) for theme in THEMES}
    taken: set[str] = set()
    made = {theme: makers[theme].make(wanted[theme], taken) for theme in THEMES}
    for theme in THEMES:
        missing = size - sum(map(len, made.values()))
        made[theme] += makers[theme].make(missing, taken)
    return [(theme, chosen) for theme in THEMES for chosen in made[theme]]


class _Maker:
    """Makes the sequences of one theme, spread over what they are about."""

    def __init__(self, scene: Scene, theme: str, drafts: Sequence[Draft], length: int) -> None:
        self._length = length
        self._about: dict[str, list[Draft]] = {}
        for draft in drafts:
            for fact in draft.facts:
                if fact.partition(" ")[0] in THEMES[theme]:
                    self._about.setdefault(fact, []).append(draft)
        self._facts = scene.mixed(self._about, f"sequences {theme}", str)
        self._used: dict[str, int] = {}

    def make(self, wanted: int, taken: set[str]) -> list[list[Draft]]:
        """Up to ``wanted`` more sequences of drafts whose prompts are not ``taken``, which grows."""
        made: list[list[Draft]] = []
        for allowed in range(1, MOST_REPEATS + 1):
            for fact in self._facts:
                if len(made) >= wanted:
                    return made
                chosen = self._chosen(self._about[fact], taken)
                keys = {key for draft in chosen for key in draft.keys}
                if not chosen or any(self._used.get(key, 0) >= allowed for key in keys):
                    continue
                made.append(chosen)
                taken.update(draft.prompt for draft in chosen)
                for key in keys:
                    self._used[key] = self._used.get(key, 0) + 1
        return made

    def _chosen(self, drafts: Sequence[Draft], taken: set[str]) -> list[Draft]:
        """The questions of one sequence, none when there are too few."""
        left = [draft for draft in drafts if draft.prompt not in taken]
        if len(left) < self._length:
            return []
        chosen = [min(left, key=lambda draft: len(draft.facts))]
        while len(chosen) < self._length:
            known = {fact for draft in chosen for fact in draft.facts}
            answers = {draft.answer for draft in chosen}
            rest = [draft for draft in left if draft not in chosen]
            chosen.append(max(rest, key=lambda d: (len(known.intersection(d.facts)), d.answer not in answers)))
        return chosen if len({draft.answer for draft in chosen}) > 1 else []
