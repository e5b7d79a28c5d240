"""Random proposals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from optimizer.proposers.base import Past, Situation
from optimizer.proposers.draws import draw, kind_of, same_value
from optimizer.proposers.random import RandomProposer
from optimizer.records import Verdict
from search_space.domains import Choice, Domain, FloatRange, IntRange

DOMAINS = st.one_of(
    st.lists(st.sampled_from([None, True, False, "a", "b", 3]), min_size=2, max_size=5, unique_by=repr).map(
        lambda values: Choice(tuple(values))
    ),
    st.builds(lambda low, steps, step: IntRange(low, low + steps * step, step), *([st.integers(1, 9)] * 3)),
    st.builds(lambda low, more: IntRange(low, low + more, log=True), st.integers(1, 9), st.integers(1, 500)),
    st.builds(lambda low, more: FloatRange(low, low + more), st.floats(0, 1), st.floats(0.1, 5)),
    st.just(FloatRange(1e-4, 1.0, log=True)),
)


@given(DOMAINS, st.data(), st.randoms(use_true_random=False))
def test_a_draw_is_another_value_of_the_domain(domain: Domain, data: st.DataObject, rng: object) -> None:
    current = draw(domain, "none of them", rng)  # type: ignore[arg-type]
    other = draw(domain, current, rng)  # type: ignore[arg-type]
    assert domain.contains(current) and domain.contains(other)
    assert not same_value(current, other)


def test_one_or_two_dimensions_and_every_kind(situation: Callable[..., Situation]) -> None:
    proposer, kinds, sizes = RandomProposer(), Counter[str](), Counter[int]()
    for number in range(400):
        proposal = proposer.propose(situation(number))
        assert proposal is not None
        sizes[len(proposal.changes)] += 1
        kinds.update(kind_of(name) for name in proposal.changes)
    assert set(sizes) == {1, 2}
    assert 0.15 < sizes[2] / 400 < 0.40
    assert set(kinds) == {"limits", "flags", "extra", "compaction", "tool", "method"}
    assert kinds["tool"] < 2.5 * kinds["method"], "six tools are not three times as likely as two sentences"
    assert min(kinds.values()) > 20


def test_every_untried_single_change_is_found_before_it_gives_up(situation: Callable[..., Situation]) -> None:
    """What was tried is not offered again; when single changes run out, more is changed at once."""
    proposer, history = RandomProposer(two=0.0), list[Past]()
    for number in range(200):
        now = situation(number, history=history)
        proposal = proposer.propose(now)
        assert proposal is not None
        reading = now.space.read(proposal.edit.apply(now.files))
        assert all(past.assignment != reading for past in history)
        history.append(Past(number, reading, proposal.changes, Verdict.discard, 0.0, 0.5))


def test_what_was_invalid_is_not_proposed_again(situation: Callable[..., Situation]) -> None:
    first = RandomProposer().propose(situation())
    assert first is not None
    refused = Past(0, {}, first.changes, Verdict.invalid, None, None)
    again = RandomProposer().propose(replace(situation(), history=(refused,)))
    assert again is not None and again.changes != first.changes
