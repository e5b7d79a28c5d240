"""A campaign run to its end, and every command that reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.optimizer.cli.projects import Done, Finished, Project, strict_json

Here = Callable[..., Done]


def test_what_the_run_told(finished: Finished) -> None:
    events = finished.run.lines
    assert events[0]["event"] == "CampaignStarted"
    assert [event["event"] for event in events[-2:]] == ["CampaignEnded", "Summary"]
    assert events[-2]["finished"] is True
    started = [event["number"] for event in events if event["event"] == "ExperimentStarted"]
    decided = [event["number"] for event in events if event["event"] == "ExperimentDecided"]
    assert started == decided == list(range(1, len(started) + 1))
    assert "RolloutFinished" not in {event["event"] for event in events}


def test_what_may_be_claimed(finished: Finished) -> None:
    summary = finished.run.lines[-1]
    assert summary["holdout"]["certified"] is True
    assert summary["holdout"]["difference"]["low"] > 0
    assert summary["holdout"]["tasks"] == 4
    assert summary["exams"][0]["outcome"] == "passed"
    assert summary["kept"][0]["what"] == "set limits.max_steps to 9"
    assert summary["cost"]["rollouts"] <= 90
    assert sum(part["rollouts"] for part in summary["cost"]["by_purpose"].values()) == summary["cost"]["rollouts"]


def test_the_branch_holds_the_keep_with_its_evidence(finished: Finished) -> None:
    project = finished.project
    kept = finished.run.lines[-1]["kept"][0]["commit"]
    message = project.git("log", "-1", "--format=%B", kept)
    assert message.startswith("Set limits.max_steps to 9")
    assert "Hypothesis: More steps, more answers" in message
    trailers = project.git("log", "-1", "--format=%(trailers:only)", kept)
    for name in ("Campaign: quick", "Experiment: 1", "Proposer: human", "Score: ", "Evidence: ", "Cost: ", "Suite: "):
        assert f"Ratchet-{name}" in trailers
    assert project.git("rev-parse", f"{kept}^") == project.git("rev-parse", "main")
    assert project.git("diff", "--stat", "main", kept).count("|") == 1
    assert "# to be raised" in project.git("show", f"{kept}:harness/harness.toml")
    assert project.git("rev-parse", "refs/ratchet/quick/certified/1").strip() == kept


def test_a_second_run_has_nothing_to_do(copied: Project) -> None:
    before = copied.git("for-each-ref"), copied.ratchet("log", "--json").out
    again = copied.ratchet("run", "experiments/quick")
    assert again.code == 0
    assert "the end was reached in an earlier run" in again.out
    assert (copied.git("for-each-ref"), copied.ratchet("log", "--json").out) == before


def test_more_budget_goes_on(copied: Project) -> None:
    more = copied.ratchet("run", "experiments/quick", "--rollouts", "120", "--json")
    assert more.code == 0
    summary = more.lines[-1]
    assert 84 < summary["cost"]["rollouts"] <= 120
    assert more.lines[0]["resumed"] is True
    assert more.lines[0]["kept"] >= 1


def test_status(finished: Finished, here: Here) -> None:
    told = here(finished.project, "status")
    assert told.code == 0
    assert "finished: " in told.out
    assert " of 90 rollouts" in told.out
    assert "certified champion" in told.out
    value = strict_json(here(finished.project, "status", "--json").out)
    assert (value["running"], value["finished"], value["limits"]["rollouts"]) == (False, True, 90)
    assert value["holdout"]["champion"]["mean"] > value["holdout"]["baseline"]["mean"]


def test_log(finished: Finished, here: Here) -> None:
    rows = here(finished.project, "log", "--json").lines
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert {"keep", "discard"} <= {row["verdict"] for row in rows}
    kept = here(finished.project, "log", "--kept", "--json").lines
    assert {row["verdict"] for row in kept} == {"keep"}
    assert [row["number"] for row in here(finished.project, "log", "--last", "2", "--json").lines] == [
        row["number"] for row in rows[-2:]
    ]
    text = here(finished.project, "log").out
    numbered = re.compile(r" *(\d+) +(keep|discard|crash|timeout|invalid|checks_failed|over_budget) ")
    shown = [int(line[1]) for line in map(numbered.match, text.splitlines()) if line]
    assert shown == sorted(shown, reverse=True), "the latest first"


def test_log_as_results_tsv(finished: Finished, here: Here) -> None:
    lines = here(finished.project, "log", "--tsv").out.splitlines()
    assert lines[0] == "commit\tscore\tcost_usd\tstatus\tdescription"
    assert all(line.count("\t") == 4 for line in lines)
    assert {line.split("\t")[3] for line in lines[1:]} <= {"keep", "discard", "crash"}


def test_show(finished: Finished, here: Here) -> None:
    text = here(finished.project, "show", "1").out
    for part in ("Experiment 1: keep", "More steps, more answers", "+max_steps = 9", "t00", "95% interval"):
        assert part in text
    value = strict_json(here(finished.project, "show", "1", "--json").out)
    assert {pair["task"] for pair in value["pairs"]} == {f"t{number:02}" for number in range(6)}
    assert "-max_steps = 1" in value["diff"]


@pytest.mark.parametrize("words", [("status",), ("log",), ("show", "1")])
@pytest.mark.parametrize("width", [80, 140])
def test_nothing_is_wider_than_asked(
    finished: Finished, here: Here, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, here(finished.project, *words).out.splitlines())) <= width


@pytest.mark.parametrize("words", [("status",), ("log",), ("show", "1"), ("doctor",)])
def test_plain_output_where_no_terminal_is(finished: Finished, here: Here, words: tuple[str, ...]) -> None:
    out = here(finished.project, *words).out
    assert "\x1b" not in out
    assert not set("╭╮╰╯│━") & set(out)


def test_verify_says_that_the_claim_stands(finished: Finished, here: Here) -> None:
    done = here(finished.project, "verify", "1", "--repeats", "1", "--attempt", "3", "--json")
    value: dict[str, Any] = strict_json(done.out)
    assert (done.code, value["finding"], value["rollouts"]) == (0, "stands", 12)
    assert value["low"] > 0
    commit = finished.run.lines[-1]["kept"][0]["commit"]
    again = here(finished.project, "verify", commit[:10], "--repeats", "1", "--attempt", "3")
    assert again.code == 0
    assert "the keep stands" in again.out and "--attempt 3" in again.out


@pytest.mark.parametrize("which", ["2", "77", "abc", "deadbeef"])
def test_verify_of_what_was_not_kept(finished: Finished, here: Here, which: str) -> None:
    done = here(finished.project, "verify", which)
    assert done.code == 2
    assert "expected the number or commit of a kept experiment" in done.err


def test_stop_when_nothing_runs(finished: Finished, here: Here) -> None:
    done = here(finished.project, "stop", "--json")
    assert (done.code, strict_json(done.out)["running"]) == (0, False)
    assert "not running" in here(finished.project, "stop").err
    assert not (finished.project.campaign / "stop").exists()


def test_doctor(finished: Finished, here: Here) -> None:
    done = here(finished.project, "doctor", "--json")
    assert done.code == 0
    assert strict_json(done.out)["works"] is True


def test_found_from_elsewhere(finished: Finished, here: Here) -> None:
    inner = Project(finished.project.root / "library" / "pack0")
    assert "quick" in here(inner, "status", "-c", "quick").out
    outer = Project(finished.project.root.parent)
    assert here(outer, "status").code == 2
    assert "quick" in here(outer, "status", "--in", "project").out
