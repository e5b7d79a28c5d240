"""Of several proposals the one with the best prediction is tried; what nothing can be said of passes."""

from dataclasses import dataclass, field

from optimizer.proposers.base import Situation
from optimizer.proposers.screened import ScreenedProposer
from optimizer.records import Proposal
from search_space.edits import SetKey
from search_space.errors import InvalidEdit
from search_space.space import Space

FILES = {"a.toml": b"x = 0\n"}


@dataclass
class Scripted:
    """Offers values of x in turn, and notes the seeds that it was asked with."""

    values: list
    source: str = ""
    seeds: list = field(default_factory=list)
    name: str = "scripted"

    def propose(self, situation):
        self.seeds.append(situation.seed)
        if len(self.seeds) > len(self.values):
            return None
        value = self.values[len(self.seeds) - 1]
        edit = SetKey(file="a.toml", key="x", value=value)
        return Proposal(edit, f"x is {value}", self.name, {"x": value}, source=self.source)


def ask(inner, predict, candidates=5):
    situation = Situation(number=3, seed=7, space=Space(()), files=FILES, assignment={}, history=())
    return ScreenedProposer(inner, predict, candidates).propose(situation)


def value_of(before, after):
    assert before == FILES
    return float(after["a.toml"].decode().split("=")[1]) / 100


def test_the_best_by_prediction_is_tried():
    inner = Scripted([2, 9, 4, 9, 7])
    found = ask(inner, value_of)
    assert found.changes == {"x": 9} and found.predicted == 0.09
    assert found.drawn == 4, "the same one twice counts once"
    assert len(set(inner.seeds)) == 5 and inner.seeds[0] == 7
    again = Scripted([2, 9, 4, 9, 7])
    assert ask(again, value_of) == found and again.seeds == inner.seeds


def test_what_nothing_can_be_said_of_passes_untouched():
    inner = Scripted([2, 9, 4])
    found = ask(inner, lambda before, after: None)
    assert found.changes == {"x": 2} and found.predicted is None and len(inner.seeds) == 1
    person = Scripted([2, 9, 4], source="human:1")
    assert ask(person, value_of).changes == {"x": 2} and len(person.seeds) == 1


def test_candidates_without_a_prediction_are_passed_over():
    silent = {9}
    found = ask(Scripted([2, 9, 4]), lambda b, a: None if value_of(b, a) * 100 in silent else value_of(b, a))
    assert found.changes == {"x": 4} and found.drawn == 2


def test_an_edit_that_does_not_apply_is_left_to_the_experiment():
    def fails(before, after):
        raise InvalidEdit("no")

    assert ask(Scripted([2]), fails).predicted is None


def test_nobody_has_anything():
    assert ask(Scripted([]), value_of) is None
