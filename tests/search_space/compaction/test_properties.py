"""What every strategy promises, on random conversations."""

import copy
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.compaction import ClearResults, FactLedger, SlidingWindow, Summary, TruncateResults
from search_space.compaction.cutting import FLOOR_CHARS
from search_space.compaction.history import History, list_chars
from search_space.compaction.plugin import Plugin
from search_space.messages import check_messages, estimate_tokens, text_of


def keep_all(messages, limit_tokens, parameters):
    return messages


class Writer:
    """A scripted model that summarises by counting."""

    def __init__(self):
        self.requests = []

    def create(self, request):
        self.requests.append(request)
        text = f"Goal: x\nFacts found:\n{len(self.requests)} a.py:{len(str(request))}: class A"
        return {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}


small = st.integers(1, 6)
STRATEGIES = {
    "sliding_window": st.builds(SlidingWindow, keep_messages=st.integers(0, 9), block=small),
    "clear_results": st.builds(
        ClearResults, keep_results=st.integers(0, 4), block=small, min_chars=st.integers(0, 300)
    ),
    "truncate_results": st.builds(
        TruncateResults, head_chars=st.integers(0, 300), tail_chars=st.integers(0, 200), keep_recent=small, block=small
    ),
    "summary": st.builds(Summary, keep_messages=st.integers(0, 9), block=small, max_tokens=st.integers(1, 300)),
    "fact_ledger": st.builds(FactLedger, keep_messages=st.integers(0, 9), block=small, max_facts=st.integers(0, 30)),
    "plugin": st.just(Plugin("strategies/x.py", keep_all)),
}
ANY = st.one_of(*STRATEGIES.values())
LINES = st.sampled_from(
    [
        "json/decoder.py:254: class JSONDecoder(object):",
        "total 7",
        "x = 3",
        "nothing to see",
        "  def f(a, b=1):",
        "\\\t",
    ]
)
TEXT = st.lists(LINES, min_size=1, max_size=30).map("\n".join)
THINKING = st.sampled_from(
    [
        [],
        [{"type": "thinking", "thinking": "First the base.", "signature": "c2ln"}],
        [{"type": "redacted_thinking", "data": "b3BhcXVl"}, {"type": "of_another_kind", "text": 7}],
    ]
)


@st.composite
def conversations(draw, max_turns=12):
    """A task, then turns: some with calls (one to three, results as text or blocks), some of plain talk; some answers
    begin with thinking, or with a block of a kind that nobody here knows."""
    messages = [{"role": "user", "content": draw(TEXT)}]
    for turn in range(draw(st.integers(0, max_turns))):
        calls = draw(st.integers(0, 3))
        said = [{"type": "text", "text": draw(TEXT)}] if not calls or draw(st.booleans()) else []
        uses = [
            {
                "type": "tool_use",
                "id": f"c{turn}-{i}",
                "name": draw(st.sampled_from(["grep", "read"])),
                "input": {"n": i},
            }
            for i in range(calls)
        ]
        messages.append({"role": "assistant", "content": [*draw(THINKING), *said, *uses]})
        answers = []
        for use in uses:
            text = draw(TEXT)
            content = text if draw(st.booleans()) else [{"type": "text", "text": text}]
            answers.append({"type": "tool_result", "tool_use_id": use["id"], "content": content})
            if draw(st.booleans()):
                answers[-1]["is_error"] = True
        messages.append({"role": "user", "content": answers or draw(TEXT)})
    check_messages(messages)
    return messages


def steps(messages):
    """The histories a model is called with: each ends with a message of the user."""
    return [messages[: i + 1] for i in range(len(messages)) if messages[i]["role"] == "user"]


def least_tokens(messages):
    """Tokens that the last turn takes when every text in it is as short as the last resort makes it."""
    start = max((i for i in range(1, len(messages)) if messages[i]["role"] == "assistant"), default=len(messages))
    text = "x" * (2 * FLOOR_CHARS + 120)
    kept = copy.deepcopy(messages[start:])
    for message in kept:
        for block in message["content"] if isinstance(message["content"], list) else []:
            if block["type"] == "text":
                block["text"] = text
            elif block["type"] == "tool_result":
                block["content"] = text
        if isinstance(message["content"], str):
            message["content"] = text
    return estimate_tokens([messages[0], *kept])


def tool_ids(messages):
    return {
        b["tool_use_id"] for m in messages if isinstance(m["content"], list) for b in m["content"] if "tool_use_id" in b
    }


def turns(messages):
    """The ids of the calls in each answer of the model."""
    return [calls_of(message) for message in messages]


def calls_of(message):
    return [b["id"] for b in message["content"] if isinstance(b, dict) and b["type"] == "tool_use"]


def untouchable(messages):
    """What must go back as it came, beside the calls that it stands with: thinking and unknown blocks."""
    return [
        (calls_of(message), [b for b in message["content"] if b["type"] not in ("text", "tool_use")])
        for message in messages
        if message["role"] == "assistant" and calls_of(message)
    ]


