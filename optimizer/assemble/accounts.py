"""The campaign's budget: limits, what was spent before, what is set aside for the end."""

from __future__ import annotations

import time

from optimizer.assemble.planned import Planned
from optimizer.assemble.sizes import end_of
from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.ledger.store import Ledger
from optimizer.records import Spend
from optimizer.stopping import Stopping


def budget_of(planned: Planned, ledger: Ledger) -> Budget:
    """The budget with what earlier sittings spent taken off, and the end's share set aside."""
    spent = ledger.rollouts.spent()
    deadline = None if planned.seconds is None else time.monotonic() + planned.seconds
    limits = planned.limits
    budget = Budget(BudgetLimits(limits.rollouts, limits.tokens, limits.usd, deadline), sum(spent.values(), Spend()))
    end = end_of(planned)
    wanted = {"holdout": end.holdout, "final": end.exam or 0, "prune": end.prune or 0}
    for purpose, rollouts in wanted.items():
        used = spent[purpose].rollouts if purpose in spent else 0
        if limits.rollouts is not None:
            # Less may be left than was promised when a campaign is resumed with a smaller limit.
            left = budget.left().rollouts or 0
            budget.reserve_for(purpose, rollouts=max(0, min(rollouts - used, left)))
    return budget


def share_spent(budget: Budget, stopping: Stopping) -> float | None:
    """How much of the nearest limit is gone, in [0, 1]."""
    limits, spent = budget.limits, budget.spent
    shares = [
        used / limit
        for used, limit in (
            (spent.rollouts, limits.rollouts),
            (spent.tokens, limits.tokens),
            (spent.usd, limits.usd),
        )
        if limit
    ]
    if limits.deadline is not None and limits.deadline > stopping.began_at:
        shares.append((time.monotonic() - stopping.began_at) / (limits.deadline - stopping.began_at))
    return min(1.0, max(shares)) if shares else None
