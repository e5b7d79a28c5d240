"""The replay suite: which transcripts are tasks, how they are split, and what a score is worth."""

from dataclasses import replace

import pytest

from optimizer.errors import RatchetError, SettingsError
from optimizer.records import Split
from optimizer.replay.comparing import score_transcript
from optimizer.replay.rendering import built_in, configuration
from optimizer.settings.replay import ReplaySuiteSettings, ReplayWeights
from optimizer.suites.replay import ReplaySuite
from tests.optimizer.replay.talks import talk, transcript

WEIGHTS = ReplayWeights()


def transcripts(sizes, steps=12):
    return [
        transcript(talk(steps, seed=number), id=f"{workload}-{number}", workload=workload)
        for workload, count in sizes.items()
        for number in range(count)
    ]


def suite(sizes, *, hold_out="workload", limit=500, weights=WEIGHTS):
    return ReplaySuite(transcripts(sizes), limit_tokens=limit, weights=weights, hold_out=hold_out)


def test_no_two_splits_share_a_workload():
    made = suite({"big": 9, "middle": 6, "small": 4, "tiny": 3, "least": 2})
    by_split = {split: {task.id.partition("-")[0] for task in made.tasks(split)} for split in Split}
    assert by_split[Split.search] >= {"big"} and by_split[Split.holdout] >= {"middle"}
    assert by_split[Split.certify] >= {"small"}
    assert sum(map(len, by_split.values())) == 5
    assert sum(len(made.tasks(split)) for split in Split) == 24


def test_few_workloads_must_be_divided_knowingly():
    with pytest.raises(SettingsError, match="2 workloads") as caught:
        suite({"one": 10, "two": 10})
    assert 'hold_out = "transcript"' in caught.value.hint
    made = suite({"one": 10, "two": 10}, hold_out="transcript")
    assert [len(made.tasks(split)) for split in (Split.search, Split.certify, Split.holdout)] == [10, 4, 6]


def test_what_fits_is_no_task():
    assert suite({"one": 10}, hold_out="transcript", limit=10**6).fitting == 10
    short = [transcript(talk(1), id=str(n)) for n in range(3)]
    made = ReplaySuite([*short, *transcripts({"w": 4})], limit_tokens=500, weights=WEIGHTS, hold_out="transcript")
    assert made.fitting == 3 and sum(len(made.tasks(split)) for split in Split) == 4


def test_the_hash_is_over_everything_that_a_score_depends_on():
    sizes = {"one": 10}
    same = suite(sizes, hold_out="transcript")
    assert suite(sizes, hold_out="transcript").hash == same.hash
    others = [
        suite(sizes, hold_out="transcript", limit=501),
        suite(sizes, hold_out="transcript", weights=ReplayWeights(kept=1.0)),
        suite({"one": 11}, hold_out="transcript"),
        ReplaySuite(transcripts(sizes, steps=13), limit_tokens=500, weights=WEIGHTS, hold_out="transcript"),
    ]
    assert len({same.hash, *(other.hash for other in others)}) == 5


def test_what_a_score_is_worth():
    made = suite({"one": 10}, hold_out="transcript", weights=ReplayWeights(kept=3, cost=1))
    whole = score_transcript(transcript(talk(20)), built_in(configuration("none"), 500))
    assert made.worth(whole) == pytest.approx(3 / 4 + 1 / 4 * 0.5)
    lost = replace(whole, at_risk=4, at_risk_kept=1, cost=3 * whole.full_cost)
    assert made.worth(lost) == pytest.approx(3 / 4 * 0.25)
    assert made.worth(replace(whole, at_risk=0, at_risk_kept=0, cost=0.0)) == 1.0


def test_the_same_id_twice_is_two_tasks():
    double = [transcript(talk(12, seed=n), id="same") for n in range(5)]
    made = ReplaySuite(double, limit_tokens=500, weights=WEIGHTS, hold_out="transcript")
    assert {task.id for split in Split for task in made.tasks(split)} == {"same", *(f"same#{n}" for n in range(2, 6))}


def test_files_that_hold_nothing(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(RatchetError, match="nothing usable"):
        ReplaySuite.load(ReplaySuiteSettings(transcripts=("empty.jsonl",)), tmp_path)
    with pytest.raises(SettingsError, match="No such file"):
        ReplaySuite.load(ReplaySuiteSettings(transcripts=("none.jsonl",)), tmp_path)


def test_a_harness_without_a_compaction_is_no_candidate():
    assert "harness.toml" in (suite({"one": 10}, hold_out="transcript").problem({"CLAUDE.md": b"hello"}) or "")
