from __future__ import annotations

import copy
from typing import Any

import pytest

from optimizer.models.embedded.caching import LOOKBACK_BLOCKS, PromptCache, measure
from search_space.messages import Request, Usage

MARK = {"type": "ephemeral"}


def text_of_tokens(tokens: int, letter: str = "x") -> str:
    """A text whose block takes exactly ``tokens``."""
    return letter * (tokens * 4 - len('{"type":"text","text":""}'))


def request(*tokens: int, marks: tuple[int, ...] = (), system: int = 0, **control: Any) -> Request:
    """A user message with a block for each of ``tokens``; breakpoints at the blocks ``marks`` (-1: the system)."""
    content: list[Any] = [{"type": "text", "text": text_of_tokens(n, chr(97 + i))} for i, n in enumerate(tokens)]
    built: Any = {"model": "agent", "max_tokens": 10, "messages": [{"role": "user", "content": content}]}
    if system:
        built["system"] = [{"type": "text", "text": text_of_tokens(system, "s")}]
    for mark in marks:
        block = built["system"][0] if mark < 0 else content[mark]
        block["cache_control"] = {**MARK, **control}
    return built  # type: ignore[no-any-return]


class Clocked:
    """A cache with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cache = PromptCache(lambda: self.now)

    def ask(self, built: Request, session: str = "s") -> tuple[int, int, int]:
        """(plain, written, read) input tokens."""
        usage: Usage = self.cache.usage(session, measure(built), 5)
        assert usage["output_tokens"] == 5
        return usage["input_tokens"], usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]


def test_without_breakpoints_everything_is_plain_input() -> None:
    clocked = Clocked()
    for _ in range(2):
        assert clocked.ask(request(2000, 300)) == (2300, 0, 0)


def test_the_second_time_the_prefix_is_read() -> None:
    clocked = Clocked()
    assert clocked.ask(request(2000, 300, marks=(0,))) == (300, 2000, 0)
    assert clocked.ask(request(2000, 300, marks=(0,))) == (300, 0, 2000)


def test_a_growing_conversation_reads_what_it_wrote_and_writes_the_rest() -> None:
    clocked = Clocked()
    assert clocked.ask(request(1500, 100, marks=(1,))) == (0, 1600, 0)
    assert clocked.ask(request(1500, 100, 250, 40, marks=(1, 2))) == (40, 250, 1600)
    assert clocked.ask(request(1500, 100, 250, 40, 60, marks=(4,))) == (0, 100, 1850)


def test_less_than_the_minimum_is_not_cached() -> None:
    clocked = Clocked()
    for _ in range(2):
        assert clocked.ask(request(1023, 10, marks=(0,))) == (1033, 0, 0)
    assert clocked.ask(request(1024, 10, marks=(0,))) == (10, 1024, 0)


def test_a_change_before_the_breakpoint_misses_and_a_mark_alone_is_no_change() -> None:
    clocked = Clocked()
    clocked.ask(request(600, 900, marks=(1,)))
    assert clocked.ask(request(601, 900, marks=(1,))) == (0, 1501, 0)
    assert clocked.ask(request(600, 900, 70, marks=(2,))) == (0, 70, 1500)


def test_tools_come_first_then_the_system_prompt() -> None:
    clocked = Clocked()
    tool: Any = {"name": "t", "description": "d" * 6000, "input_schema": {}}
    first: Any = request(50, marks=(-1,), system=1200)
    first["tools"] = [tool]
    tools = measure(first).tokens[0]
    assert clocked.ask(first) == (50, tools + 1200, 0)
    other = copy.deepcopy(first)
    other["messages"][0]["content"][0]["text"] = "quite another question"
    assert clocked.ask(other)[2] == tools + 1200
    other["tools"][0]["description"] += "!"
    assert clocked.ask(other)[2] == 0


def test_an_entry_lives_for_its_ttl_from_its_last_use() -> None:
    clocked = Clocked()
    built = request(2000, 10, marks=(0,))
    clocked.ask(built)
    for clocked.now in (299.0, 598.0):
        assert clocked.ask(built)[2] == 2000
    clocked.now = 598.0 + 300.0
    assert clocked.ask(built) == (10, 2000, 0)
    clocked.ask(request(3000, marks=(0,), ttl="1h"))
    clocked.now += 3599.0
    assert clocked.ask(request(3000, marks=(0,), ttl="1h")) == (0, 0, 3000)


def test_sessions_do_not_share() -> None:
    clocked = Clocked()
    clocked.ask(request(2000, marks=(0,)), "a")
    assert clocked.ask(request(2000, marks=(0,)), "b") == (0, 2000, 0)


@pytest.mark.parametrize(("extra", "read"), [(LOOKBACK_BLOCKS, 2000), (LOOKBACK_BLOCKS + 1, 0)])
def test_a_breakpoint_looks_back_a_bounded_number_of_blocks(extra: int, read: int) -> None:
    clocked = Clocked()
    clocked.ask(request(2000, marks=(0,)))
    assert clocked.ask(request(2000, *[10] * extra, marks=(extra,)))[2] == read


def test_a_text_as_a_string_and_as_a_block_are_the_same_prefix() -> None:
    plain: Request = {"model": "agent", "max_tokens": 1, "system": "s", "messages": [{"role": "user", "content": "q"}]}
    built = copy.deepcopy(plain)
    built["system"] = [{"type": "text", "text": "s"}]
    built["messages"] = [
        {"role": "user", "content": [{"type": "text", "text": "q", "cache_control": {"type": "ephemeral"}}]}
    ]
    assert measure(plain).prefixes == measure(built).prefixes


def test_what_is_written_for_an_hour_is_told_apart() -> None:
    cache = PromptCache(lambda: 0.0)
    built = request(1500, 200, 300, marks=(1,), system=1200)
    built["system"][0]["cache_control"] = {**MARK, "ttl": "1h"}  # type: ignore[index,typeddict-item,typeddict-unknown-key]
    usage = cache.usage("s", measure(built), 5)
    assert usage["cache_creation_input_tokens"] == 2900
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 1700, "ephemeral_1h_input_tokens": 1200}
    again = cache.usage("s", measure(built), 5)
    assert "cache_creation" not in again and again["cache_read_input_tokens"] == 2900
