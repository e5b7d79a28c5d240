"""Cache reads, writes and misses by call, against the embedded model's prompt cache; and where breakpoints stand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.agent.cache_account import CacheAccount
from baselines.agent.request import build_request, marked_messages, system_blocks
from optimizer.models.embedded.caching import PromptCache, measure
from search_space.harness import harness_from_files
from search_space.tools import Tool
from tests.baselines.agent.cached_model import CachedModel, records, start

MARK = {"type": "ephemeral"}
ALL = '[cache]\nbreakpoints = ["tools", "system", "messages"]\n'
LOOK = Tool("look", "Look.", {"type": "object"}, lambda given: "seen " * 300)


def text(tokens, letter="x", marked=False):
    """A text block of so many tokens as the embedded model counts them."""
    block = {"type": "text", "text": letter * (4 * tokens - len('{"type":"text","text":""}'))}
    return {**block, "cache_control": MARK} if marked else block


class Conversation:
    """Calls of one account against one cache."""

    def __init__(self):
        self.now = 0.0
        self.cache = PromptCache(lambda: self.now)
        self.account = CacheAccount()

    def call(self, system, *messages, tools=(), account=None):
        request = {
            "model": "agent",
            "max_tokens": 1,
            "system": [system],
            "tools": list(tools),
            "messages": [{"role": "user", "content": [each]} for each in messages],
        }
        usage = self.cache.usage("s", measure(request), 1)
        found = (account or self.account).settle(request, usage)
        assert (found["read"], found["written"]) == (
            usage["cache_read_input_tokens"],
            usage["cache_creation_input_tokens"],
        )
        return found["missed"], found.get("why")


def test_a_conversation_that_only_grows_misses_nothing():
    talk = Conversation()
    assert talk.call(text(1500), text(200, marked=True)) == (0, None)
    assert talk.call(text(1500), text(200), text(300, marked=True)) == (0, None)
    assert talk.account.cached == 2000


def test_another_system_prompt_misses_all_that_was_cached_and_another_message_what_follows_it():
    talk = Conversation()
    talk.call(text(1500, marked=True), text(200), text(300, marked=True))
    assert talk.call(text(1500, marked=True), text(200, "y"), text(300, marked=True)) == (500, "messages_changed")
    assert talk.call(text(1501, marked=True), text(200, "y"), text(300, marked=True)) == (2000, "system_changed")
    assert talk.account.cached == 2001


def test_a_tool_more_misses_everything():
    talk = Conversation()
    tools = [{"name": name, "description": "d", "input_schema": {}} for name in ("a", "b")]
    talk.call(text(1500), text(200, marked=True), tools=tools[:1])
    cached = talk.account.cached
    assert talk.call(text(1500), text(200, marked=True), tools=tools) == (cached, "tools_changed")


def test_what_expired_is_missed_as_not_kept():
    talk = Conversation()
    grown = [text(1500), text(200), text(300, marked=True)]
    talk.call(text(1500), text(200, marked=True))
    talk.now = 301.0
    assert talk.call(*grown) == (1700, "not_kept")
    talk.now = 600.0
    assert talk.call(*grown) == (0, None)


def test_a_prefix_that_no_breakpoint_reaches_is_missed_as_not_kept():
    talk = Conversation()
    talk.call(text(1500), text(200, marked=True))
    assert talk.call(text(1500), text(200), *[text(10)] * 20, text(10, marked=True)) == (1700, "not_kept")


def test_a_fork_counts_against_its_parent_and_leaves_it_alone():
    talk = Conversation()
    talk.call(text(1500), text(200, marked=True))
    fork, stranger = talk.account.fork(), CacheAccount()
    assert talk.call(text(1500), text(200), text(100, "f", marked=True), account=fork) == (0, None)
    assert fork.cached == 1800 and talk.account.cached == 1700
    assert talk.call(text(1100), text(200, "z", marked=True), account=talk.account.fork()) == (1700, "system_changed")
    assert talk.call(text(1100, marked=True), text(9), account=stranger) == (0, None)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([1.0, 200.0, 400.0])), min_size=2, max_size=12))
def test_missed_is_what_was_cached_by_the_call_before_and_not_read(changes):
    """A conversation of eight messages, of which any one may change before a call, on a clock that may pass the ttl."""
    talk = Conversation()
    letters = ["a"] * 6
    before = None
    for at, seconds in changes:
        talk.now += seconds
        letters[at] = chr(ord(letters[at]) + 1) if seconds == 200.0 else letters[at]
        parts = [text(600, letter, marked=index in (2, 4, 5)) for index, letter in enumerate(letters)]
        missed, why = talk.call(*parts)
        if before is None:
            assert missed == 0
        else:
            same = next((i for i in range(6) if letters[i] != before[0][i]), 6)
            expired = talk.now - before[1] >= 300.0
            kept = 0 if expired else {3: 1800, 4: 1800, 5: 3000, 6: 3600}.get(same, 0)
            assert missed == 3600 - kept
            assert (why is None) == (missed == 0)
        before = (list(letters), talk.now)


def test_compaction_that_moves_its_boundary_is_seen_as_messages_changed_once_a_block(tmp_path):
    settings = (
        "[limits]\ncontext_tokens = 6000\nmax_steps = 24\n"
        '[compaction]\nstrategy = "sliding_window"\nkeep_messages = 4\nblock = 8\n'
    )
    model = CachedModel(lambda request: [("look", {"n": len(model.requests)})] if len(model.requests) < 22 else "done")
    assert start(tmp_path, model, settings + ALL, [LOOK]).run("TASK").outcome == "answered"
    caches = [record["cache"] for record in records(tmp_path, "answer")]
    usages = [record["usage"] for record in records(tmp_path, "answer")]
    for cache, usage, before in zip(caches[1:], usages[1:], usages, strict=False):
        had = before["cache_read_input_tokens"] + before["cache_creation_input_tokens"]
        assert cache["missed"] == max(0, had - usage["cache_read_input_tokens"])
    missed = [index for index, cache in enumerate(caches) if cache["missed"]]
    assert {caches[index]["why"] for index in missed} == {"messages_changed"}
    assert 1 <= len(missed) <= 4


def harness(cache):
    return harness_from_files({"harness.toml": f'name = "h"\n[cache]\n{cache}'.encode(), "prompts/system.md": b"Find."})


def built(cache, count, index="", tools=True):
    messages = [{"role": ("user", "assistant")[i % 2], "content": f"m{i}"} for i in range(count)]
    specs = [{"name": "t", "description": "d", "input_schema": {}}] if tools else []
    found = harness(cache)
    return build_request(found, system_blocks(found, index), specs, messages)


def marked(request):
    """Which parts carry a mark: tools, system blocks by number, messages by number."""
    places = ["tools"] * any("cache_control" in tool for tool in request.get("tools", ()))
    places += [f"system {i}" for i, block in enumerate(request["system"]) if "cache_control" in block]
    return places + [i for i, message in enumerate(request["messages"]) if "cache_control" in json.dumps(message)]


EVERYWHERE = 'breakpoints = ["tools", "system", "index", "messages"]\n'


def test_there_are_never_more_than_four_marks_and_the_tools_one_gives_way():
    assert marked(built(EVERYWHERE, 5)) == ["tools", "system 0", 2, 4]
    assert marked(built(EVERYWHERE, 5, index="notes")) == ["system 0", "system 1", 2, 4]
    assert marked(built(EVERYWHERE, 1, index="notes")) == ["tools", "system 0", "system 1", 0]
    assert marked(built('breakpoints = ["index"]', 3, index="notes")) == ["system 1"]
    assert marked(built('breakpoints = ["index"]', 3)) == []


@pytest.mark.parametrize(
    ("every", "count", "places"),
    [(1, 1, [0]), (1, 9, [8, 6]), (2, 9, [6, 4]), (8, 7, [0]), (8, 9, [6, 0]), (8, 15, [6, 0]), (8, 17, [14, 6])],
)
def test_the_messages_breakpoint_moves_in_blocks(every, count, places):
    messages = [{"role": ("user", "assistant")[i % 2], "content": "m"} for i in range(count)]
    assert marked_messages(messages, every) == places


def test_within_a_block_nothing_is_written_and_all_before_it_is_read(tmp_path):
    model = CachedModel(lambda request: [("look", {"n": len(model.requests)})] if len(model.requests) < 12 else "done")
    start(tmp_path, model, "[limits]\nmax_steps = 20\ncontext_tokens = 90000\n" + ALL + "every = 8", [LOOK]).run("TASK")
    written = [record["cache"]["written"] for record in records(tmp_path, "answer")]
    assert [index for index, tokens in enumerate(written) if tokens] == [
        4,
        8,
    ]  # the task alone is too short to be cached
    assert all(record["cache"]["missed"] == 0 for record in records(tmp_path, "answer"))


def test_an_hours_ttl_is_asked_for_and_kept(tmp_path):
    assert built(EVERYWHERE + 'ttl = "1h"', 3)["messages"][2]["content"][0]["cache_control"] == {**MARK, "ttl": "1h"}
    assert built(EVERYWHERE, 3)["messages"][2]["content"][0]["cache_control"] == MARK

    def missed(ttl):
        def say(request):
            model.now += 400.0
            return [("look", {})] if len(request["messages"]) < 5 else "done"

        model = CachedModel(say)
        start(tmp_path, model, ALL + f'ttl = "{ttl}"', [LOOK]).run("TASK " * 1000)
        return [record["cache"]["missed"] > 0 for record in records(tmp_path, "answer")[-3:]]

    assert missed("1h") == [False, False, False]
    assert missed("5m") == [False, True, True]
