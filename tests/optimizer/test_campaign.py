"""A campaign driven from code: what it tells, and how it ends."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.assemble import Request, open_campaign, plan_campaign
from optimizer.campaign import IDLE_EXPERIMENTS, idling, recollect
from optimizer.errors import SettingsError
from optimizer.events import (
    Bus,
    CampaignEnded,
    CampaignStarted,
    Event,
    ExperimentDecided,
    ExperimentStarted,
    PhaseChanged,
    RolloutFinished,
)
from optimizer.experiment import Memory, run_experiment
from optimizer.records import Verdict
from optimizer.standing import Standing
from tests.optimizer.cli.projects import Project, make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("campaign") / "project")


def heard(project: Project, request: Request, *, cancelled: bool = False) -> tuple[CampaignEnded, list[Event]]:
    events: list[Event] = []
    with open_campaign(plan_campaign(request), Bus(events.append)) as campaign:
        if cancelled:
            tell = campaign.parts.emit

            def emit(event: Event) -> None:
                tell(event)
                if isinstance(event, ExperimentStarted):
                    campaign.parts.cancel.set()

            campaign = replace(campaign, parts=replace(campaign.parts, emit=emit))
        ended = campaign.run()
        memory = recollect(campaign.parts)
        assert len(memory.past) == campaign.parts.ledger.next_number() - 1 - cancelled
    return ended, events


def test_cancelled_at_once_then_taken_up(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    request = Request(project.experiment, rollouts=60)
    ended, events = heard(project, request, cancelled=True)
    assert not ended.finished
    assert events[-1] == ended
    assert not [event for event in events if isinstance(event, ExperimentDecided)]
    again, more = heard(project, request)
    assert again.finished
    started = [event.number for event in more if isinstance(event, ExperimentStarted)]
    assert started[0] == 1, "the experiment that was in hand is gone on with"
    decided = [event for event in more if isinstance(event, ExperimentDecided)]
    assert decided[0].decision.verdict is Verdict.keep and decided[0].commit
    assert isinstance(more[0], CampaignStarted)
    phases = [event.phase for event in more if isinstance(event, PhaseChanged)]
    assert phases[0] == "search", "calibrated in the first sitting"
    assert phases[-2:] == ["holdout", "done"]
    purposes = {event.purpose for event in more if isinstance(event, RolloutFinished)}
    assert {"search", "holdout"} <= purposes
    assert capsys.readouterr().out == "", "a campaign prints nothing: who listens does"


def test_the_plan_is_the_same_as_what_is_done(project: Project) -> None:
    planned = plan_campaign(Request(project.experiment, rollouts=60))
    assert planned.resumes
    commit, files = planned.start
    assert commit == project.git("rev-parse", "ratchet/quick").strip()
    assert b"max_steps = 9" in files["harness.toml"]


def test_proposers_that_only_repeat_themselves_end_it() -> None:
    assert idling(Memory(idle=IDLE_EXPERIMENTS - 1)) is None
    assert str(IDLE_EXPERIMENTS) in (idling(Memory(idle=IDLE_EXPERIMENTS)) or "")


def test_importing_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    import optimizer.cli.main  # noqa: F401

    assert list(tmp_path.iterdir()) == []


def test_a_campaign_that_an_older_version_began_is_gone_on_with(tmp_path: Path) -> None:
    """Its experiment was hashed without the keys that came since; another experiment is refused all the same."""
    project = make_project(tmp_path / "project")
    request = Request(project.experiment, rollouts=60)
    planned = plan_campaign(request)
    with open_campaign(planned, Bus()):
        pass
    ledger = project.campaign / "ledger.db"
    with closing(sqlite3.connect(ledger)) as connection, connection:
        kept = json.loads(connection.execute("SELECT settings FROM campaign").fetchone()[0])
        del kept["objective"]["constraints"], kept["objective"]["tie_breaks"], kept["sandbox"]["workers"]
        kept["model"] = {"agent": "embedded"}
        decisive = {key: kept[key] for key in kept if key not in ("budget", "description", "sandbox", "folder")}
        del decisive["no_holdout"]
        text = json.dumps(decisive, separators=(",", ":"), ensure_ascii=False).encode()
        space = (project.experiment / "space.toml").read_bytes()
        digest = "sha256:" + hashlib.sha256(text + b"\0" + space).hexdigest()
        connection.execute("UPDATE campaign SET settings = ?, experiment = ?", (json.dumps(kept), digest))
    with open_campaign(plan_campaign(request), Bus()) as campaign:
        assert campaign.parts.objective.constraints == ()
    file = project.experiment / "experiment.toml"
    file.write_text(file.read_text() + '\n[objective]\ntie_breaks = ["lines"]\n')
    with (
        pytest.raises(SettingsError, match=r"the experiment changed .* objective"),
        open_campaign(plan_campaign(request), Bus()),
    ):
        pass


def test_what_the_searchs_time_cuts_short_is_over_budget_and_may_be_tried_again(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    idea = 'hypothesis = "A few steps more"\n[changes]\n"limits.max_steps" = 2\n'
    (project.experiment / "proposals" / "zz.toml").write_text(idea)
    with open_campaign(plan_campaign(Request(project.experiment, rollouts=60)), Bus()) as campaign:
        parts, memory = campaign.parts, Memory()
        standing = Standing.at_baseline(campaign.baseline, campaign.baseline_commit)
        after = run_experiment(1, standing, memory, parts, deadline=time.monotonic())
        assert after is not None and (after.tree, after.spent_out) == (standing.tree, "")
        row = parts.ledger.experiment(1)
        assert row is not None and row.decision is not None and row.commit is None
        assert row.decision.verdict is Verdict.over_budget and "time was up" in row.decision.reason
        assert memory.tried == {}, "nothing was learnt of it"
        own = replace(parts, experiment_timeout_s=0.0)
        assert run_experiment(2, standing, memory, own, deadline=math.inf) is not None
        row = parts.ledger.experiment(2)
        assert row is not None and row.decision is not None and row.decision.verdict is Verdict.timeout
        assert list(memory.tried.values()) == [2]
