"""The sweep: one change at a time, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.proposers.base import Past, Situation
from optimizer.proposers.random import RandomProposer
from optimizer.proposers.sweep import SweepProposer
from optimizer.records import Proposal, Verdict
from search_space.space import Space, load_space

FILES = {"harness.toml": b'name = "x"\n[flags]\na = false\nb = false\nc = false\n', "prompts/system.md": b"Answer.\n"}
FLAGS = "".join(f'[[dimension]]\nkind = "flag"\nkey = "flags.{name}"\n' for name in "abc")


@pytest.fixture
def flags(tmp_path: Path) -> Situation:
    (tmp_path / "space.toml").write_text(FLAGS)
    space = load_space(tmp_path / "space.toml")
    return Situation(1, 0, space, FILES, space.read(FILES), ())


def swept(situation: Situation, proposer: SweepProposer, kept: set[str], most: int = 50) -> list[dict[str, object]]:
    """The changes proposed, one after the other, when those that switch on one of ``kept`` are kept."""
    changes: list[dict[str, object]] = []
    history: list[Past] = []
    while len(changes) < most and (proposal := proposer.propose(replace(situation, history=tuple(history)))):
        changes.append(dict(proposal.changes))
        after = proposal.edit.apply(situation.files)
        reading = situation.space.read(after)
        verdict = Verdict.keep if any(proposal.changes.get(name) is True for name in kept) else Verdict.discard
        history.append(Past(len(changes), reading, proposal.changes, verdict, 0.0, 0.0, proposal.source))
        if verdict is Verdict.keep:
            situation = replace(situation, files=after, assignment=reading)
    return changes


def test_each_change_is_tried_once_in_declared_order_while_nothing_is_kept(flags: Situation) -> None:
    assert swept(flags, SweepProposer(), set()) == [{"flags.a": True}, {"flags.b": True}, {"flags.c": True}]


def test_after_a_keep_another_round_tries_what_is_new(flags: Situation) -> None:
    """On top of b, a is another variant; what was tried on top of b is not tried again."""
    changes = swept(flags, SweepProposer(), {"flags.b"})
    assert changes[:3] == [{"flags.a": True}, {"flags.b": True}, {"flags.c": True}]
    assert changes[3:] == [{"flags.a": True}, {"flags.b": False}], "in the second round what was kept is taken out, too"
    assert swept(flags, SweepProposer(rounds=1), {"flags.b"}) == changes[:3]


def test_a_seed_shuffles_and_tries_the_same_changes(flags: Situation) -> None:
    orders = [[next(iter(change)) for change in swept(flags, SweepProposer(seed=seed), set())] for seed in range(12)]
    assert all(sorted(order) == ["flags.a", "flags.b", "flags.c"] for order in orders)
    assert len({tuple(order) for order in orders}) > 2


def test_every_value_of_every_kind_of_dimension(situation: Callable[..., Situation]) -> None:
    """Choices in full, ranges at a few levels with both ends; only what is active; always one change."""
    now = situation()
    seen: dict[str, list[object]] = {}
    for change in swept(now, SweepProposer(levels=3), set(), most=200):
        ((name, value),) = change.items()
        seen.setdefault(name, []).append(value)
    assert list(seen) == [name for name in now.space.names if name in seen], "in declared order"
    assert set(seen) == set(now.space.active(now.assignment))
    assert seen["limits.max_steps"] == [4, 22, 40]
    assert seen["limits.context_tokens"] == [4000, 16000], "all but the champion's own"
    assert seen["extra.lr"] == [0.001, 0.03162, 1.0], "even on a logarithmic scale"


def test_it_goes_on_where_it_was_whatever_others_propose_between(flags: Situation) -> None:
    sweep = SweepProposer()
    first = sweep.propose(flags)
    assert first is not None
    other = RandomProposer(two=1.0).propose(flags)
    assert other is not None and len(other.changes) == 2
    history = tuple(past(number, proposal, flags.space) for number, proposal in enumerate((first, other), 1))
    second = SweepProposer().propose(replace(flags, history=history))
    assert second is not None and second.changes == {"flags.b": True}


def past(number: int, proposal: Proposal, space: Space) -> Past:
    reading = space.read(proposal.edit.apply(FILES))
    return Past(number, reading, proposal.changes, Verdict.discard, 0.0, 0.0, proposal.source)


def test_levels_below_two_are_refused() -> None:
    with pytest.raises(ValueError, match="got 1, expected 2 or more"):
        SweepProposer(levels=1)
