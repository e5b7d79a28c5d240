"""What a rollout sent again although it had been in the prompt cache."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.models.door import Door
from optimizer.models.embedded.caching import PromptCache, measure
from optimizer.models.embedded.model import EmbeddedModel
from optimizer.models.misses import Misses, missed_tokens, with_missed
from optimizer.records import Spend
from search_space.messages import Request
from tests.optimizer.models.doubles import Books

HEAD = 1100
"""Tokens of the first block: enough to be cached by itself."""


def request(texts: Sequence[str], marks: Sequence[int] = (), ttl: str = "5m") -> Request:
    """A user message with a block for each of ``texts``, breakpoints at the blocks ``marks``."""
    content = [
        {"type": "text", "text": text}
        | ({"cache_control": {"type": "ephemeral", "ttl": ttl}} if place in marks else {})
        for place, text in enumerate(texts)
    ]
    return {"model": "agent", "max_tokens": 10, "messages": [{"role": "user", "content": content}]}  # type: ignore[list-item,typeddict-item]


def block(letter: str, tokens: int = 100) -> str:
    return letter * (4 * tokens - len('{"type":"text","text":""}'))


def cost(cache: PromptCache, built: Request) -> Spend:
    usage = cache.usage("s", measure(built), 5)
    return Spend(
        input_tokens=usage["input_tokens"],
        cache_read_tokens=usage["cache_read_input_tokens"],
        cache_write_tokens=usage["cache_creation_input_tokens"],
    )


class Session:
    """An exact cache with a clock set by hand, and the account beside it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cache = PromptCache(lambda: self.now)
        self.calls: list[tuple[Request, Spend]] = []

    def ask(self, built: Request) -> int:
        self.calls.append((built, cost(self.cache, built)))
        return missed_tokens(self.calls)[-1]


def test_what_is_read_is_not_missed() -> None:
    session = Session()
    first, more = block("a", HEAD), block("b")
    assert session.ask(request([first], [0])) == 0
    assert session.ask(request([first, more], [0, 1])) == 0
    assert session.ask(request([first, more, block("c")], [1])) == 0


def test_past_its_time_everything_is_missed_once() -> None:
    session = Session()
    built = request([block("a", HEAD), block("b")], [1])
    session.ask(built)
    session.now = 301.0
    assert session.ask(built) == HEAD + 100
    assert session.ask(built) == 0


def test_a_breakpoint_left_out_misses_all_that_was_cached() -> None:
    session = Session()
    session.ask(request([block("a", HEAD), block("b")], [1]))
    assert session.ask(request([block("a", HEAD), block("b"), block("c")])) == HEAD + 100


def test_what_follows_a_change_is_new_and_no_miss() -> None:
    session = Session()
    first = block("a", HEAD)
    session.ask(request([first, block("b"), block("c")], [2]))
    # Only the first block is still a prefix, and nothing was written to end there: it is missed, the rest is not.
    assert session.ask(request([first, block("x"), block("c")], [2])) == HEAD


def test_calls_side_by_side_owe_each_other_nothing() -> None:
    misses, cache = Misses(), PromptCache(lambda: 0.0)
    built = request([block("a", HEAD)], [0])
    begun = [misses.begins(built) for _ in range(3)]
    assert [misses.took(one, cost(PromptCache(lambda: 0.0), built)) for one in begun] == [0, 0, 0]
    assert misses.took(misses.begins(built), cost(cache, built)) == HEAD


def test_a_providers_own_tokens_are_shared_out_by_characters() -> None:
    """Twice as many tokens as we would count, breakpoints placed by the provider itself."""
    built = request([block("a", HEAD), block("b", HEAD)])
    read = Spend(input_tokens=2 * HEAD, cache_read_tokens=2 * HEAD)
    nothing = Spend(input_tokens=4 * HEAD)
    assert missed_tokens([(built, read), (built, nothing), (built, read)]) == [0, 2 * HEAD, 0]


BLOCKS = st.lists(st.sampled_from("abc"), min_size=1, max_size=5)


@given(st.lists(st.tuples(BLOCKS, st.sets(st.integers(0, 5)), st.integers(0, 400)), max_size=8))
def test_against_a_plain_comparison_of_texts(calls: list[tuple[list[str], set[int], int]]) -> None:
    session = Session()
    had: list[list[str]] = []
    for letters, places, later in calls:
        session.now += later
        texts = [block("h", HEAD), *map(block, letters)]
        marks = sorted(place for place in places if place < len(texts))
        missed = session.ask(request(texts, marks))
        spend = session.calls[-1][1]
        shared = max((_shared(texts, old) for old in had), default=0)
        expected = (HEAD + 100 * (shared - 1) if shared else 0) - spend.cache_read_tokens
        assert missed == expected >= 0
        assert missed <= spend.input_tokens + spend.cache_write_tokens
        if marks:
            had.append(texts[: marks[-1] + 1])


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def test_the_door_counts_them_in_the_rollouts_account() -> None:
    now = [0.0]
    books = Books()
    door = Door({"agent": EmbeddedModel(clock=lambda: now[0])}, books)
    token, other = door.open("one", 1, math.inf), door.open("another", 1, math.inf)
    built = request([block("a", HEAD), block("b")], [1])
    door.create(token, built)
    now[0] = 301.0
    door.create(token, built)
    door.create(other, built)
    spend = door.close(token).spend
    assert (spend.cache_write_tokens, spend.cache_read_tokens, spend.cache_missed_tokens) == (
        2 * (HEAD + 100),
        0,
        HEAD + 100,
    )
    assert door.close(other).spend.cache_missed_tokens == 0, "each rollout has its own account"
    assert books.spent.cache_missed_tokens == HEAD + 100


def test_what_was_missed_costs_its_share_of_what_was_sent() -> None:
    call = Spend(calls=1, input_tokens=100, cache_write_tokens=300, usd=1.0, usd_input=0.2, usd_cache_write=0.6)
    missed = with_missed(call, 200)
    assert (missed.cache_missed_tokens, missed.usd_cache_missed) == (200, pytest.approx(0.4))
    assert with_missed(Spend(calls=1), 0).usd_cache_missed == 0.0
