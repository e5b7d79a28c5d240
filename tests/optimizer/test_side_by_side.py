"""A proposal that lets two conflicting tools run side by side: invalid in the ledger, and never run."""

from __future__ import annotations

from pathlib import Path

from optimizer.assemble import Request, open_campaign, plan_campaign
from optimizer.events import Bus, Event, ExperimentDecided, RolloutFinished
from optimizer.records import Verdict
from tests.optimizer.cli.projects import make_project

PARALLEL = """
[[dimension]]
kind = "parallel"
tools = ["edit", "read_file"]
effects = { edit = { writes = ["files:{path}"] } }
"""
IDEA = '[changes]\n"parallel.edit" = true\n"parallel.read_file" = true\n'


def test_it_is_recorded_as_invalid_with_both_tools_and_the_resource(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    with (project.experiment / "space.toml").open("a") as space:
        space.write(PARALLEL)
    (project.experiment / "proposals" / "steps.toml").write_text(IDEA)
    project.commit()
    events: list[Event] = []
    bus = Bus(events.append)
    with open_campaign(plan_campaign(Request(project.experiment)), bus) as campaign:
        bus.listen(lambda event: campaign.parts.cancel.set() if isinstance(event, ExperimentDecided) else None)
        campaign.run()
    first = next(event for event in events if isinstance(event, ExperimentDecided))
    assert first.decision.verdict is Verdict.invalid
    assert first.decision.reason == (
        "harness.toml: tools.parallel: got edit and read_file marked, "
        "but calls of edit and of read_file always conflict over 'files:{path}'"
    )
    ran = [event for event in events[: events.index(first)] if isinstance(event, RolloutFinished)]
    assert {event.purpose for event in ran} <= {"calibration"}, "none of the variant's"
