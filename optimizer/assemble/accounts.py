"""The campaign's budget: limits, what was spent before, what is set aside for the end."""

from __future__ import annotations

import time

from optimizer.assemble.plan import Planned, end_of, needed_of
from optimizer.errors import BudgetExceeded, SettingsError
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
    wanted = {"final": end.exam or 0, "holdout": end.holdout}
    try:
        for purpose, rollouts in wanted.items():
            used = spent[purpose].rollouts if purpose in spent else 0
            if limits.rollouts is not None:
                budget.reserve_for(purpose, rollouts=max(0, rollouts - used))
    except BudgetExceeded:
        least = end.holdout + (end.exam or 0) + needed_of(planned)
        already = sum(part.rollouts for part in spent.values())
        if not already:
            raise SettingsError(
                f"budget: got {limits.rollouts} rollouts, of which {end.holdout} go to the holdout; "
                f"expected at least {least}",
                hint="raise --rollouts, or make the holdout or gate.holdout_repeats smaller",
            ) from None
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
