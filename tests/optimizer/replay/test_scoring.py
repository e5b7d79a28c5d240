"""What replay counts, against plain counting by hand and by brute force."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.replay.comparing import STRATEGIES, score_transcript
from optimizer.replay.rendering import built_in, configuration
from optimizer.replay.scoring import FAR, READ, WRITE
from optimizer.replay.uses import Uses, searchable
from search_space.compaction.history import list_chars
from search_space.errors import InvalidFile
from tests.optimizer.replay.talks import read, talk, transcript

SMALL = [*STRATEGIES, "sliding_window:keep_messages=6,block=1", "fact_ledger:keep_messages=4,block=4,max_facts=5"]


def test_the_values_of_a_step_are_those_that_stood_before():
    messages = [
        {"role": "user", "content": "Look at reservation ZFA04Y"},
        *read(1, "notes/a.txt", "the id is user_1234 and the total 98765"),
        *read(2, "user_1234", "nothing", count=98765, query="where is ZFA04Y and user_1234, please", other="unseen"),
    ]
    uses = Uses(messages)
    assert uses.of(1) == {}
    assert uses.of(3) == {"user_1234": [2], "98765": [2], "ZFA04Y": [0]}
    assert uses.pinned("ZFA04Y") and not uses.pinned("user_1234")
    assert Uses(messages, system="user_1234 is the user").pinned("user_1234")


def test_a_value_from_far_back_is_at_risk_and_lost_by_a_window():
    filler = [message for number in range(5) for message in read(10 + number, f"fill/{number}", "x" * 400)]
    start = [{"role": "user", "content": "Go"}, *read(1, "list", "use secret/place.py")]
    whole = transcript([*start, *filler, *read(2, "secret/place.py", "found")])
    everything = score_transcript(whole, built_in(configuration("none"), 500))
    assert (everything.steps, everything.at_risk, everything.at_risk_kept, everything.rereads) == (7, 1, 1, 0)
    window = score_transcript(whole, built_in(configuration("sliding_window:keep_messages=4,block=1"), 500))
    assert (window.at_risk, window.at_risk_kept, window.rereads) == (1, 0, 1) and window.compacted
    ledger = score_transcript(whole, built_in(configuration("fact_ledger:keep_messages=4,block=1"), 500))
    assert (ledger.at_risk, ledger.at_risk_kept, ledger.rereads) == (1, 1, 0)


def test_what_a_step_costs_under_a_prompt_cache():
    messages = talk(6)
    everything = score_transcript(transcript(messages, system="s" * 400), built_in(configuration("none"), 10**6))
    sent = [400 + list_chars(messages[:end]) for end in range(1, len(messages), 2)]
    by_hand = sum(READ * before + WRITE * (now - before) for before, now in zip([0, *sent], sent, strict=False)) / 4
    assert everything.cost == pytest.approx(by_hand, rel=0.01)
    assert everything.full_cost == pytest.approx(by_hand, rel=0.01)


def brute(whole, renderer):
    """(using, kept, at risk, at risk kept, cost) by looking everything up again at each step."""
    messages, uses = whole.messages, Uses(whole.messages)
    using = kept = risky = risky_kept = 0
    cost, before = 0.0, []
    for index, message in enumerate(messages):
        if message["role"] == "assistant":
            shown = list(renderer.render())
            same = 0
            while same < min(len(before), len(shown)) and before[same] == shown[same]:
                same += 1
            chars = [list_chars([each]) - 1 for each in shown]
            cost += (READ * sum(chars[:same]) + WRITE * sum(chars[same:])) / 4
            before = shown
            text = "\n".join(map(searchable, shown))
            values = uses.of(index)
            fine = all(value in text for value in values)
            far = any(index - places[-1] > FAR and not uses.pinned(value) for value, places in values.items())
            using, kept = using + bool(values), kept + bool(values and fine)
            risky, risky_kept = risky + far, risky_kept + (far and fine)
        renderer.feed(message)
    return using, kept, risky, risky_kept, cost


@pytest.mark.parametrize("strategy", SMALL)
@settings(max_examples=15)
@given(steps=st.integers(1, 30), seed=st.integers(0, 99), limit=st.integers(300, 3000))
def test_counting_as_it_goes_is_counting_everything_again(strategy, steps, seed, limit):
    whole = transcript(talk(steps, seed=seed, chars=300))
    config = configuration(strategy)
    found = score_transcript(whole, built_in(config, limit))
    using, kept, risky, risky_kept, cost = brute(whole, built_in(config, limit))
    assert (found.using, found.at_risk) == (using, risky)
    assert (found.using_kept, found.at_risk_kept) == (kept, risky_kept)
    assert found.cost == pytest.approx(cost, rel=0.01, abs=3)


def test_a_renderer_is_fed_the_past_only():
    """Whoever renders has been told of no message at or behind the step."""
    fed, seen = [], []

    class Spy:
        def feed(self, message):
            fed.append(message)

        def render(self):
            seen.append(list(fed))
            return list(fed)

    messages = talk(5)
    score_transcript(transcript(messages), Spy())
    assert seen == [messages[:index] for index, each in enumerate(messages) if each["role"] == "assistant"]


def test_a_strategy_with_parameters():
    config = configuration("sliding_window:keep_messages=6,block=64")
    assert (config.strategy, config.keep_messages, config.block) == ("sliding_window", 6, 64)
    with pytest.raises(InvalidFile, match="--strategy"):
        configuration("sliding_windw")
    with pytest.raises(InvalidFile, match="keep_messages"):
        configuration("sliding_window:keep_mesages=6")
