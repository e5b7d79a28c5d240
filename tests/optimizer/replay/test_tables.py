"""Many scores together, and tool calls side by side."""

import pytest

from optimizer.replay.batches import Batches, batches
from optimizer.replay.comparing import compare, score_transcript
from optimizer.replay.rendering import built_in, configuration
from optimizer.replay.tables import rows
from optimizer.replay.uses import Uses
from search_space.tools import Effects
from tests.optimizer.replay.talks import read, talk, transcript


def scores(strategy="sliding_window:keep_messages=4,block=4", count=6, workloads=("a", "b")):
    wholes = [
        transcript(talk(20 + number, seed=number), id=str(number), workload=workloads[number % len(workloads)])
        for number in range(count)
    ]
    return [score_transcript(whole, built_in(configuration(strategy), 900)) for whole in wholes]


def test_shares_are_sums_over_sums_with_an_interval_around_them():
    found = scores()
    every, one, two = rows("s", found)
    assert (every.workload, one.workload, two.workload) == ("", "a", "b")
    assert every.kept.value == sum(s.at_risk_kept for s in found) / sum(s.at_risk for s in found)
    assert every.cost.value == pytest.approx(sum(s.cost for s in found) / sum(s.full_cost for s in found))
    for row in (every, one, two):
        assert row.kept.low <= row.kept.value <= row.kept.high
        assert row.cost.low <= row.cost.value <= row.cost.high
    assert every.steps == one.steps + two.steps == sum(s.steps for s in found)
    assert rows("s", found) == [every, one, two]


def test_of_one_transcript_there_is_no_interval_and_of_none_at_risk_no_share():
    (row,) = rows("s", scores(count=1))
    assert row.kept.value is not None and row.kept.low is None
    (row,) = rows("s", [score_transcript(transcript(talk(1)), built_in(configuration("none"), 900))])
    assert row.kept.value is None and row.cost.value == 1.0


def both(first, second):
    one, two = first[0]["content"], second[0]["content"]
    return [
        {"role": "assistant", "content": [*one, *two]},
        {"role": "user", "content": [*first[1]["content"], *second[1]["content"]]},
    ]


def call(number, name, **given):
    messages = read(number, "x", "done")
    messages[0]["content"][0] |= {"name": name, "input": given}
    return messages


def counted(*messages, **more):
    whole = [{"role": "user", "content": "Go"}, *messages]
    return batches(whole, Uses(whole), **more)


def test_steps_that_could_have_been_one():
    independent = counted(*read(1, "one.py", "a"), *read(2, "two.py", "b"), *read(3, "three.py", "c"))
    assert independent == Batches(3, 0, 0, 2)
    dependent = counted(*read(1, "one.py", "see two.py"), *read(2, "two.py", "b"))
    assert dependent.savable == 0
    said = {"role": "user", "content": "And now the other"}
    assert counted(*read(1, "one.py", "a"), said, *read(2, "two.py", "b")).savable == 0


def test_conflicts():
    same = both(call(1, "Edit", file_path="/a.py"), call(2, "Read", file_path="/a.py"))
    other = both(call(1, "Edit", file_path="/a.py"), call(2, "Read", file_path="/b.py"))
    shell = both(call(1, "Bash", command="rm x"), call(2, "Read", file_path="/a.py"))
    looking = both(call(1, "Bash", command="ls src"), call(2, "Read", file_path="/a.py"))
    found = [counted(*messages).conflicting for messages in (same, other, shell, looking)]
    assert found == [1, 0, 1, 0]
    told = {"Edit": Effects(writes=frozenset({"notes"})), "Read": Effects(reads=frozenset({"files"}))}
    assert counted(*same, effects=told).conflicting == 0
    assert counted(*call(1, "book_flight", id="f1"), *call(2, "get_user", id="u1")).savable == 0


def test_comparing_strategies():
    wholes = [transcript(talk(12, seed=seed), id=str(seed)) for seed in range(3)]
    found = compare(wholes, {name: lambda n=name: built_in(configuration(n), 600) for name in ("none", "summary")})
    assert [len(each) for each in found.scores.values()] == [3, 3]
    assert found.all_batches.rounds == 36
