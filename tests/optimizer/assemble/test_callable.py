"""Campaigns on a Python function: real ones, in every respect but what a rollout is."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.acceptance.presets import CAREFUL
from optimizer.assemble import verify_commit
from optimizer.assemble.callable import CallableRequest, open_callable
from optimizer.assemble.components import MOST_IN_A_FILE, harness_of
from optimizer.campaign import Campaign
from optimizer.errors import CampaignBusy, RepositoryError, SettingsError
from optimizer.evaluation.checks import check_files
from optimizer.events import Bus, Event, ExperimentDecided
from optimizer.home import find_home
from optimizer.ledger.store import Ledger
from optimizer.records import Split, Verdict
from optimizer.settings import ProposerSettings
from optimizer.standing import Standing
from search_space.dimensions.base import Condition
from search_space.domains import FloatRange, IntRange
from search_space.space import load_space
from tests.optimizer.assemble.calls import TASKS, request, score, truth

ROOT = Path(__file__).parents[3]


def outcome(campaign: Campaign) -> dict[str, Any]:
    """What a campaign came to, without instants: they differ from run to run."""
    parts = campaign.parts
    rows = list(parts.ledger.experiments())
    standing = Standing.from_json(parts.ledger.gate() or {})
    return {
        "experiments": [
            (row.number, row.proposal.source, row.variant, row.decision.verdict, row.decision.reason, row.value)
            for row in rows
            if row.decision is not None
        ],
        "tip": parts.workspace.tree(parts.branch.read() or ""),
        "trees": (standing.tree, standing.certified_tree, standing.pool.to_json(), standing.exams, standing.passed),
        "exams": [(exam.outcome, exam.result) for exam in parts.ledger.exams()],
        "rollouts": {purpose: spend.rollouts for purpose, spend in parts.ledger.rollouts.spent().items()},
        "left": (parts.ledger.unfinished(), parts.ledger.rollouts.counts().get("started", 0)),
    }


def test_a_clearly_good_option_is_kept_and_certified_on_the_branch() -> None:
    events: list[Event] = []
    with open_callable(request(1500), Bus(events.append)) as campaign:
        assert campaign.run().finished
        parts, workspace = campaign.parts, campaign.parts.workspace
        way = parts.branch.way(campaign.baseline_commit, parts.branch.read() or "")
        kept = [event.commit for event in events if isinstance(event, ExperimentDecided) and event.commit]
        assert kept == way, "each keep is a commit"
        standing = Standing.from_json(parts.ledger.gate() or {})
        start, best = (workspace.files(tree) for tree in (campaign.baseline, standing.certified_tree))
        gain = truth(parts.space.read(best)) - truth(parts.space.read(start))
        assert standing.passed and gain > 0.2, "35 points are to be had by one change alone"
        assert parts.ledger.reports()[0].result["difference"]["mean"] > 0.1
        assert parts.ledger.rollouts.spent()["holdout"].rollouts == 2 * 2 * len(TASKS[Split.holdout])


@settings(max_examples=8, deadline=None)
@given(st.integers(150, 700), st.integers(0, 5), st.sampled_from(["sweep", "random", "thompson"]))
def test_the_budget_is_never_overrun(rollouts: int, seed: int, proposer: str) -> None:
    calls: list[str] = []

    def counted(assignment: Mapping[str, str], task: str, seed: int) -> float:
        calls.append(task)
        return score(assignment, task, seed)

    proposers = type(request(1).proposers).model_validate({proposer: 1.0})
    with open_callable(request(rollouts, counted, seed=seed, proposers=proposers)) as campaign:
        assert campaign.run().finished
        spent = campaign.parts.ledger.rollouts.spent()
        assert sum(spend.rollouts for spend in spent.values()) == len(calls) <= rollouts
        assert spent["holdout"].rollouts in (16, 32), "what was set aside for the end is there"


def test_the_same_seed_gives_the_same_campaign_and_another_one_another() -> None:
    found = []
    for seed in (1, 1, 2):
        with open_callable(request(600, seed=seed)) as campaign:
            campaign.run()
            found.append(outcome(campaign))
    assert found[0] == found[1] != found[2]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a campaign of 350 rollouts comes to when nothing disturbs it."""
    with open_callable(request(350, folder=tmp_path_factory.mktemp("peace") / "run")) as campaign:
        campaign.run()
        return outcome(campaign)


