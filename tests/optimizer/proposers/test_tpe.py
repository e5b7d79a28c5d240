"""TPE over the history, as edits to the champion."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

from optimizer.proposers.base import Past, Situation
from optimizer.proposers.random import RandomProposer
from optimizer.proposers.tpe import BLOCK, TPEProposer
from optimizer.records import Proposal, Verdict
from search_space.space import Assignment

Make = Callable[..., Situation]


def value_of(assignment: Assignment) -> float:
    """A truth to learn: verifying and a larger context help, steps have an optimum."""
    steps = assignment["limits.max_steps"]
    assert isinstance(steps, int)
    return (
        0.3
        + 0.2 * (assignment["method.verify"] == "long")
        + 0.1 * (assignment["limits.context_tokens"] == 16000)
        - 0.005 * abs(steps - 30)
        - 0.2 * (assignment["compaction"] == "none")
    )


def past_of(make: Make, count: int) -> list[Past]:
    history: list[Past] = []
    for number in range(count):
        now = make(number, seed=100)
        proposal = RandomProposer(two=1.0).propose(now)
        assert proposal is not None
        reading = now.space.read(proposal.edit.apply(now.files))
        crashed = number % 17 == 3
        history.append(
            Past(
                number=number,
                assignment=reading,
                changes=proposal.changes,
                verdict=Verdict.crash if crashed else Verdict.discard,
                effect=None if crashed else 0.0,
                value=None if crashed else value_of(reading),
            )
        )
    return history


def test_it_learns_which_way_to_go(situation: Make) -> None:
    history = past_of(situation, 150)
    good, drawn = 0.0, 0.0
    start = value_of(situation().assignment)
    for seed in range(40):
        now = situation(150, seed=seed, history=history)
        asked, random = TPEProposer().propose(now), RandomProposer().propose(now)
        assert asked is not None and random is not None
        good += value_of(now.space.read(asked.edit.apply(now.files))) - start
        drawn += value_of(now.space.read(random.edit.apply(now.files))) - start
    assert good / 40 > drawn / 40 + 0.03


def test_what_a_constraint_refuses_is_as_bad_as_a_crash(situation: Make) -> None:
    """Everything that verifies scores best and is refused: TPE must not go there."""
    history = past_of(situation, 150)
    refusing = [replace(past, refused=past.assignment.get("method.verify") == "long") for past in history]

    def verifying(past: list[Past]) -> int:
        asked = (TPEProposer().propose(situation(150, seed=seed, history=past)) for seed in range(24))
        return sum(proposal is not None and proposal.changes.get("method.verify") == "long" for proposal in asked)

    assert verifying(refusing) < verifying(history) / 2


def test_a_used_object_and_a_fresh_one_agree_all_along(situation: Make) -> None:
    history = past_of(situation, 2 * BLOCK + 9)
    used, asked = TPEProposer(), 0
    for count in range(0, len(history), 3):
        now = situation(count, history=history[:count])
        proposal = used.propose(now)
        if count % 24 == 0 or count > 2 * BLOCK:
            assert proposal == TPEProposer().propose(replace(now, history=tuple(history[:count])))
            asked += 1
    assert asked > 5


def test_another_history_is_not_mixed_with_the_first(situation: Make) -> None:
    history = past_of(situation, 40)
    used = TPEProposer()
    used.propose(situation(40, history=history))
    other = situation(20, history=history[20:40])
    assert used.propose(other) == TPEProposer().propose(other)


def test_at_most_three_dimensions_beside_those_it_switches_on(situation: Make) -> None:
    history = past_of(situation, 60)
    for seed in range(60):
        now = situation(60, seed=seed, history=history)
        proposal: Proposal | None = TPEProposer().propose(now)
        assert proposal is not None
        before = [name for name in proposal.changes if name in now.assignment]
        assert 1 <= len(before) <= 3


def test_values_outside_the_domain_and_unknown_dimensions_are_passed_over(situation: Make) -> None:
    history = past_of(situation, 30)
    odd = [
        replace(past, assignment={**past.assignment, "limits.max_steps": 7, "gone": "x", "extra.lr": "text"})
        for past in history
    ]
    assert TPEProposer().propose(situation(30, history=odd)) is not None


def test_importing_the_proposer_does_not_import_optuna() -> None:
    code = "import sys, optimizer.proposers.tpe; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_optuna_says_nothing() -> None:
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "from optimizer.proposers import tpe\n"
        "_, study = tpe._empty_study()\n"
        "from search_space.space import Space\n"
        "print(dict(tpe._sample(study, Space(()), (), startup=1, seed=1)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("{}", "")
