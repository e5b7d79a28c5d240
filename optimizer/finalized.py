"""The finalized branch: from the baseline, one commit for each change that pays, the best first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optimizer.acceptance.effects import Effects
from optimizer.acceptance.presets import PruningSettings
from optimizer.acceptance.pruning import Subset, in_order, stake, stakes
from optimizer.findings import Piece
from optimizer.parts import Parts
from optimizer.records import Spend
from optimizer.removal import Removal
from optimizer.reports.commit import piece_message


@dataclass(frozen=True, slots=True)
class Step:
    """One commit to be: what it adds, and the harness tree with it and all before it."""

    piece: Piece
    tree: str


def steps_of(
    removal: Removal,
    effects: Effects,
    there: Subset,
    tree_of: Callable[[Subset], str | None],
    settings: PruningSettings,
) -> list[Step]:
    """What stays (``there``, closed) in the order of effect, each beside what came before it, so that the effects add
    up to the whole gain. Where a harness on the way cannot be made, the change goes together with the next one."""
    whole, steps = removal.whole, list[Step]()
    done: Subset = frozenset()
    together: list[str] = []
    before = whole.terms(done)
    for one in in_order(effects, whole, there, settings):
        done, together = done | {one.unit}, [*together, one.unit]
        tree = tree_of(done)
        if tree is None:
            continue
        least = min(whole.least(unit, settings) for unit in together)
        found = stake(one.unit, *effects.gain(whole.terms(done), over=before), least)
        piece = _piece(removal, together, found.effect, found.low, found.high, found.pays)
        steps.append(Step(piece, tree))
        before, together = whole.terms(done), []
    return steps


def left_out(removal: Removal, effects: Effects, there: Subset, settings: PruningSettings) -> list[Piece]:
    """What does not stay, each beside all the others of the champion, the worst last."""
    whole = removal.whole
    gone = [one for one in stakes(effects, whole, frozenset(whole.units), settings) if one.unit not in there]
    gone.sort(key=lambda one: -one.effect)
    return [_piece(removal, [one.unit], one.effect, one.low, one.high, one.pays) for one in gone]


def write_chain(
    steps: Sequence[Step], parts: Parts, *, start: str, score: float, rollouts: int, spend: Spend
) -> list[str]:
    """The commits of ``steps`` on top of the commit ``start``, whose believed score is ``score``; no ref is moved."""
    commits: list[str] = []
    for place, step in enumerate(steps, start=1):
        message = piece_message(
            step.piece,
            campaign=parts.campaign,
            suite=parts.suite_hash,
            before=score,
            rollouts=rollouts,
            spend=spend,
            place=place,
            places=len(steps),
        )
        parent = commits[-1] if commits else start
        commits.append(parts.workspace.commit(step.tree, parent=parent, message=message, at=time.time()))
        score += step.piece.effect
    return commits


def _piece(removal: Removal, units: Sequence[str], effect: float, low: float, high: float, pays: float) -> Piece:
    changes = [removal.change(unit) for unit in units]
    rows = {row.number: row for change in changes for row in change.experiments}
    return Piece(
        units=tuple(units),
        what="; ".join(change.what for change in changes),
        experiments=tuple(sorted(rows)),
        proposers=tuple(dict.fromkeys(rows[number].proposal.proposer for number in sorted(rows))),
        effect=effect,
        low=low,
        high=high,
        pays=pays,
        simplification=all(change.simplification for change in changes),
    )
