"""What a campaign found, as reports tell it: members of the Pareto front, pieces of a pruned champion, switches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FrontMember:
    """A harness that nothing else measured beats in score and cost at once. ``experiment`` is 0 for the baseline.

    ``score`` is the search's estimate, ``low`` to ``high`` its 95% interval by the experiment's own evidence (how sure
    the champion's level was is not in it); ``billed_tokens`` and ``usd`` are those of one rollout, on average, and
    ``rollouts`` the number that this rests on. ``commit`` is None for what was not kept on the branch.
    """

    experiment: int
    tree: str
    what: str
    score: float
    low: float
    high: float
    billed_tokens: float
    usd: float
    rollouts: int
    commit: str | None


@dataclass(frozen=True, slots=True)
class Piece:
    """One change of a champion, or several that only go together, and what a pruning found of it. ``units`` names the
    dimensions and free edits, ``experiments`` those that it comes from, ``proposers`` who proposed them.

    ``effect`` is what it is believed to add, as a fraction, ``low`` to ``high`` the 95% interval, from everything that
    was measured with it and without; ``pays`` the probability that this is worth having: that it is more than a size
    too small to see, or for a ``simplification``, which was kept for being simpler, that it costs no more than allowed.
    """

    units: tuple[str, ...]
    what: str
    experiments: tuple[int, ...]
    proposers: tuple[str, ...]
    effect: float
    low: float
    high: float
    pays: float
    simplification: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """What a campaign learnt about a dimension that is on or off. ``on`` is its state in the champion, None when it is
    not active there. ``effect`` is what switching it on does, with its 95% interval, from the ``experiments`` that
    changed nothing else; None without any. ``together`` counts the experiments that changed it along with others."""

    name: str
    on: bool | None
    effect: float | None
    low: float | None
    high: float | None
    experiments: int
    rollouts: int
    together: int
