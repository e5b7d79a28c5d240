"""The live table and the plain log, fed with events."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest

from optimizer import events
from optimizer.records import Decision, Proposal, Rollout, RolloutKey, Spend, Status, Verdict
from optimizer.reports.live import LiveTable, render
from optimizer.reports.plain import JsonLog, PlainLog
from optimizer.reports.progress import Progress

Shown = Callable[..., str]


def night(started: events.CampaignStarted, proposal: Proposal, kept: Decision) -> list[events.Event]:
    rollout = Rollout(RolloutKey("t", "s", "a", 1), Status.ok, 1.0)
    long = replace(proposal, words="say in Method: " + "a very long sentence " * 20)
    return [
        started,
        events.PhaseChanged("search", "experiments on the search tasks"),
        events.ExperimentStarted(1, proposal),
        *(events.RolloutFinished("search", rollout) for _ in range(40)),
        events.Spent(Spend(rollouts=40, input_tokens=9_310_000), 0.04),
        events.ExperimentDecided(1, proposal, kept, "c0ffee" * 6, 0.5),
        events.ExperimentStarted(2, long),
        events.ExperimentDecided(2, long, Decision(Verdict.crash, "10 of 10 rollouts: no luck"), None, 0.5),
        events.PhaseChanged("exam", "exam 1: the working champion"),
        events.ExamEnded(1, "passed", "exam passed", 0.12, 0.03, 2.5),
        events.PhaseChanged("search", "experiments on the search tasks"),
        events.ExperimentStarted(3, long),
    ]


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits(
    started: events.CampaignStarted, proposal: Proposal, kept: Decision, shown: Shown, width: int
) -> None:
    progress = Progress()
    assert "starting" in shown(render(progress))
    for event in night(started, proposal, kept):
        progress.take(event)
    text = shown(render(progress, "a remark"), width)
    lines = text.splitlines()
    assert {len(line) for line in lines} == {width}
    for part in (
        "Ratchet · night · seed 7 · model embedded",
        "4% of the budget",
        "40 of 1,000 rollouts · 9.31 M tokens",
        "champion 50.0, began at 47.0 (search estimates, no claim)",
        "2 experiments, 1 kept · 1 certified, last exam passed +12.0 (+3.0 to +100.0)",
        "set [limits] to 9",
        "running …",
        "a remark",
    ):
        assert part in text
    assert len(lines) <= 16, "a long edit takes one line"
    order = [line.split()[1] for line in lines if line[1:8].strip().isdigit()]
    assert order == ["3", "2", "1"], "the latest first"


def test_many_decisions_do_not_fill_the_screen(
    started: events.CampaignStarted, proposal: Proposal, kept: Decision, shown: Shown
) -> None:
    progress = Progress()
    progress.take(started)
    for number in range(1, 200):
        progress.take(events.ExperimentDecided(number, proposal, kept, "c0ffee", 0.5, 4321.0))
    told = shown(render(progress))
    assert len(told.splitlines()) < 24
    assert "#199 kept: better on 4 of 6 tasks" in told and "1:12:01" in told
    assert progress.experiments == progress.kept == 199


def test_a_resumed_campaign_goes_on_counting(started: events.CampaignStarted, shown: Shown) -> None:
    progress = Progress()
    progress.take(replace(started, done=41, resumed=True, kept=3, certified=1, champion=0.62))
    text = shown(render(progress))
    assert "resumed after 41 experiments" in text
    assert "41 experiments, 3 kept · 1 certified" in text
    assert "champion 62.0" in text


def test_the_end(started: events.CampaignStarted, shown: Shown) -> None:
    progress = Progress()
    for event in (started, events.CampaignEnded("the budget is spent", finished=True)):
        progress.take(event)
    text = shown(render(progress, "a remark"))
    assert "took" in text and "left" not in text and "a remark" not in text
    assert progress.seconds >= 0


def test_time_left_is_that_of_the_nearest_limit(started: events.CampaignStarted) -> None:
    progress = Progress()
    progress.take(replace(started, seconds_left=30.0))
    assert progress.seconds_left is not None and 29 < progress.seconds_left <= 30
    progress.take(replace(started, total_rollouts=None))
    assert progress.seconds_left is None


def test_a_remark_needs_no_lock() -> None:
    from rich.console import Console

    table = LiveTable(Console(file=StringIO()))
    with table._lock:
        table.tell("from a signal handler")
    assert table.notice == "from a signal handler"


def test_the_plain_log(started: events.CampaignStarted, proposal: Proposal, kept: Decision) -> None:
    out = StringIO()
    log = PlainLog(out)
    for event in [*night(started, proposal, kept), events.CampaignEnded("over", finished=True)]:
        log(event)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("campaign night, seed 7; branch ratchet/night of somewhere; model embedded")
    told = "#1 kept: better on 4 of 6 tasks, worse on 1; +10.0 points, 95% interval -1.0 to +21.0, believed +3.0 with "
    assert lines[2].startswith(told) and " · set [limits] to 9 [40 rollouts (4% of the budget)" in lines[2]
    assert "#2 crashed: 10 of 10" in lines[3] and "no luck" in lines[3]
    assert "exam 1 passed: +12.0 points, 95% interval +3.0 to +100.0" in lines
    assert lines[-1] == "ended: over"
    assert len(lines) == 8, "no line for a rollout"


def test_the_json_log(started: events.CampaignStarted, proposal: Proposal, kept: Decision) -> None:
    plain, full = StringIO(), StringIO()
    for event in night(started, proposal, replace(kept, low=float("-inf"))):
        JsonLog(plain)(event)
        JsonLog(full, rollouts=True)(event)
    rows = [json.loads(line) for line in plain.getvalue().splitlines()]
    decided = next(row for row in rows if row["event"] == "ExperimentDecided")
    assert decided["decision"]["verdict"] == "keep"
    assert decided["sentence"].startswith("kept: better on 4 of 6 tasks")
    assert decided["decision"]["low"] is None
    assert decided["proposal"]["changes"] == {"limits.max_steps": 9}
    assert len(full.getvalue().splitlines()) == len(rows) + 40


class Full(StringIO):
    """A file on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_silences_the_log_and_nothing_else(started: events.CampaignStarted) -> None:
    PlainLog(Full())(started)
    JsonLog(Full())(started)
