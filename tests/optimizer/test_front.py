"""The Pareto front and the flags of a real, small campaign."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.assemble import Request, open_campaign, plan_campaign
from optimizer.campaign import Campaign
from optimizer.events import Bus
from optimizer.front import _refuted, front_of, keep_front
from optimizer.ledger.rows import Exam, ExperimentRow, Pruning, State
from optimizer.records import Decision, Proposal, Verdict
from optimizer.reports.findings import front_line
from optimizer.switches import switches_of
from search_space.edits import SetKey
from tests.optimizer.cli.projects import Project, make_project

FLAG = '\n[[dimension]]\nkind = "choice"\nkey = "flags.terse"\nvalues = [false, true]\ndefault = false\n'
IDEA = 'hypothesis = "Terse"\n[changes]\n"flags.terse" = true\n'
BOTH = 'hypothesis = "Both"\n[changes]\n"flags.terse" = true\n"limits.max_result_chars" = 500\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose campaign has ended: a keep, a flag switched alone, the flag with another dimension."""
    project = make_project(tmp_path_factory.mktemp("front") / "project")
    space = project.experiment / "space.toml"
    space.write_text(space.read_text() + FLAG)
    (project.experiment / "proposals" / "z-terse.toml").write_text(IDEA)
    (project.experiment / "proposals" / "zz-both.toml").write_text(BOTH)
    with opened(project) as campaign:
        assert campaign.run().finished
    return project


def opened(project: Project) -> object:
    return open_campaign(plan_campaign(Request(project.experiment, rollouts=150)), Bus())


@pytest.fixture
def campaign(project: Project) -> Iterator[Campaign]:
    with opened(project) as campaign:
        yield campaign


def refs(project: Project) -> dict[str, str]:
    lines = project.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/ratchet/quick/pareto/").splitlines()
    return {name.rpartition("/")[2]: commit for name, commit in (line.split() for line in lines)}


def test_every_member_is_in_git_and_nothing_else(project: Project, campaign: Campaign) -> None:
    members = front_of(campaign.parts.ledger)
    assert members and {str(member.experiment) for member in members} == set(refs(project))
    for member in members:
        assert project.git("rev-parse", f"{refs(project)[str(member.experiment)]}:harness").strip() == member.tree
    for one in members:
        for other in members:
            better = other.score >= one.score and other.billed_tokens <= one.billed_tokens
            assert not better or other == one
    kept = [member for member in members if member.commit]
    assert all(refs(project)[str(member.experiment)] == member.commit for member in kept)


def test_doing_it_again_changes_nothing_and_mends_what_is_missing(project: Project, campaign: Campaign) -> None:
    before = refs(project)
    branch, status = project.git("rev-parse", "ratchet/quick", "HEAD"), project.git("status", "--short")
    keep_front(campaign.parts)
    assert refs(project) == before
    for name in before:
        project.git("update-ref", "-d", f"refs/ratchet/quick/pareto/{name}")
    project.git("update-ref", "refs/ratchet/quick/pareto/999", "HEAD")
    keep_front(campaign.parts)
    assert refs(project) == before
    assert project.git("rev-parse", "ratchet/quick", "HEAD") == branch
    assert project.git("status", "--short") == status


def test_variants_that_a_loss_of_power_took_are_made_again(project: Project) -> None:
    before = refs(project)
    shutil.rmtree(project.root / ".ratchet" / "variants", ignore_errors=True)
    (project.root / ".ratchet" / "variants").unlink(missing_ok=True)
    with opened(project) as campaign:
        keep_front(campaign.parts)
    assert refs(project) == before


def test_what_rests_on_a_failed_exam_has_no_place(tmp_path: Path) -> None:
    """0 -> 1 -> 3 were kept, 2 and 4 were measured on 1 and 3; an exam fails 3 against the baseline; 5 comes after."""
    edit = SetKey(key="limits.max_steps", value=1)

    def row(number: int, champion: str, *, kept: bool) -> ExperimentRow:
        decision = Decision(Verdict.keep if kept else Verdict.discard, "")
        commit = f"commit {number}" if kept else None
        proposal = Proposal(edit, "why", "tpe")
        found = ExperimentRow(number, State.done, proposal, champion, 0.0, f"tree {number}", decision=decision)
        return replace(found, commit=commit)

    rows = [
        row(1, "tree 0", kept=True),
        row(2, "tree 1", kept=False),
        row(3, "tree 1", kept=True),
        row(4, "tree 3", kept=False),
        row(5, "tree 0", kept=False),
    ]
    failed = Exam(1, "failed", "commit 3", "commit 0", {}, {})
    assert _refuted(rows, [failed], []) == {1, 2, 3, 4}
    assert _refuted(rows, [replace(failed, against="commit 1")], []) == {3, 4}
    assert _refuted(rows, [replace(failed, outcome="unclear")], []) == set()
    pruning = Pruning(1, "lean", "tip", {"before": {"commit": "commit 3"}}, {})
    assert _refuted(rows, [replace(failed, champion="lean")], [pruning]) == {1, 2, 3, 4}


def test_flags_alone_and_with_others(campaign: Campaign) -> None:
    (terse,) = switches_of(campaign.parts.ledger)
    rows = [row for row in campaign.parts.ledger.experiments() if "flags.terse" in row.proposal.changes]
    alone = [
        row for row in rows if len(row.proposal.changes) == 1 and row.decision and row.decision.raw_effect is not None
    ]
    assert terse.name == "flags.terse" and terse.experiments == len(alone) >= 1
    assert terse.effect is not None and terse.low is not None and terse.high is not None
    assert terse.low <= terse.effect <= terse.high
    assert terse.together >= 1
    champion = campaign.parts.space.read(
        campaign.parts.workspace.files(campaign.parts.workspace.tree(campaign.parts.ledger.tip))
    )
    assert terse.on == champion["flags.terse"]


def test_told_on_the_command_line(project: Project) -> None:
    members = project.ratchet("log", "--pareto", "--json").lines
    assert [member["ref"] for member in members] == [
        f"refs/ratchet/quick/pareto/{member['experiment']}" for member in members
    ]
    text = project.ratchet("log", "--pareto").out
    assert f"git switch --detach {members[0]['ref']}" in text and "no claim" in text
    (flag,) = project.ratchet("log", "--flags", "--json").lines
    assert flag["name"] == "flags.terse" and flag["measured_alone"] is True
    assert "flags.terse" in project.ratchet("log", "--flags").out
    status = project.ratchet("status", "--json").out
    assert '"pareto": [' in status and '"flags": [' in status and '"cache_missed_tokens": 0' in status


def test_a_front_of_one_is_not_worth_a_line() -> None:
    assert front_line([]) == ""
