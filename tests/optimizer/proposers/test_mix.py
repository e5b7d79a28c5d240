"""Several proposers as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from optimizer.proposers.base import Situation
from optimizer.proposers.mix import MixProposer
from optimizer.records import Proposal
from search_space.edits import Many

Make = Callable[..., Situation]


@dataclass
class Scripted:
    """Has something, or not."""

    name: str
    silent: bool = False

    def propose(self, situation: Situation) -> Proposal | None:
        return None if self.silent else Proposal(Many(edits=()), "", self.name)


def chosen(mix: MixProposer, make: Make, count: int = 600) -> Counter[str]:
    return Counter(proposal.proposer if (proposal := mix.propose(make(n))) else "" for n in range(count))


def test_by_weight(situation: Make) -> None:
    counts = chosen(MixProposer([(Scripted("one"), 1.0), (Scripted("three"), 3.0)]), situation)
    assert counts["one"] + counts["three"] == 600
    assert 2.2 < counts["three"] / counts["one"] < 4.2


def test_the_same_situation_gives_the_same_choice(situation: Make) -> None:
    mix = MixProposer([(Scripted("one"), 1.0), (Scripted("two"), 1.0)])
    assert [mix.propose(situation(n)) for n in range(30)] == [mix.propose(situation(n)) for n in range(30)]


def test_falls_through_to_who_has_something(situation: Make) -> None:
    assert chosen(MixProposer([(Scripted("one", silent=True), 9.0), (Scripted("two"), 1.0)]), situation, 50) == {
        "two": 50
    }
    assert MixProposer([(Scripted("one", silent=True), 1.0)]).propose(situation()) is None


def test_the_first_go_first(situation: Make) -> None:
    person = Scripted("human")
    mix = MixProposer([(Scripted("one"), 1.0)], first=[person])
    assert chosen(mix, situation, 20) == {"human": 20}
    person.silent = True
    assert chosen(mix, situation, 20) == {"one": 20}


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none(weight: float) -> None:
    with pytest.raises(ValueError, match=r"weight of one: got .* expected a number above 0"):
        MixProposer([(Scripted("one"), weight)])
    with pytest.raises(ValueError, match="at least one"):
        MixProposer([])
