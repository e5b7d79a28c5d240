"""What a campaign that is taken up again knows: its standing and its memory, made again from the ledger."""

from __future__ import annotations

from optimizer.acceptance.effects import Effects
from optimizer.acceptance.pool import learnt
from optimizer.ledger.rows import ExperimentRow
from optimizer.ledger.store import Ledger
from optimizer.parts import Memory, Parts
from optimizer.standing import Standing


def recollected(ledger: Ledger) -> Standing | None:
    """Where the campaign stood after its last decision, with all that was learnt until then; None before the first.

    The posterior is made of the updates that were written with every decision, in their order: the same one, to the
    last digit, that the process had which wrote them.
    """
    effects, last = Effects.prior(), None
    for last in ledger.gates():
        for update in last["pool"]["learnt"]:
            effects = learnt(effects, update)
    return None if last is None else Standing.from_json(last, effects)


def recollect(parts: Parts) -> Memory:
    """What the ledger says of past experiments, as the proposers may know it."""
    memory = Memory()
    for row in parts.ledger.experiments():
        _recollect(memory, row)
    return memory


def _recollect(memory: Memory, row: ExperimentRow) -> None:
    if row.lesson is None:
        return
    memory.add(
        row.number,
        row.proposal,
        row.lesson,
        champion=row.champion,
        variant=row.variant,
        assignment=row.assignment,
        value=row.value,
        rollouts=row.spend.rollouts,
        refused=bool(row.decision and row.decision.refused),
    )