@given(conversations())
def test_sizes_agree_with_the_estimate(messages):
    messages[0]["content"] += '\u00e9\U0001f600\x01"\\'
    messages[-1]["content"] = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]
    history = History(messages)
    size = len(json.dumps(messages, ensure_ascii=False, separators=(",", ":")))
    assert history.chars == list_chars(messages) == size
    assert history.fits(estimate_tokens(messages)) and not history.fits(estimate_tokens(messages) - 1)
    assert history.chars_with_cut(len(messages)) == list_chars(messages[:1])


@given(ANY, conversations(), st.integers(1, 2500), st.booleans())
def test_every_rendering_is_valid_fits_keeps_the_task_and_changes_nothing(strategy, messages, limit, with_model):
    model = Writer() if with_model else None
    before = copy.deepcopy(messages)
    for history in steps(messages):
        rendered = strategy.compact(history, limit_tokens=limit, model=model)
        check_messages(rendered)
        assert text_of(rendered[0]["content"]).startswith(text_of(messages[0]["content"]))
        assert tool_ids(rendered) >= tool_ids(history[-1:])
        assert untouchable(rendered) == [each for each in untouchable(history) if each[0] in turns(rendered)]
        if estimate_tokens(history) <= limit:
            assert rendered == history
        if limit >= least_tokens(history):
            assert estimate_tokens(rendered) <= limit
    assert messages == before


@given(st.sampled_from(sorted(STRATEGIES)), st.data(), conversations(), st.integers(50, 1500))
def test_same_history_renders_the_same(name, data, messages, limit):
    strategy = data.draw(STRATEGIES[name])
    fresh = copy.deepcopy(strategy)
    model, other = Writer(), Writer()
    first = [strategy.compact(history, limit_tokens=limit, model=model) for history in steps(messages)]
    asked = len(model.requests)
    again = [strategy.compact(history, limit_tokens=limit, model=model) for history in steps(messages)]
    elsewhere = [fresh.compact(history, limit_tokens=limit, model=other) for history in steps(messages)]
    assert json.dumps(first) == json.dumps(again) == json.dumps(elsewhere)
    assert len(model.requests) == asked


@given(st.sampled_from(["sliding_window", "summary", "fact_ledger"]), st.data(), conversations(), st.integers(50, 1500))
def test_what_is_dropped_stays_dropped(name, data, messages, limit):
    strategy = data.draw(STRATEGIES[name])
    seen = set()
    gone = set()
    for history in steps(messages):
        shown = tool_ids(strategy.compact(history, limit_tokens=limit))
        assert not shown & gone
        seen |= tool_ids(history)
        gone = seen - shown


def long_conversation(turns, chars=400):
    messages = [{"role": "user", "content": "Where is `A` defined?"}]
    for i in range(turns):
        use = {"type": "tool_use", "id": f"c{i}", "name": "read", "input": {"path": f"p{i}.py"}}
        messages.append({"role": "assistant", "content": [use]})
        text = f"p{i}.py:{i}: class C{i}(Base)\n" + "x = 1\n" * (chars // 6)
        messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"c{i}", "content": text}]})
    return messages


@pytest.mark.parametrize(
    ("strategy", "per_break"),
    [
        (SlidingWindow(keep_messages=8, block=8), 4),
        (ClearResults(keep_results=4, block=4), 4),
        (TruncateResults(head_chars=60, tail_chars=20, keep_recent=2, block=4), 4),
        (Summary(keep_messages=8, block=8, max_tokens=100), 4),
        (FactLedger(keep_messages=8, block=8, max_facts=10), 4),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_rendered_prefix_survives_between_moves_of_the_boundary(strategy, per_break):
    histories = steps(long_conversation(30))
    rendered = [strategy.compact(history, limit_tokens=3000, model=Writer()) for history in histories]
    breaks = sum(after[: len(before)] != before for before, after in pairwise(rendered))
    compacted = sum(history != shown for history, shown in zip(histories, rendered, strict=True))
    assert compacted > 10
    assert 1 <= breaks <= compacted // per_break + 1


def test_a_step_by_step_window_breaks_the_prefix_every_time():
    histories = steps(long_conversation(30))
    rendered = [SlidingWindow(8, block=1).compact(history, limit_tokens=3000) for history in histories]
    breaks = sum(after[: len(before)] != before for before, after in pairwise(rendered))
    assert breaks == sum(history != shown for history, shown in zip(histories, rendered, strict=True))


@given(
    conversations(), st.one_of(*(built for name, built in STRATEGIES.items() if name != "plugin")), st.integers(60, 900)
)
def test_a_growing_history_renders_as_a_fresh_list(messages, strategy, limit):
    history, again = History(), copy.deepcopy(strategy)
    for message in messages:
        history.append(message)
        if message["role"] == "user":
            grown = strategy.compact(history, limit_tokens=limit)
            assert grown == again.compact(messages[: len(history)], limit_tokens=limit)
            assert list(history) == messages[: len(history)]
