"""Killed at any point, a campaign ends as if nobody had."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from optimizer.errors import BranchMoved, RepositoryError
from optimizer.ledger import settle
from optimizer.ledger.branch import Branch
from optimizer.ledger.database import Database
from optimizer.ledger.rows import Exam, Pruning, State
from optimizer.ledger.store import Ledger
from optimizer.records import Verdict
from optimizer.workspace import objects
from optimizer.workspace.objects import Objects

Make = SimpleNamespace


def state_of(root: Path) -> dict[str, Any]:
    """All that must be the same, however often a campaign was killed."""

    def git(*arguments: str) -> list[str]:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.split(
            "\n"
        )

    ledger = Ledger.open(root / ".ratchet" / "night", read_only=True)
    totals = ledger.totals()
    found = {
        "experiments": [replace(row, started_at=0.0, ended_at=None) for row in ledger.experiments()],
        "exams": [(exam.number, exam.outcome, exam.champion, exam.against, exam.result) for exam in ledger.exams()],
        "gate": ledger.gate(),
        "tip": ledger.tip,
        "refs": git("for-each-ref", "--format=%(refname) %(objectname)"),
        "rollouts": totals.total.rollouts,
        "finished": ledger.rollouts.counts().get("ok"),
        "running": totals.running,
        "intent": ledger.intent(),
        "gates": len(list(ledger.experiments())) + len(ledger.exams()),
    }
    ledger.close()
    return found


def check_objects(root: Path) -> None:
    """Git finds every object whole."""
    subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=root, capture_output=True, check=True)


@pytest.fixture(scope="module")
def undisturbed(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The state at the end of a campaign that nobody disturbed; filled by the first test that asks."""
    return {}


def expected_state(undisturbed: dict[str, Any], make: Make, new_root: Callable[[str], Path]) -> dict[str, Any]:
    if not undisturbed:
        root = new_root("undisturbed")
        make.run(root)
        undisturbed.update(state_of(root))
    return undisturbed


def test_undisturbed_campaign(undisturbed: dict[str, Any], make: Make, new_root: Callable[[str], Path]) -> None:
    state = expected_state(undisturbed, make, new_root)
    verdicts = [row.decision.verdict.value for row in state["experiments"]]
    assert verdicts == ["keep", "invalid", "discard", "keep"]
    assert (state["rollouts"], state["finished"], state["running"], state["intent"]) == (6, 6, 0, None)
    first, fourth = state["experiments"][0].commit, state["experiments"][3].commit
    assert state["tip"] == first, "the failed exam falls back to what the passed one certified"
    assert f"refs/ratchet/night/certified/1 {first}" in state["refs"]
    assert f"refs/ratchet/night/abandoned/2 {fourth}" in state["refs"]
    assert f"refs/heads/ratchet/night {first}" in state["refs"]


def die_at(point: int) -> None:
    """From now on, die without a word at the n-th step: before and after each transaction's commit, around and within
    the writing of git objects, before and after each move of a ref."""
    steps = iter(range(1, 10**9))

    def step() -> None:
        if next(steps) == point:
            os._exit(9)

    real_write, real_place, real_rename, real_update = Database.write, objects._place, objects._rename, Branch._update

    @contextlib.contextmanager
    def write(self: Database, *, durable: bool = False) -> Iterator[Any]:
        with real_write(self, durable=durable) as connection:
            yield connection
            step()
        step()

    def place(*arguments: Any) -> None:
        step()
        real_place(*arguments)
        step()

    def rename(*arguments: Any) -> None:
        step()
        real_rename(*arguments)

    def update(self: Branch, *arguments: Any) -> str:
        step()
        problem = real_update(self, *arguments)
        step()
        return problem

    Database.write, Branch._update = write, update  # type: ignore[method-assign]
    objects._place, objects._rename = place, rename


