"""What the upstream spoils is no measurement: it is tried again, paid for, and given up in time."""

from __future__ import annotations

import time
from typing import Any

import pytest

from optimizer.errors import ModelUnavailable
from optimizer.evaluation.base import Stopped
from optimizer.evaluation.runner import RunnerSettings
from optimizer.models.base import Account, Trouble, UpstreamError
from optimizer.records import Spend, Status

BUSY = UpstreamError(529, "overloaded_error", "busy", again=True)
WASTED = Spend(calls=1, input_tokens=7)
SPOILT = Account(wasted=WASTED, waited_s=0.1, failure=BUSY)


def test_a_spoilt_rollout_is_run_again_and_only_its_cost_is_kept(bench: Any) -> None:
    bench.door.accounts = [SPOILT, SPOILT]
    rollouts = bench.run("ask", bench.wanted(3))
    assert [(rollout.status, rollout.score, rollout.spend.tokens) for rollout in rollouts] == [(Status.ok, 1.0, 10)] * 3
    assert bench.budget.spent.rollouts == 3 and len(bench.door.opened) == 5
    assert len(bench.seen) == 3 and set(bench.store.finished.values()) == set(rollouts)
    # Two calls that were answered in vain, and what their failed attempts cost.
    assert bench.store.beside.tokens == 2 * (10 + 7) and bench.door.held == 5
    again = [session for session, _, _ in bench.door.opened]
    assert len(set(again)) == 3


def test_what_failed_attempts_cost_is_counted_beside_a_rollout_that_went_well(bench: Any) -> None:
    bench.door.accounts = [Account(wasted=WASTED, waited_s=0.1)]
    (rollout,) = bench.run("ask", bench.wanted(1))
    assert rollout.spend.tokens == 10 and bench.store.beside == WASTED and len(bench.door.opened) == 1


def test_waiting_for_the_model_is_no_time_of_the_rollouts(bench: Any) -> None:
    bench.door.accounts = [Account(waited_s=1000.0)]
    (rollout,) = bench.run("sleep 0.2", bench.wanted(1))
    assert rollout.spend.seconds == 0.0


def test_a_wrong_key_gives_up_at_once_and_says_what_to_do(bench: Any) -> None:
    bench.door.accounts = [Account(failure=UpstreamError(401, "authentication_error", "invalid key", again=False))]
    with pytest.raises(ModelUnavailable, match="invalid key") as error:
        bench.run("double", bench.wanted(8))
    assert not error.value.heals and "key" in error.value.hint
    assert len(bench.store.finished) < 8 and all(one.score == 1.0 for one in bench.store.finished.values())
    assert bench.budget.spent.rollouts == len(bench.store.finished)
    assert len(bench.run("double", bench.wanted(8))) == 8, "what was measured is known, the rest is run"


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (Trouble(failing_s=300.0), "did not answer for 300 s; last: busy"),
        (Trouble(failing_s=1.0, pause_s=3600.0), "a pause of 3,600 s"),
    ],
)
def test_an_outage_gives_up_when_it_has_lasted(bench: Any, trouble: Trouble, told: str) -> None:
    bench.door.accounts, bench.door.troubled = [SPOILT], trouble
    with pytest.raises(ModelUnavailable, match=told) as error:
        bench.run("double", bench.wanted(2))
    assert error.value.heals


def test_a_rollout_that_the_model_fails_again_and_again_gives_up(bench: Any) -> None:
    bench.door.accounts = [SPOILT] * 50
    with pytest.raises(ModelUnavailable, match="failed 5 times"):
        bench.run("ask", bench.wanted(1))
    assert len(bench.door.opened) == 5 and not bench.store.finished and bench.budget.spent.rollouts == 0


@pytest.mark.parametrize("settings", [RunnerSettings(rollout_timeout_s=0.3)])
@pytest.mark.parametrize(("waited_s", "runs"), [(0.0, 1), (0.01, 1), (0.2, 3)])
def test_out_of_time_after_waiting_is_tried_twice_more_and_then_a_timeout(
    bench: Any, waited_s: float, runs: int
) -> None:
    bench.door.accounts = [Account(waited_s=waited_s)] * 9
    (rollout,) = bench.run("sleep 60", bench.wanted(1))
    assert rollout.status is Status.timeout and len(bench.door.opened) == runs
    assert bench.budget.spent.rollouts == 1


def test_the_deadline_holds_while_the_model_fails(bench: Any) -> None:
    bench.door.accounts = [SPOILT] * 500
    began = time.monotonic()
    with pytest.raises((Stopped, ModelUnavailable)):
        bench.run("sleep 0.3", bench.wanted(8), deadline=began + 0.8)
    assert time.monotonic() - began < 5.0 and not bench.store.finished


LASTING = Account(spend=Spend(calls=1, input_tokens=3), failure=UpstreamError(404, "not_found_error", "x", again=False))
ASKING = Spend(calls=1, input_tokens=2)
WELL = Account(spend=ASKING)


def test_a_variant_that_makes_its_calls_fail_is_measured_by_that(bench: Any) -> None:
    """A model that is well, and fails only what this rollout asks: nothing that the campaign has to stop for."""
    bench.door.accounts, bench.door.found = [LASTING, LASTING], [WELL, WELL]
    (rollout,) = bench.run("raise x", bench.wanted(1))
    assert (rollout.status, rollout.score) == (Status.crash, 0.0)
    assert len(bench.door.opened) == 2 and bench.budget.spent.rollouts == 1
    assert bench.store.beside == Spend(calls=3, input_tokens=3 + 2 * 2, seconds=bench.store.beside.seconds)


def test_what_failed_once_and_is_well_again_is_chance(bench: Any) -> None:
    bench.door.accounts, bench.door.found = [LASTING], [WELL]
    (rollout,) = bench.run("ask", bench.wanted(1))
    assert rollout.score == 1.0 and len(bench.door.probed) == 1


def test_calls_that_fail_and_fail_while_the_model_is_well_count_in_the_end(bench: Any) -> None:
    spoilt = Account(waited_s=9.0, failure=BUSY)
    bench.door.accounts, bench.door.found = [spoilt] * 50, [WELL] * 50
    (rollout,) = bench.run("sleep 0.2", bench.wanted(1))
    assert len(bench.door.opened) == 6 and len(bench.door.probed) == 2
    assert rollout.spend.seconds > 0.1, "waiting that it brought about itself is its own"


def test_a_model_that_does_not_answer_us_either_gives_up_as_before(bench: Any) -> None:
    bench.door.accounts = [LASTING]
    with pytest.raises(ModelUnavailable, match="404"):
        bench.run("raise x", bench.wanted(1))
    assert len(bench.door.probed) == 1 and not bench.store.finished


@pytest.mark.parametrize(("waited_s", "runs"), [(0.0, 1), (9.0, 3)])
def test_a_call_cut_short_after_waiting_is_no_error_of_the_rollouts(bench: Any, waited_s: float, runs: int) -> None:
    """The door's deadline comes just before the sandbox's: whether the rollout still tells of it is a race."""
    bench.door.accounts = [Account(waited_s=waited_s)] * 9
    (rollout,) = bench.run("cut-short", bench.wanted(1))
    assert rollout.status is Status.crash and len(bench.door.opened) == runs
