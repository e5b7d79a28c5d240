"""A rollout is found by its key, counted once, and never uncounted."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from optimizer.ledger.store import Ledger
from optimizer.records import Rollout, Spend, Status

Make = SimpleNamespace


def test_finished_rollout_is_found_as_it_was(ledger: Ledger, make: Make) -> None:
    key = make.key()
    rollout = Rollout(key, Status.timeout, 0.0, reason="5 s are over", answer=None, steps=9, spend=make.cost)
    assert ledger.rollouts.find([key]) == {}
    ledger.rollouts.start([key], "search")
    assert ledger.rollouts.find([key]) == {}
    ledger.rollouts.finish(rollout)
    assert ledger.rollouts.find([key]) == {key: rollout}
    assert ledger.rollouts.find([make.key(seed=1)]) == {}


def test_counted_once(ledger: Ledger, make: Make) -> None:
    key = make.key()
    ledger.rollouts.start([key], "search")
    ledger.rollouts.finish(make.rollout(key))
    with pytest.raises(ValueError, match="finished before"):
        ledger.rollouts.finish(make.rollout(key, score=0.0))
    with pytest.raises(ValueError, match="never run again"):
        ledger.rollouts.start([key], "search")
    with pytest.raises(ValueError, match="never started"):
        ledger.rollouts.finish(make.rollout(make.key("other")))
    assert ledger.rollouts.spent() == {"search": make.cost}


def test_one_refused_key_leaves_none_started(ledger: Ledger, make: Make) -> None:
    ledger.rollouts.start([make.key("a")], "search")
    ledger.rollouts.finish(make.rollout(make.key("a")))
    with pytest.raises(ValueError):
        ledger.rollouts.start([make.key("b"), make.key("a")], "search")
    assert ledger.rollouts.counts() == {"ok": 1}


def test_rollout_without_its_own_count_is_still_one(ledger: Ledger, make: Make) -> None:
    key = make.key()
    ledger.rollouts.start([key], "exam")
    ledger.rollouts.finish(Rollout(key, Status.crash, 0.0, "no result.json", spend=Spend(calls=2)))
    assert ledger.rollouts.spent() == {"exam": Spend(rollouts=1, calls=2)}


def test_interrupted_attempt_counts_what_it_reserved_but_no_rollout(ledger: Ledger, make: Make) -> None:
    first, second = make.key("a"), make.key("b")
    ledger.rollouts.reserved = Spend(rollouts=1, usd=2.0)
    ledger.propose(1, make.proposal(), champion="c" * 40)
    ledger.rollouts.start([first, second], "search")
    ledger.rollouts.finish(make.rollout(second))
    assert ledger.rollouts.interrupt() == 1
    assert ledger.rollouts.interrupt() == 0
    assert ledger.rollouts.spent()["search"] == make.cost + Spend(usd=2.0)
    ledger.rollouts.start([first], "search")
    ledger.rollouts.finish(make.rollout(first))
    assert ledger.rollouts.counts() == {"interrupted": 1, "ok": 2}
    assert ledger.totals().total.rollouts == 2
    states = [(row.rollout.key.task, row.state, row.purpose) for row in ledger.rollouts.of_experiment(1)]
    assert states == [("a", "interrupted", "search"), ("b", "ok", "search"), ("a", "ok", "search")]


def test_starting_again_interrupts_the_attempt_before(ledger: Ledger, make: Make) -> None:
    ledger.rollouts.start([make.key()], "search", reserved=Spend(usd=1.0))
    ledger.rollouts.start([make.key()], "search", reserved=Spend(usd=3.0))
    assert ledger.rollouts.counts() == {"interrupted": 1, "started": 1}
    assert ledger.rollouts.interrupt([make.key()]) == 1
    assert ledger.rollouts.spent() == {"search": Spend(usd=4.0)}


DIES = """
import os, signal, sys
from pathlib import Path
from optimizer.ledger.store import Ledger
from optimizer.records import Rollout, RolloutKey, Spend, Status
ledger = Ledger.open(Path(sys.argv[1]))
keys = [RolloutKey("v" * 40, "s", f"t{n}", 0) for n in range(5)]
ledger.rollouts.start(keys, "search", reserved=Spend(usd=1.0))
for key in keys[:3]:
    ledger.rollouts.finish(Rollout(key, Status.ok, 1.0, spend=Spend(rollouts=1, usd=0.1)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_process_loses_only_what_was_in_flight(ledger: Ledger) -> None:
    ledger.close()
    done = subprocess.run([sys.executable, "-c", DIES, str(ledger.folder)], check=False)
    assert done.returncode == -9
    assert Ledger.open(ledger.folder, read_only=True).totals().running == 2
    after = Ledger.open(ledger.folder)
    assert after.rollouts.counts() == {"ok": 3, "started": 2}
    assert after.rollouts.interrupt() == 2
    total = after.totals().total
    assert (total.rollouts, round(total.usd, 9)) == (3, 2.3)


def test_an_attempt_that_came_to_nothing_is_paid_for_and_may_start_again(ledger: Ledger, make: Make) -> None:
    rollout = make.rollout(make.key("a"))
    with pytest.raises(ValueError, match="never started"):
        ledger.rollouts.abandon(rollout.key, Spend())
    ledger.rollouts.start([rollout.key], "search", reserved=Spend(input_tokens=1000))
    ledger.rollouts.abandon(rollout.key, Spend(calls=2, input_tokens=7))
    assert ledger.rollouts.find([rollout.key]) == {}
    assert ledger.rollouts.spent() == {"search": Spend(calls=2, input_tokens=7)}
    ledger.rollouts.start([rollout.key], "search", reserved=Spend(input_tokens=1000))
    ledger.rollouts.finish(rollout)
    assert ledger.rollouts.spent()["search"] == replace(rollout.spend, rollouts=1) + Spend(calls=2, input_tokens=7)
    assert ledger.rollouts.counts() == {"interrupted": 1, "ok": 1}


def test_several_are_finished_together_or_none(ledger: Ledger, make: Make) -> None:
    keys = [make.key(seed=seed) for seed in range(3)]
    ledger.rollouts.start(keys, "search")
    with pytest.raises(ValueError, match="never started"):
        ledger.rollouts.finish(make.rollout(keys[0]), make.rollout(make.key("other")))
    with pytest.raises(ValueError, match="counted once"):
        ledger.rollouts.finish(make.rollout(keys[0]), make.rollout(keys[0]))
    assert ledger.rollouts.find(keys) == {} and ledger.rollouts.spent() == {}
    ledger.rollouts.finish(*map(make.rollout, keys))
    assert list(ledger.rollouts.find(reversed(keys))) == keys[::-1], "in the order asked for"
    assert ledger.rollouts.spent()["search"].rollouts == 3


def test_what_another_process_began_can_be_finished_or_let_go(ledger: Ledger, make: Make) -> None:
    keys = [make.key(seed=seed) for seed in range(2)]
    ledger.rollouts.start(keys, "exam")
    with Ledger.open(ledger.folder) as again:
        again.rollouts.finish(make.rollout(keys[0]))
        again.rollouts.abandon(keys[1], Spend())
    with pytest.raises(ValueError, match="finished before"):
        ledger.rollouts.finish(make.rollout(keys[0]))
    with pytest.raises(ValueError, match="never started"):
        ledger.rollouts.finish(make.rollout(keys[1]))
    assert ledger.rollouts.spent()["exam"].rollouts == 1
