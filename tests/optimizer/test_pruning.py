from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from pathlib import Path

import git
import pytest

from optimizer.acceptance.presets import FAST, Preset
from optimizer.acceptance.sizing import Sizes, for_deterministic
from optimizer.assemble.callable import CallableRequest, open_callable
from optimizer.assemble.components import harness_of
from optimizer.campaign import Campaign
from optimizer.events import Bus, Event, PruningEnded
from optimizer.ledger.rows import ExperimentRow, State
from optimizer.records import Proposal, Split
from optimizer.removal import Removal
from optimizer.settings import ProposerSettings
from search_space.diffs import make_diff
from search_space.dimensions.texts import OpenText
from search_space.edits import Diff
from search_space.space import Space

GAINS = {"help-a": 0.12, "none-a": 0.0, "help-b": 0.10, "none-b": 0.0, "harm": -0.10, "none-c": 0.0, "help-c": 0.1}
SPACE, FILES = harness_of(dict.fromkeys(GAINS, ("off", "on")))
TASKS = {Split.search: [f"s{n}" for n in range(20)], Split.certify: [f"c{n}" for n in range(10)]}
BUDGET = 2400


def luck(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def score(options: Mapping[str, str], task: str, seed: int) -> float:
    on = [name for name, option in options.items() if option == "on"]
    chance = 0.15 + 0.4 * luck(task) + sum(GAINS[name] for name in on)
    return float(luck(f"{'+'.join(on)}|{task}|{seed}") < chance)


class Killed(BaseException):
    """Like a kill: nothing gets to tidy up."""


class Dying:
    """The score function until its ``nth`` rollout of the pruning."""

    def __init__(self, nth: int) -> None:
        self.nth, self.pruning = nth, False

    def __call__(self, options: Mapping[str, str], task: str, seed: int) -> float:
        self.nth -= self.pruning
        if self.nth < 0:
            raise Killed
        return score(options, task, seed)


def request(folder: Path | None, function: object = score, gate: Preset = FAST, **more: object) -> CallableRequest:
    values: dict[str, object] = {
        "score": function,
        "space": SPACE,
        "harness": FILES,
        "calibrate": False,
        "tasks": TASKS,
        "rollouts": BUDGET,
        "seed": 3,
        "view": SPACE.read,
        "gate": gate,
        "proposers": ProposerSettings(sweep=1.0),
        "folder": folder,
        "name": "pruned",
        **more,
    }
    return CallableRequest(**values)  # type: ignore[arg-type]


def outcome(campaign: Campaign) -> tuple[object, ...]:
    """All that must be the same however often it was killed."""
    pruning = campaign.parts.ledger.prunings()[-1]
    result = {name: value for name, value in pruning.result.items() if name not in ("before", "last_attempt")}
    for one in result["stays"]:
        del one["commit"]
    final = campaign.parts.branch.read(campaign.parts.branch.final)
    assert final is not None
    exams = [(exam.outcome, exam.result["effect"]) for exam in campaign.parts.ledger.exams()]
    spent = {name: spend.rollouts for name, spend in campaign.parts.ledger.rollouts.spent().items()}
    return result, campaign.parts.workspace.tree(final), exams, spent


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[object, ...], list[Event]]:
    folder, heard = tmp_path_factory.mktemp("pruned") / "campaign", list[Event]()
    with open_callable(request(folder), Bus(heard.append)) as campaign:
        campaign.run()
        return folder, outcome(campaign), heard


def test_the_finalized_branch_holds_what_pays_and_the_campaigns_branch_ends_in_the_same_harness(
    finished: tuple[Path, tuple[object, ...], list[Event]],
) -> None:
    folder, _, heard = finished
    with open_callable(request(folder)) as campaign:
        parts, ledger = campaign.parts, campaign.parts.ledger
        (pruning,) = ledger.prunings()
        stays, gone = pruning.result["stays"], pruning.result["left_out"]
        names = {one["units"][0] for one in stays}
        assert names >= {"help-a", "help-b", "help-c"}
        assert "harm" not in names
        assert gone, "of the three that do nothing at least one was kept in this seed"
        tip = parts.branch.read(parts.branch.final)
        assert tip == pruning.final
        way = parts.branch.way(campaign.baseline_commit, pruning.final)
        assert way == [one["commit"] for one in stays]
        assert parts.workspace.tree(pruning.final) == parts.workspace.tree(pruning.champion)
        assert sum(one["effect"] for one in stays) == pytest.approx(pruning.result["gain"])
        on = {
            name
            for name, value in SPACE.read(parts.workspace.files(parts.workspace.tree(tip))).items()
            if value == "on"
        }
        assert on == names
        repo = git.Repo(folder)
        message = str(repo.commit(way[0]).message)
        for trailer in ("Ratchet-Campaign: pruned", "Ratchet-Score: ", "Ratchet-Evidence: effect +", "Ratchet-Suite: "):
            assert trailer in message
        assert str(repo.commit(pruning.champion).message).startswith("Without ")
        spent = ledger.rollouts.spent()
        assert 0 < spent["prune"].rollouts == pruning.result["rollouts"] <= 0.2 * BUDGET
        assert sum(one.rollouts for one in spent.values()) <= BUDGET
        (exam,) = [exam for exam in ledger.exams() if exam.champion == pruning.champion]
        assert exam.against == campaign.baseline_commit
    (ended,) = [event for event in heard if isinstance(event, PruningEnded)]
    assert (ended.stays, ended.left_out) == (len(stays), len(gone))


