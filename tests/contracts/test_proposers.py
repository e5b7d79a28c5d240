"""What every proposer promises, whatever it proposes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.proposers.base import Past, Proposer, Situation
from optimizer.proposers.human import HumanProposer
from optimizer.proposers.mix import MixProposer
from optimizer.proposers.random import RandomProposer
from optimizer.proposers.sweep import SweepProposer
from optimizer.proposers.thompson import ThompsonProposer
from optimizer.proposers.tpe import TPEProposer
from optimizer.records import Verdict
from search_space.space import Space, load_space
from tests.optimizer.proposers.beliefs import Believing

HARNESS = b"""\
name = "sample"
description = "for tests"
[limits]
max_steps = 10
[compaction]
strategy = "none"
[flags]
careful = false
"""
SPACE = """\
[[dimension]]
kind = "int"
key = "limits.max_steps"
low = 4
high = 40
[[dimension]]
kind = "flag"
key = "flags.careful"
[[dimension]]
kind = "compaction"
strategies = ["none", "sliding_window", "clear_results"]
[dimension.parameters.sliding_window.keep_messages]
low = 4
high = 40
[[dimension]]
kind = "tool"
tools = ["grep", "glob"]
"""
FILES = {"harness.toml": HARNESS, "prompts/system.md": b"You answer.\n"}
Maker = Callable[[Path], Proposer]


def human(folder: Path) -> Proposer:
    for name, text in {"a.toml": "[changes]\nlimits.max_steps = 20\n", "b.toml": "nonsense"}.items():
        (folder / name).write_text(text)
    return HumanProposer(folder)


MAKERS: dict[str, Maker] = {
    "random": lambda folder: RandomProposer(),
    "sweep": lambda folder: SweepProposer(levels=12),
    "shuffled sweep": lambda folder: SweepProposer(levels=12, seed=3),
    "thompson": lambda folder: ThompsonProposer(),
    "tpe": lambda folder: TPEProposer(startup=5),
    "human": human,
    "mix": lambda folder: MixProposer([(RandomProposer(), 1.0), (TPEProposer(startup=5), 2.0)], first=[human(folder)]),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Proposer]:
    folder = tmp_path / "proposals"
    folder.mkdir()
    return lambda: MAKERS[request.param](folder)


@pytest.fixture
def space(tmp_path: Path) -> Space:
    path = tmp_path / "space.toml"
    path.write_text(SPACE)
    return load_space(path)


def situations(space: Space, proposer: Proposer, count: int) -> list[Situation]:
    """The situations of a campaign in which this proposer alone proposes, and every fifth edit is kept."""
    files, history, met = dict(FILES), list[Past](), list[Situation]()
    for number in range(count):
        situation = Situation(
            number,
            31 * number,
            space,
            files,
            space.read(files),
            tuple(history),
            baseline=space.read(FILES),
            beliefs=Believing({"flags.careful=True": 0.1}, sd=0.05),
        )
        proposal = proposer.propose(copy.deepcopy(situation) if number % 2 else situation)
        if proposal is None:
            break
        met.append(situation)
        after = proposal.edit.apply(files)
        verdict = Verdict.invalid if proposal.problem else Verdict.keep if number % 5 == 4 else Verdict.discard
        value = None if proposal.problem else (number * 37 % 11) / 100
        reading = space.read(after)
        history.append(Past(number, reading, proposal.changes, verdict, value, value, proposal.source))
        files = after if verdict is Verdict.keep else files
    return met


def test_proposals_are_edits_that_the_space_allows(make: Callable[[], Proposer], space: Space) -> None:
    proposer = make()
    for situation in situations(space, make(), 30):
        before = copy.deepcopy((situation.files, situation.assignment, situation.history))
        proposal = proposer.propose(situation)
        assert proposal is not None
        assert (situation.files, situation.assignment, situation.history) == before, "a proposer changes nothing"
        assert proposal.hypothesis.strip() and proposal.proposer
        after = proposal.edit.apply(situation.files)
        if proposal.problem:
            assert after == dict(situation.files)
            continue
        assert after != dict(situation.files), "never a no-op"
        space.check(situation.files, after)
        reading = space.read(after)
        assert all(reading[name] == value for name, value in proposal.changes.items())
        assert all(past.assignment != reading for past in situation.history if past.verdict is not Verdict.invalid)


def test_the_same_situation_gives_the_same_proposal(make: Callable[[], Proposer], space: Space) -> None:
    used = make()
    for situation in situations(space, make(), 25):
        assert used.propose(situation) == make().propose(situation)


def test_a_name(make: Callable[[], Proposer]) -> None:
    assert make().name
