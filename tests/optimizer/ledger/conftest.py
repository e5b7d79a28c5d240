"""A repository with a harness, a ledger and a branch, and a small scripted campaign that can be killed and resumed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from optimizer.ledger import settle
from optimizer.ledger.branch import Branch, commit_message
from optimizer.ledger.lock import CampaignLock
from optimizer.ledger.rows import Campaign, Exam, Outcome
from optimizer.ledger.store import FILE, Ledger
from optimizer.records import Decision, Lesson, Proposal, Rollout, RolloutKey, Spend, Status, Verdict
from optimizer.workspace.workspace import Workspace
from search_space.edits import SetKey

HARNESS = {"harness.toml": b"[limits]\nmax_steps = 10\n", "prompts/system.md": b"# Role\n"}
COST = Spend(rollouts=1, calls=3, input_tokens=100, output_tokens=10, usd=0.25, seconds=0.5)


def git_in(root: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


def a_campaign(baseline: str = "b" * 40) -> Campaign:
    return Campaign(
        name="night",
        experiment="sha256:experiment",
        settings={"budget": {"rollouts": 100}},
        seed=7,
        suite="sha256:suite",
        ref="refs/heads/ratchet/night",
        baseline=baseline,
        harness="harness",
        python="3.11.7",
    )


def a_proposal(number: int = 1) -> Proposal:
    changes = {"limits.max_steps": number, "flag": True, "text": "é"}
    return Proposal(SetKey(key="limits.max_steps", value=number), f"idea {number}", "tpe", changes, 0.05)


def an_outcome(number: int = 1, verdict: Verdict = Verdict.discard) -> Outcome:
    decision = Decision(verdict, "as it is", effect=0.01, low=float("-inf"), posterior=0.6, rollouts=2, tasks=2)
    lesson = Lesson(number, "it taught", {"flag": True}, verdict, 0.01)
    return Outcome(number, decision, {"looks": number, "pools": {"t1": [0.0, 1.0]}}, lesson, 0.5, COST, 1.25)


def a_key(task: str = "t1", tree: str = "v" * 40, seed: int = 0) -> RolloutKey:
    return RolloutKey(tree, "sha256:suite", task, seed)


def a_rollout(key: RolloutKey, score: float = 1.0) -> Rollout:
    return Rollout(key, Status.ok, score, answer="an answer", steps=4, spend=COST)


@dataclass
class Scene:
    """Everything that one campaign needs, on the disk."""

    root: Path
    home: Path
    workspace: Workspace
    ledger: Ledger
    branch: Branch

    def git(self, *arguments: str, check: bool = True) -> str:
        return git_in(self.root, *arguments, check=check)

    def variant(self, number: int) -> str:
        """The champion with ``max_steps`` set."""
        champion = self.workspace.tree(self.ledger.tip)
        files = a_proposal(number).edit.apply(self.workspace.files(champion))
        return self.workspace.write(files, like=champion)

    def commit(self, number: int) -> str:
        message = commit_message(f"Experiment {number}", "Because.", {"Ratchet-Experiment": str(number)})
        return self.workspace.commit(
            self.variant(number), parent=self.ledger.tip, message=message, at=1_700_000_000 + number
        )

    def begin(self, number: int) -> None:
        champion = self.workspace.tree(self.ledger.tip)
        self.ledger.propose(number, a_proposal(number), champion=champion)
        self.ledger.evaluate(number, variant=self.variant(number), diff="a diff", assignment={"flag": True})

    def keep(self, number: int) -> str:
        """One kept experiment."""
        self.begin(number)
        commit = self.commit(number)
        settle.keep(self.ledger, self.branch, an_outcome(number, Verdict.keep), commit)
        return commit


def open_scene(root: Path) -> Scene:
    """Open, making what is not there: what a campaign does when it starts or is taken up again."""
    workspace = Workspace.open(root, "harness", ref="refs/heads/ratchet/night")
    home = workspace.private() / "night"
    ledger = Ledger.open(home) if (home / FILE).exists() else Ledger.create(home, a_campaign(workspace.base))
    return Scene(root, home, workspace, ledger, Branch(root, "night"))


def run_campaign(root: Path, last: int = 4) -> None:
    """A scripted campaign: 1 and 4 are kept, 2 is invalid, 3 discarded; an exam is passed after 1, failed after 4.
    Everything that it does next follows from ledger and git, as in the real one."""
    home = root / ".ratchet" / "night"
    with CampaignLock(home):
        scene = open_scene(root)
        unfinished = settle.recover(scene.ledger, scene.branch).unfinished
        while True:
            done = scene.ledger.next_number() - 1 - (unfinished is not None)
            examine(scene, done)
            number = done + 1
            if number > last:
                break
            if unfinished is None:
                champion = scene.workspace.tree(scene.ledger.tip)
                scene.ledger.propose(number, a_proposal(number), champion=champion)
            unfinished = None
            experiment(scene, number)
        scene.ledger.close()


def experiment(scene: Scene, number: int) -> None:
    if number == 2:
        settle.discard(scene.ledger, an_outcome(number, Verdict.invalid))
        return
    variant = scene.variant(number)
    scene.ledger.evaluate(number, variant=variant, diff=f"diff {number}", assignment={"n": number})
    for seed in range(2):
        key = a_key(tree=variant, seed=seed)
        if not scene.ledger.rollouts.find([key]):
            scene.ledger.rollouts.start([key], "search", reserved=Spend(usd=1.0))
            scene.ledger.rollouts.finish(a_rollout(key, score=seed))
    if number in (1, 4):
        settle.keep(scene.ledger, scene.branch, an_outcome(number, Verdict.keep), scene.commit(number))
    else:
        settle.discard(scene.ledger, an_outcome(number))
    scene.ledger.backup_if_due()


def examine(scene: Scene, done: int) -> None:
    for number, after, outcome in ((1, 1, "passed"), (2, 4, "failed")):
        exams = scene.ledger.exams()
        if done == after and len(exams) == number - 1:
            against = exams[-1].champion if exams else scene.ledger.campaign.baseline
            exam = Exam(number, outcome, scene.ledger.tip, against, {"n": number}, {"exam": number})
            settle.settle_exam(scene.ledger, scene.branch, exam)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a harness, to be copied."""
    return Workspace.create(tmp_path_factory.mktemp("pristine") / "project", HARNESS, at=1_700_000_000).root


@pytest.fixture
def new_root(pristine: Path) -> Iterator[Callable[[str], Path]]:
    """Makes a copy of the repository under another name; in memory where that is possible, since a campaign that is
    killed a hundred times waits for the disk most of the time."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:

        def copy(name: str) -> Path:
            return Path(shutil.copytree(pristine, Path(folder, name)))

        yield copy


@pytest.fixture
def scene(new_root: Callable[[str], Path]) -> Scene:
    """A campaign that has just begun."""
    made = open_scene(new_root("project"))
    settle.recover(made.ledger, made.branch)
    return made


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger without a repository."""
    return Ledger.create(tmp_path / "night", a_campaign())


@pytest.fixture
def make() -> SimpleNamespace:
    """Makes records, and opens or runs the scripted campaign."""
    return SimpleNamespace(
        campaign=a_campaign,
        proposal=a_proposal,
        outcome=an_outcome,
        key=a_key,
        rollout=a_rollout,
        cost=COST,
        scene=open_scene,
        run=run_campaign,
    )
