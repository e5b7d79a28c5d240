"""Proposals that a draw from the gate's beliefs says are best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from optimizer.proposers.base import Past, Situation
from optimizer.proposers.thompson import ThompsonProposer
from optimizer.records import Proposal, Verdict
from optimizer.terms import option
from tests.optimizer.proposers.beliefs import Believing

Make = Callable[..., Situation]

LONG = "method.verify=long"
LARGE = "limits.context_tokens=16000"


def believing(make: Make, beliefs: Believing, number: int = 0, history: Sequence[Past] = ()) -> Situation:
    now = make(number, history=history)
    return replace(now, baseline=now.assignment, beliefs=beliefs)


def asked(situation: Situation, **settings: int) -> Proposal:
    proposal = ThompsonProposer(**settings).propose(situation)
    assert proposal is not None
    return proposal


def past(situation: Situation, proposal: Proposal, verdict: Verdict, *, refused: bool = False) -> Past:
    reading = situation.space.read(proposal.edit.apply(situation.files))
    value = None if verdict in (Verdict.crash, Verdict.invalid) else 0.3
    return Past(situation.number, reading, proposal.changes, verdict, None, value, refused=refused)


def test_what_is_believed_to_help_and_nothing_else(situation: Make) -> None:
    now = believing(situation, Believing({LONG: 0.1, LARGE: 0.05, "flags.careful=True": -0.1}, other=-0.01))
    assert asked(now).changes == {"method.verify": "long", "limits.context_tokens": 16000}


def test_at_most_so_many_dimensions_and_none_more_often_than_others(situation: Make) -> None:
    seen = Counter[str]()
    for number in range(60):
        changes = asked(believing(situation, Believing(other=0.01), number), most=2).changes
        assert len(changes) <= 2 or "compaction" in changes, "what is switched on may have values of its own"
        seen.update(list(changes))
    assert len(seen) > 8
    with pytest.raises(ValueError, match="most: got 0, expected 1 or more"):
        ThompsonProposer(most=0)


def test_an_option_of_the_champion_that_is_believed_to_harm_goes_back(situation: Make) -> None:
    """The baseline's options add nothing, which is more than what harms."""
    start = situation()
    files = start.space.edit(start.files, {"method.verify": "long"}).apply(start.files)
    kept = replace(
        start,
        files=files,
        assignment=start.space.read(files),
        baseline=start.assignment,
        beliefs=Believing({LONG: -0.05}, other=-0.1),
    )
    assert asked(kept).changes == {"method.verify": None}


def test_what_was_drawn_before_gives_way_to_something_else(situation: Make) -> None:
    """A belief beyond doubt draws the same edit for ever; it is proposed once."""
    beliefs, history = Believing({LONG: 0.1}, other=-0.01), list[Past]()
    for number in range(30):
        now = believing(situation, beliefs, number, history)
        proposal = asked(now)
        assert all(past.assignment != now.space.read(proposal.edit.apply(now.files)) for past in history)
        history.append(past(now, proposal, Verdict.discard))
    assert history[0].changes == {"method.verify": "long"}


def test_a_near_miss_comes_up_again_on_another_champion(situation: Make) -> None:
    now = believing(situation, Believing({LONG: 0.1}, other=-0.01))
    missed = past(now, asked(now), Verdict.discard)
    files = now.space.edit(now.files, {"flags.careful": True}).apply(now.files)
    later = replace(now, number=1, files=files, assignment=now.space.read(files), history=(missed,))
    later = replace(later, beliefs=Believing({LONG: 0.1, "flags.careful=True": 0.2}, other=-0.01))
    assert asked(later).changes == {"method.verify": "long"}


@pytest.mark.parametrize(
    ("verdict", "refused"), [(Verdict.crash, False), (Verdict.invalid, False), (Verdict.keep, True)]
)
def test_what_broke_a_variant_by_itself_is_left_out(situation: Make, verdict: Verdict, refused: bool) -> None:
    beliefs = Believing({LONG: 0.5, LARGE: 0.1}, other=-0.01)
    first = believing(situation, beliefs)
    alone = Proposal(
        first.space.edit(first.files, {"method.verify": "long"}), "", "a person", {"method.verify": "long"}
    )
    history = [past(first, alone, verdict, refused=refused)]
    assert asked(believing(situation, beliefs, 1, history)).changes == {"limits.context_tokens": 16000}


def test_one_of_several_suspects_is_tried_again_and_cleared_by_what_runs(situation: Make) -> None:
    beliefs = Believing({LONG: 0.2, LARGE: 0.1}, other=-0.01)
    first = believing(situation, beliefs)
    both = past(first, asked(first), Verdict.crash)
    assert len(both.changes) == 2
    again = [asked(believing(situation, beliefs, number, [both])).changes for number in range(1, 30)]
    assert {"method.verify": "long"} in again and {"limits.context_tokens": 16000} in again
    alone = replace(both, changes={"method.verify": "long"}, assignment={})
    history = [alone, *[replace(alone, verdict=Verdict.discard, value=0.3)] * 40]
    later = [asked(believing(situation, beliefs, number, history)).changes for number in range(41, 71)]
    assert sum("method.verify" in changes for changes in later) > 20


def test_a_number_is_drawn_within_its_part_and_the_best_met_there_again(situation: Make) -> None:
    start = situation()
    domain = start.space.domain("extra.lr")
    low = option("extra.lr", domain, 0.0015)
    met = Past(0, {**start.assignment, "extra.lr": 0.0015}, {"extra.lr": 0.0015}, Verdict.discard, 0.0, 0.6)
    worse = Past(1, {**start.assignment, "extra.lr": 0.003}, {"extra.lr": 0.003}, Verdict.discard, 0.0, 0.5)
    beliefs, drawn = Believing({low: 0.1, LONG: 0.1}, other=-0.01), []
    for number in range(2, 62):
        changes = asked(believing(situation, beliefs, number, [met, worse])).changes
        drawn.append(changes["extra.lr"])
        assert option("extra.lr", domain, changes["extra.lr"]) == low
    assert 15 < drawn.count(0.0015) < 45
    assert len(set(drawn)) > 10


def test_where_nothing_else_is_better_a_number_moves_a_little(situation: Make) -> None:
    for number in range(20):
        now = believing(situation, Believing(other=-0.01), number)
        ((name, value),) = asked(now).changes.items()
        before = now.assignment[name]
        assert isinstance(value, int | float) and isinstance(before, int | float)
        assert name in ("limits.max_steps", "extra.lr") or "keep_messages" in name
        assert 0.5 < value / before < 2.0


def test_what_a_change_switches_off_counts(situation: Make) -> None:
    """A strategy whose numbers are worth much is not left for one that is a little better by itself."""
    start = situation()
    child = next(name for name in start.assignment if name.endswith("keep_messages"))
    here = option(child, start.space.domain(child), start.assignment[child])
    beliefs = Believing({"compaction=summary": 0.05, here: 0.2, LONG: 0.01}, other=-0.01)
    other = replace(start, beliefs=beliefs, baseline={**start.assignment, child: 39})
    assert "compaction" not in asked(other).changes
    cheap = replace(other, beliefs=Believing({"compaction=summary": 0.05, here: 0.02}, other=-0.01))
    assert asked(cheap).changes["compaction"] == "summary"


def test_without_beliefs_it_draws_at_random(situation: Make) -> None:
    sizes = Counter(len(asked(situation(number)).changes) for number in range(60))
    assert set(sizes) == {1, 2}