@pytest.mark.parametrize("nth", [0, 1, 137, 300])
def test_killed_in_the_middle_it_comes_to_the_same_and_pays_nothing_twice(
    finished: tuple[Path, tuple[object, ...], list[Event]], tmp_path: Path, nth: int
) -> None:
    folder, dying = tmp_path / "campaign", Dying(nth)

    def watch(event: Event) -> None:
        dying.pruning = dying.pruning or getattr(event, "phase", "") == "prune"

    with pytest.raises(Killed), open_callable(request(folder, dying), Bus(watch)) as campaign:
        campaign.run()
    with open_callable(request(folder)) as campaign:
        assert not campaign.parts.ledger.prunings()
        campaign.run()
        assert outcome(campaign) == finished[1]


def test_a_share_of_nothing_prunes_nothing(tmp_path: Path) -> None:
    with open_callable(request(tmp_path / "campaign", rollouts=400, prune_share=0.0)) as campaign:
        campaign.run()
        assert not campaign.parts.ledger.prunings()
        assert "prune" not in campaign.parts.ledger.rollouts.spent()


def test_an_exact_suite_runs_nothing_twice(tmp_path: Path) -> None:
    seen = set[tuple[str, str]]()

    def exact(options: Mapping[str, str], task: str, seed: int) -> float:
        key = (str(sorted(options.items())), task)
        assert key not in seen
        seen.add(key)
        return score(options, task, 0)

    gate = for_deterministic(Sizes(FAST, 1)).preset
    tasks = {Split.search: [f"s{n}" for n in range(80)], Split.certify: [f"c{n}" for n in range(20)]}
    with open_callable(request(tmp_path / "campaign", exact, gate, rollouts=1500, tasks=tasks)) as campaign:
        campaign.run()
        (pruning,) = campaign.parts.ledger.prunings()
        assert pruning.result["rollouts"]


def row(number: int, proposal: Proposal) -> ExperimentRow:
    return ExperimentRow(number, State.done, proposal, champion="", started_at=0.0)


def typed(number: int, files: Mapping[str, bytes], **changes: str) -> ExperimentRow:
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return row(number, Proposal(SPACE.edit(files, named), "", "test", named))


def test_free_edits_go_with_what_they_need() -> None:
    space = Space([], [OpenText("system", "prompts/system.md")])
    files = {"harness.toml": FILES["harness.toml"], "prompts/system.md": b"one\n\n\n\ntwo\n\n\n\nthree\n"}
    texts = [files["prompts/system.md"]]
    for old, new in ((b"one", b"one\nfirst"), (b"first", b"first\nsecond"), (b"three", b"three\nlast")):
        texts.append(texts[-1].replace(old, new))
    trees = [{**files, "prompts/system.md": text} for text in texts]
    rows = tuple(
        row(number, Proposal(Diff(text=make_diff(before, after)), "", "test"))
        for number, (before, after) in enumerate(itertools.pairwise(trees), start=1)
    )
    terms = ("edit:1", "edit:2", "edit:3")
    removal = Removal.taken_apart(space, files, trees[-1], terms, rows, margin=0.03)
    assert removal.units == terms
    assert removal.closed(frozenset({"edit:2", "edit:3"})) == {"edit:3"}
    without = removal.files(frozenset({"edit:1", "edit:3"}))["prompts/system.md"]
    assert b"first" in without and b"second" not in without and b"last" in without
    assert removal.files(frozenset()) == files
    assert removal.files(frozenset(terms)) == trees[-1]
    assert removal.terms_of(frozenset({"edit:1"})) == ("edit:1",)


def test_the_own_term_of_an_edit_goes_with_any_of_its_dimensions() -> None:
    both = typed(4, FILES, help_a="on", help_b="on")
    after = both.proposal.edit.apply(FILES)
    alone = typed(7, after, none_a="on")
    champion = alone.proposal.edit.apply(after)
    terms = ("help-a=on", "none-a=on", "help-b=on", "edit:4", "edit:7")
    removal = Removal.taken_apart(SPACE, FILES, champion, terms, (both, alone), margin=0.03)
    assert set(removal.units) == {"help-a", "help-b", "none-a"}
    assert removal.terms_of(frozenset(removal.units)) == terms
    assert removal.terms_of(frozenset({"help-a", "none-a"})) == ("help-a=on", "none-a=on", "edit:7")
    assert removal.terms_of(frozenset({"help-a", "help-b"})) == ("help-a=on", "help-b=on", "edit:4")
    files = removal.files(frozenset({"help-b"}))
    assert {name for name, value in SPACE.read(files).items() if value == "on"} == {"help-b"}
    assert removal.change("none-a").experiments == (alone,)