@pytest.mark.parametrize("kills", [(40, 90), (0, 1, 200)])
def test_killed_and_opened_again_it_ends_as_one_left_in_peace(
    tmp_path: Path, expected: dict[str, Any], kills: tuple[int, ...]
) -> None:
    folder = tmp_path / "killed"
    for calls in kills:
        command = [sys.executable, "-m", "tests.optimizer.assemble.calls", str(folder), "350", str(calls)]
        assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == -9
    again = request(350, folder=folder)
    with open_callable(again) as campaign:
        assert campaign.run().finished
        assert outcome(campaign) == expected
        with pytest.raises(CampaignBusy), open_callable(again):
            pass
    with open_callable(again) as campaign:
        assert "earlier" in campaign.run().why, "what is done is not done again"
        assert outcome(campaign)["experiments"] == expected["experiments"]


def test_what_is_believed_of_options_is_the_same_after_an_interruption(tmp_path: Path) -> None:
    """Draws from the posterior go on where they were."""

    def interrupted(assignment: Mapping[str, str], task: str, seed: int) -> float:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return score(assignment, task, seed)

    proposers, found = ProposerSettings(thompson=1.0), []
    for folder, stops in (("peace", ()), ("disturbed", (190, 70))):
        for stop in stops:
            left = [stop]
            with open_callable(request(600, interrupted, folder=tmp_path / folder, proposers=proposers)) as campaign:
                assert not campaign.run().finished
        with open_callable(request(600, folder=tmp_path / folder, proposers=proposers)) as campaign:
            assert campaign.run().finished
            found.append(outcome(campaign))
    assert found[0] == found[1]
    assert found[0]["experiments"]


def test_a_variant_whose_calls_raise_is_a_crash_with_its_reason() -> None:
    def fragile(assignment: Mapping[str, str], task: str, seed: int) -> float:
        if assignment["part 1"] == "bad":
            raise ZeroDivisionError("by part 1")
        return score(assignment, task, seed)

    with open_callable(request(800, fragile)) as campaign:
        assert campaign.run().finished
        crashed = [
            row.decision.reason
            for row in campaign.parts.ledger.experiments()
            if row.decision is not None and row.decision.verdict is Verdict.crash
        ]
        assert crashed and all("ZeroDivisionError: by part 1" in reason for reason in crashed)


def test_a_function_that_never_works_says_so_at_once() -> None:
    def broken(assignment: Mapping[str, str], task: str, seed: int) -> float:
        raise FileNotFoundError("model.bin")

    with (
        open_callable(request(800, broken)) as campaign,
        pytest.raises(SettingsError, match=r"does not run.*FileNotFoundError: model\.bin"),
    ):
        campaign.run()


@pytest.mark.parametrize("wrong", [math.nan, 1.2, "0.5"])
def test_no_score_ends_the_campaign_which_goes_on_when_that_is_mended(
    tmp_path: Path, expected: dict[str, Any], wrong: object
) -> None:
    def sometimes(assignment: Mapping[str, str], task: str, seed: int) -> object:
        return wrong if assignment["part 1"] == "good" else score(assignment, task, seed)

    broken = request(350, sometimes, folder=tmp_path / "run")
    with open_callable(broken) as campaign, pytest.raises(SettingsError, match="expected a number from 0 to 1"):
        campaign.run()
    with open_callable(replace(broken, score=score)) as campaign:
        assert campaign.run().finished
        assert outcome(campaign) == expected


def test_what_cannot_be_is_told_before_anything_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    twice = {**TASKS, Split.certify: ["c0", "s3"]}
    for asked, told in (
        (replace(request(900), tasks=twice), r"task 's3' in certify and in search, expected it once"),
        (replace(request(900), tasks={Split.search: ["one"]}), "fewer than 2 search tasks"),
        (request(50), r"got 50 rollouts, expected at least"),
        (request(0), "got 0, expected more than 0"),
    ):
        with pytest.raises(SettingsError, match=told), open_callable(replace(asked, folder=folder)):
            pass
    assert not folder.exists()


def test_a_campaign_is_gone_on_with_as_what_it_was(tmp_path: Path) -> None:
    asked = request(400, folder=tmp_path / "run")
    with open_callable(asked):
        pass
    for changed, told in (
        (replace(asked, gate=CAREFUL), "the experiment changed"),
        (replace(asked, seed=7), "has seed 1 already"),
        (replace(asked, tasks={Split.search: ["a", "b", "c"]}), "scores cannot be compared"),
    ):
        with pytest.raises(SettingsError, match=told), open_callable(changed):
            pass
    with open_callable(replace(asked, rollouts=500)) as campaign:
        assert campaign.stopping.budget.limits.rollouts == 500, "a budget may grow"


def test_other_commands_know_such_a_campaign(tmp_path: Path) -> None:
    with open_callable(request(500, folder=tmp_path / "run")) as campaign:
        campaign.run()
    home = find_home(tmp_path / "run")
    with Ledger.open(home.folder, read_only=True) as ledger:
        kept = [row.number for row in ledger.experiments() if row.commit]
        assert ledger.campaign.settings["suite"]["kind"] == "callable"
    with pytest.raises(SettingsError, match="'callable' measures a Python function"):
        verify_commit(home, str(kept[0]), repeats=1, attempt=0)


