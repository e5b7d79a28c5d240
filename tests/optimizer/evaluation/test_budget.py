"""The budget is never overrun, and what was promised to the end stays there."""

from __future__ import annotations

import threading
import time

import pytest

from optimizer.errors import BudgetExceeded
from optimizer.evaluation.budget import Budget, BudgetLimits
from optimizer.records import Spend


def tokens(count: int, usd: float = 0.0) -> Spend:
    return Spend(calls=1, input_tokens=count, usd=usd)


def test_without_limits_all_is_granted() -> None:
    budget = Budget(BudgetLimits())
    budget.settle(budget.reserve(tokens(10**9, 10**6)), tokens(5))
    with budget.rollouts(10**6, "search"):
        pass
    left = budget.left()
    assert (left.rollouts, left.tokens, left.usd, left.seconds) == (None, None, None, None)
    assert budget.spent == tokens(5)


def test_reservations_count_until_they_are_settled() -> None:
    budget = Budget(BudgetLimits(tokens=100))
    first = budget.reserve(tokens(60))
    with pytest.raises(BudgetExceeded, match="a call of up to 101 tokens, 40 left"):
        budget.reserve(tokens(101))
    assert budget.refusals == 1
    with pytest.raises(BudgetExceeded) as error:
        budget.reserve(tokens(60))
    assert error.value.passing and budget.refusals == 1, "it fits as soon as the first is settled"
    budget.settle(first, tokens(10))
    assert budget.left().tokens == 90
    budget.reserve(tokens(90))


@pytest.mark.parametrize("spent", [Spend(), Spend(calls=10, input_tokens=1_000, usd=1.0)])
@pytest.mark.parametrize("big", [tokens(10**9), tokens(1, 10**6)])
def test_a_call_that_asks_for_everything_is_no_end_of_the_budget(spent: Spend, big: Spend) -> None:
    budget = Budget(BudgetLimits(tokens=100_000, usd=1_000.0), spent)
    if not spent.calls:
        budget.settle(budget.reserve(tokens(1_000, 1.0)), tokens(100, 0.1))
    with pytest.raises(BudgetExceeded) as error:
        budget.reserve(big)
    assert budget.refusals == 0 and not error.value.passing
    budget.reserve(tokens(1_000, 1.0))


def test_a_call_as_large_as_others_that_is_not_covered_ends_the_budget() -> None:
    budget = Budget(BudgetLimits(tokens=10_000))
    budget.settle(budget.reserve(tokens(1_000)), tokens(3_000))
    with pytest.raises(BudgetExceeded):
        budget.reserve(tokens(7_001))
    assert budget.refusals == 1


def test_dollars_are_bounded_too() -> None:
    budget = Budget(BudgetLimits(usd=1.0))
    with pytest.raises(BudgetExceeded, match=r"up to \$2"):
        budget.reserve(tokens(1, 2.0))


def test_a_ticket_is_settled_once() -> None:
    budget = Budget(BudgetLimits())
    ticket = budget.reserve(tokens(1))
    budget.settle(ticket, tokens(1))
    with pytest.raises(ValueError, match="not open"):
        budget.settle(ticket, tokens(1))


def test_what_earlier_sittings_spent_is_gone() -> None:
    budget = Budget(BudgetLimits(rollouts=10, tokens=100), Spend(rollouts=4, input_tokens=30, output_tokens=30))
    assert (budget.left().rollouts, budget.left().tokens) == (6, 40)


def test_a_batch_gives_back_what_it_did_not_use() -> None:
    budget = Budget(BudgetLimits(rollouts=10))
    with budget.rollouts(8, "search") as grant:
        assert budget.left().rollouts == 2
        with pytest.raises(BudgetExceeded, match="3 rollouts for search, 2 left"), budget.rollouts(3, "search"):
            pass
        budget.count(grant, 1.5)
        budget.count(grant, 0.5)
    assert budget.left().rollouts == 8
    assert (budget.spent.rollouts, budget.spent.seconds) == (2, 2.0)