def in_child(work: Callable[[], None]) -> int:
    """Run ``work`` in a process of its own and return how it ended."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_killed_at_every_step(undisturbed: dict[str, Any], make: Make, new_root: Callable[[str], Path]) -> None:
    expected = expected_state(undisturbed, make, new_root)
    point, ended = 0, 9
    while ended == 9:
        point += 1
        root = new_root("killed")

        def work(root: Path = root, point: int = point) -> None:
            die_at(point)
            make.run(root)

        ended = in_child(work)
        if ended == 9:
            make.run(root)
        assert state_of(root) == expected, f"killed at step {point}"
        if point % 10 == 0:
            check_objects(root)
        shutil.rmtree(root)
    assert ended == 0
    assert point > 60


def test_killed_again_and_again(undisturbed: dict[str, Any], make: Make, new_root: Callable[[str], Path]) -> None:
    """Each process gets a few steps further than the last: recovery is itself killed at every step."""
    expected = expected_state(undisturbed, make, new_root)
    root = new_root("killed")
    for lives in range(1_000):
        budget = 3 + lives % 11

        def work(budget: int = budget) -> None:
            die_at(budget)
            make.run(root)

        if in_child(work) == 0:
            break
    assert lives > 5
    check_objects(root)
    assert state_of(root) == expected


def test_killed_at_random_instants(
    undisturbed: dict[str, Any], make: Make, new_root: Callable[[str], Path], torture: int
) -> None:
    expected = expected_state(undisturbed, make, new_root)
    draw = random.Random(1)
    for _ in range(torture):
        root = new_root("killed")
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                make.run(root)
            os._exit(0)
        time.sleep(draw.random() * 0.15)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        deadline = time.monotonic() + 10
        while list(root.rglob("*.lock")) and time.monotonic() < deadline:
            time.sleep(0.01)  # git's own process lives on, and finishes its move
        make.run(root)
        assert state_of(root) == expected
        shutil.rmtree(root)


def test_keep(scene: Any) -> None:
    commit = scene.keep(1)
    row = scene.ledger.experiment(1)
    assert (row.state, row.commit, row.decision.verdict) == (State.done, commit, Verdict.keep)
    assert scene.ledger.tip == scene.branch.read() == commit
    assert scene.git("show", "ratchet/night:harness/harness.toml") == "[limits]\nmax_steps = 1"
    assert scene.git("status", "--porcelain") == ""


def test_discard_does_not_touch_git(scene: Any, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess.Popen, "__init__", lambda *_, **__: pytest.fail("a process was started"))
    monkeypatch.setattr(Objects, "publish", lambda *_: pytest.fail("something was written to git"))
    scene.begin(1)
    settle.discard(scene.ledger, make.outcome(1))
    assert scene.ledger.experiment(1).state is State.done


def test_branch_moved_by_somebody_else_loses_nothing(scene: Any, make: Make) -> None:
    first = scene.keep(1)
    theirs = scene.git("commit-tree", "main^{tree}", "-p", first, "-m", "Mine")
    scene.git("update-ref", scene.branch.ref, theirs)
    scene.begin(2)
    second = scene.commit(2)
    with pytest.raises(BranchMoved) as caught:
        settle.keep(scene.ledger, scene.branch, make.outcome(2, Verdict.keep), second)
    assert first in caught.value.message and theirs in caught.value.message
    assert scene.ledger.experiment(2).state is State.settling
    with pytest.raises(BranchMoved):
        settle.recover(scene.ledger, scene.branch)
    assert scene.branch.read() == theirs, "what they did is left alone"
    scene.git("update-ref", scene.branch.ref, first, theirs)
    recovery = settle.recover(scene.ledger, scene.branch)
    assert (recovery.finished, recovery.unfinished) == ("experiment 2", None)
    assert scene.ledger.tip == scene.branch.read() == second


def test_branch_moved_between_experiments(scene: Any) -> None:
    scene.keep(1)
    scene.git("update-ref", scene.branch.ref, "main")
    with pytest.raises(BranchMoved):
        settle.recover(scene.ledger, scene.branch)


def test_commit_that_is_gone_undoes_the_intent(scene: Any, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.begin(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Branch, "move", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            settle.keep(scene.ledger, scene.branch, make.outcome(1, Verdict.keep), "d" * 40)
    recovery = settle.recover(scene.ledger, scene.branch)
    assert (recovery.finished, recovery.undone) == (None, "experiment 1")
    assert recovery.unfinished is not None and recovery.unfinished.state is State.evaluating
    assert scene.ledger.tip == scene.branch.read()
    commit = scene.commit(1)
    settle.keep(scene.ledger, scene.branch, make.outcome(1, Verdict.keep), commit)
    assert scene.branch.read() == commit


def test_unclear_exam_moves_nothing(scene: Any) -> None:
    tip = scene.keep(1)
    settle.settle_exam(scene.ledger, scene.branch, Exam(1, "unclear", tip, scene.ledger.campaign.baseline, {}, {}))
    assert scene.ledger.exams()[0].outcome == "unclear"
    assert scene.git("for-each-ref", "refs/ratchet") == ""


def test_recovering_twice_does_no_more(scene: Any) -> None:
    scene.begin(1)
    first, second = (settle.recover(scene.ledger, scene.branch) for _ in range(2))
    assert first == second
    assert first.unfinished is not None and first.unfinished.number == 1


def test_campaign_is_not_taken_up_on_a_branch_that_is_checked_out(scene: Any) -> None:
    scene.git("switch", "-q", "ratchet/night")
    with pytest.raises(RepositoryError, match="checked out"):
        settle.recover(scene.ledger, scene.branch)


def test_pruning_moves_both_branches_and_a_failed_exam_takes_both_back(scene: Any) -> None:
    certified = scene.keep(1)
    kept = scene.keep(2)
    baseline = scene.ledger.campaign.baseline
    lean = scene.commit(3)
    settle.settle_pruning(scene.ledger, scene.branch, Pruning(1, lean, certified, {"stays": []}, {"n": 1}))
    assert (scene.branch.read(), scene.branch.read(scene.branch.final)) == (lean, certified)
    assert scene.ledger.tip == lean != kept
    assert scene.ledger.gate() == {"n": 1}
    (found,) = scene.ledger.prunings()
    assert (found.champion, found.final, found.result) == (lean, certified, {"stays": []})
    exam = Exam(1, "failed", lean, baseline, {}, {"certified_commit": certified})
    settle.settle_exam(scene.ledger, scene.branch, exam)
    assert scene.branch.read() == scene.branch.read(scene.branch.final) == certified
    assert scene.branch.read(scene.branch.abandoned(1)) == lean
    assert scene.branch.read(scene.branch.abandoned_final(1)) == certified
    settle.settle_pruning(scene.ledger, scene.branch, Pruning(2, certified, baseline, {}, {"n": 3}))
    assert scene.branch.read(scene.branch.final) == baseline


def test_a_pruning_cut_off_before_git_moved_is_finished(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, lean = scene.keep(1), scene.commit(2)
    with monkeypatch.context() as patched:
        patched.setattr(Branch, "move", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            settle.settle_pruning(scene.ledger, scene.branch, Pruning(1, lean, kept, {}, {"n": 1}))
    assert scene.branch.read() == kept and not scene.ledger.prunings()
    assert settle.recover(scene.ledger, scene.branch).finished == "pruning 1"
    assert (scene.branch.read(), scene.branch.read(scene.branch.final)) == (lean, kept)
    assert len(scene.ledger.prunings()) == 1


def test_somebody_elses_branch_of_that_name_is_not_touched(scene: Any) -> None:
    kept = scene.keep(1)
    scene.git("branch", "ratchet/night-final", scene.ledger.campaign.baseline)
    with pytest.raises(BranchMoved, match="night-final"):
        settle.settle_pruning(scene.ledger, scene.branch, Pruning(1, kept, kept, {}, {}))
    assert scene.branch.read(scene.branch.final) == scene.ledger.campaign.baseline