def test_any_space_over_any_harness_will_do(tmp_path: Path) -> None:
    """Without a view the function is handed the files."""
    (tmp_path / "space.toml").write_text('[[dimension]]\nkind = "int"\nkey = "limits.max_steps"\nlow = 1\nhigh = 9\n')
    files = {"harness.toml": b'name = "x"\n[limits]\nmax_steps = 2\n', "prompts/system.md": b"Answer.\n"}

    def steps(given: Mapping[str, bytes], task: str, seed: int) -> float:
        return int(given["harness.toml"].split(b"max_steps = ")[1]) / 10

    asked = CallableRequest(steps, load_space(tmp_path / "space.toml"), files, {Split.search: ["a", "b", "c"]}, 300)
    with open_callable(asked) as campaign:
        campaign.run()
        parts = campaign.parts
        tip = parts.workspace.tree(parts.branch.read() or "")
        assert parts.space.read(parts.workspace.files(tip))["limits.max_steps"] in (8, 9)


def test_a_harness_in_a_repository_of_the_users_is_worked_on_there(tmp_path: Path) -> None:
    asked = request(300)
    for name, content in dict(asked.harness if isinstance(asked.harness, Mapping) else {}).items():
        place = tmp_path / "agents" / "one" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (tmp_path / "notes.txt").write_text("mine\n")
    for command in (["init", "-q"], ["add", "agents"], ["-c", "user.name=A", "-c", "user.email=a@x", "commit", "-qmx"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    there = replace(asked, harness=tmp_path / "agents" / "one")
    with open_callable(there) as campaign:
        assert campaign.run().finished
        assert campaign.parts.ledger.folder == tmp_path / ".ratchet" / "callable"
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert status.stdout == "?? notes.txt\n", "nothing of the user's is touched"
    with (
        pytest.raises(SettingsError, match="beside a harness in a repository"),
        open_callable(replace(there, folder=tmp_path / "elsewhere")),
    ):
        pass
    with (
        pytest.raises(RepositoryError, match="no such folder"),
        open_callable(replace(there, harness=tmp_path / "agents" / "two")),
    ):
        pass


NAMES = st.text(st.characters(exclude_characters='"\\', exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@given(st.dictionaries(NAMES, st.lists(st.text(max_size=40), min_size=1, max_size=4, unique=True), min_size=1))
def test_components_of_any_name_and_text_are_a_harness(components: dict[str, list[str]]) -> None:
    space, files = harness_of(components)
    assert check_files(files) is None
    assert space.read(files) == {name: options[0] for name, options in components.items()}
    for name, options in components.items():
        for option in options[1:]:
            after = space.edit(files, {name: option}).apply(files)
            space.check(files, after)
            assert space.read(after) == {**space.read(files), name: option}


def test_components_may_be_ranges_and_there_only_beside_others() -> None:
    components = {"kind": ("svm", "net", None), "rate": FloatRange(1e-4, 1.0, log=True), "layers": IntRange(1, 8)}
    beside = {"layers": Condition("kind", ("net",))}
    space, files = harness_of(components, {"rate": 0.5, "layers": 4}, beside)
    assert check_files(files) is None
    assert space.read(files) == {"kind": "svm", "rate": 0.5}
    net = space.edit(files, {"kind": "net", "rate": 0.25}).apply(files)
    assert space.read(net) == {"kind": "net", "rate": 0.25, "layers": 4}
    none = space.edit(net, {"kind": None}).apply(net)
    assert space.read(none) == {"kind": None, "rate": 0.25}
    with pytest.raises(SettingsError, match=r"rate: got 2\.0 to start from, expected a number from 0\.0001 to 1"):
        harness_of(components, {"rate": 2.0})


@pytest.mark.parametrize(
    ("components", "told"),
    [
        ({}, "got none"),
        ({"": ("a",)}, "got the name ''"),
        ({'a"b': ("a",)}, "printable text"),
        ({"a": ()}, "a: got no values"),
        ({"a": ("x", "x")}, "a: got the value 'x' twice"),
    ],
)
def test_components_that_are_none(components: dict[str, tuple[str, ...]], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        harness_of(components)


def test_many_components_are_spread_over_files_that_stay_small() -> None:
    components = {f"edit {number}": ("off", "on") for number in range(500)}
    space, files = harness_of(components)
    assert space.names == tuple(components)
    assert check_files(files) is None
    assert max(len(content.splitlines()) for content in files.values()) <= MOST_IN_A_FILE
    after = space.edit(files, {"edit 499": "on"}).apply(files)
    space.check(files, after)
    assert [path for path in files if files[path] != after[path]] == ["choices/013.toml"]
