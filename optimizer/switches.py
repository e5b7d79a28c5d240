"""Each thing of a harness that is on or off, and what switching it did in the search: read from the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.acceptance.presets import FAST
from optimizer.acceptance.switches import combined
from optimizer.findings import Switch
from optimizer.ledger.rows import ExperimentRow
from optimizer.ledger.store import Ledger
from optimizer.records import Decision
from search_space.space import Assignment


def switches_of(ledger: Ledger) -> list[Switch]:
    """Every dimension that was ever read or set as true or false, by name; the best measured first, those that were
    never changed alone last."""
    rows = list(ledger.experiments())
    names = {
        name
        for row in rows
        for values in (row.assignment, row.proposal.changes)
        for name, value in values.items()
        if isinstance(value, bool)
    }
    gate = ledger.gate()
    now = _assignment(rows, gate["tree"]) if gate else {}
    found = [_switch(name, rows, now) for name in sorted(names)]
    return sorted(found, key=lambda switch: (switch.effect is None, -abs(switch.effect or 0.0), switch.name))


def _switch(name: str, rows: Sequence[ExperimentRow], now: Assignment) -> Switch:
    alone: list[tuple[bool, Decision]] = []
    together = 0
    for row in rows:
        value = row.proposal.changes.get(name)
        if row.decision is None or not isinstance(value, bool):
            continue
        if len(row.proposal.changes) == 1:
            alone.append((value, row.decision))
        elif row.decision.raw_effect is not None:
            together += 1
    effect = combined(alone, pseudo_tasks=FAST.working.pseudo_tasks)
    state = now.get(name)
    return Switch(
        name=name,
        on=state if isinstance(state, bool) else None,
        effect=effect.mean if effect else None,
        low=effect.low if effect else None,
        high=effect.high if effect else None,
        experiments=effect.experiments if effect else 0,
        rollouts=effect.rollouts if effect else 0,
        together=together,
    )


def _assignment(rows: Sequence[ExperimentRow], tree: str) -> Assignment:
    """How the space reads in the harness ``tree``: as the variant that it once was; or, for the baseline, from its own
    variants, in which every dimension but those changed stands as it did there."""
    for row in rows:
        if row.variant == tree:
            return row.assignment
    values: dict[str, object] = {}
    for row in rows:
        if row.champion == tree and row.assignment:
            for name, value in row.assignment.items():
                if name in row.proposal.changes:
                    # A change of a switch turns it round.
                    values.setdefault(name, not value if isinstance(value, bool) else value)
                else:
                    values[name] = value
    return {name: value for name, value in values.items() if isinstance(value, bool)}