def test_no_more_is_counted_than_granted() -> None:
    budget = Budget(BudgetLimits(rollouts=10))
    with budget.rollouts(1, "search") as grant:
        budget.count(grant, 1.0)
        with pytest.raises(ValueError, match="than were granted"):
            budget.count(grant, 1.0)


def test_a_share_is_out_of_reach_for_others() -> None:
    budget = Budget(BudgetLimits(rollouts=10, tokens=100))
    budget.reserve_for("holdout", rollouts=6, tokens=70)
    assert (budget.left("search").rollouts, budget.left("holdout").rollouts) == (4, 10)
    with pytest.raises(BudgetExceeded), budget.rollouts(5, "search"):
        pass
    with pytest.raises(BudgetExceeded):
        budget.reserve(tokens(40))
    with budget.rollouts(6, "holdout") as grant:
        ticket = budget.reserve(tokens(40))
        budget.settle(ticket, tokens(40))
        for _ in range(4):
            budget.count(grant, 0.0)
    # 4 of the share's 6 rollouts and 40 of its 70 tokens are spent: the rest is still set aside.
    assert (budget.left("search").rollouts, budget.left("search").tokens) == (4, 30)
    assert (budget.left("holdout").rollouts, budget.left("holdout").tokens) == (6, 60)


def test_a_batch_may_use_its_share_and_what_is_free() -> None:
    budget = Budget(BudgetLimits(rollouts=10))
    budget.reserve_for("exam", rollouts=3)
    budget.reserve_for("holdout", rollouts=3)
    with budget.rollouts(7, "exam") as grant:
        assert budget.left("search").rollouts == 0
        for _ in range(5):
            budget.count(grant, 0.0)
    assert budget.left("search").rollouts == 0
    assert budget.left("exam").rollouts == 2


def test_no_more_is_set_aside_than_there_is() -> None:
    budget = Budget(BudgetLimits(rollouts=10, deadline=time.monotonic() + 100))
    budget.reserve_for("holdout", rollouts=8, seconds=60)
    with pytest.raises(BudgetExceeded, match="3 rollouts to set aside for exam, 2 left"):
        budget.reserve_for("exam", rollouts=3)
    with pytest.raises(BudgetExceeded, match="seconds"):
        budget.reserve_for("exam", seconds=50)


def test_time_is_set_aside_too() -> None:
    end = time.monotonic() + 100
    budget = Budget(BudgetLimits(deadline=end))
    budget.reserve_for("holdout", seconds=30)
    budget.reserve_for("exam", seconds=20)
    for purpose, others in (("search", 50), ("exam", 30)):
        left = budget.left(purpose).seconds
        assert left is not None
        assert end - time.monotonic() - others <= left < 100.001 - others
    assert Budget(BudgetLimits()).left("search").seconds is None


def test_nothing_is_granted_when_time_is_up() -> None:
    budget = Budget(BudgetLimits(deadline=time.monotonic() - 1))
    with pytest.raises(BudgetExceeded, match="no time left"), budget.rollouts(1, "search"):
        pass


def test_many_threads_never_overrun_it() -> None:
    budget = Budget(BudgetLimits(tokens=1000))

    def spend() -> None:
        for _ in range(100):
            try:
                ticket = budget.reserve(tokens(7))
            except BudgetExceeded:
                continue
            budget.settle(ticket, tokens(5))

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 990 <= budget.spent.tokens <= 1000


def test_what_is_left_of_a_share_may_be_handed_over() -> None:
    budget = Budget(BudgetLimits(rollouts=100))
    budget.reserve_for("prune", rollouts=30)
    budget.reserve_for("final", rollouts=10)
    with budget.rollouts(20, "prune") as grant:
        for _ in range(20):
            budget.count(grant, 0.1)
    budget.hand_over("prune", "final")
    budget.hand_over("prune", "final")
    assert (budget.left("search").rollouts, budget.left("final").rollouts, budget.left("prune").rollouts) == (
        60,
        80,
        60,
    )
    budget.hand_over("unknown", "final")
    assert budget.left("final").rollouts == 80
