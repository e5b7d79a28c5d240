"""Refs are moved only from where they are known to stand, whatever else goes on in the repository."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import BranchMoved, RepositoryError
from optimizer.ledger.branch import Branch, commit_message
from optimizer.ledger.rows import RefMove


def test_begins_once(scene: Any) -> None:
    assert scene.branch.read() == scene.ledger.campaign.baseline == scene.git("rev-parse", "ratchet/night")
    scene.branch.create(scene.ledger.campaign.baseline)
    other = scene.commit(1)
    with pytest.raises(RepositoryError, match="expected none for a new campaign"):
        scene.branch.create(other)


def test_moves_from_the_old_commit_only(scene: Any) -> None:
    base, one, two = scene.ledger.tip, scene.commit(1), scene.commit(2)
    move = RefMove(scene.branch.ref, base, one)
    scene.branch.move([move])
    scene.branch.move([move])
    assert scene.branch.read() == one
    with pytest.raises(BranchMoved) as caught:
        scene.branch.move([RefMove(scene.branch.ref, base, two)])
    assert base in caught.value.message and one in caught.value.message
    assert f"git branch my-work {one}" in caught.value.hint
    assert scene.branch.read() == one


def test_what_the_error_says_to_do_works(scene: Any) -> None:
    expected, theirs = scene.ledger.tip, scene.commit(1)
    scene.git("update-ref", scene.branch.ref, theirs)
    with pytest.raises(BranchMoved) as caught:
        scene.branch.check_tip(expected)
    keep, back = caught.value.hint.partition("keep what is there: ")[2].split("; then set it back: ")
    subprocess.run(["sh", "-ec", f"{keep}\n{back.partition(', and start')[0]}"], cwd=scene.root, check=True)
    scene.branch.check_tip(expected)
    assert scene.git("rev-parse", "my-work") == theirs
    scene.git("update-ref", "-d", scene.branch.ref)
    with pytest.raises(BranchMoved, match="is gone") as caught:
        scene.branch.check_tip(expected)
    command = caught.value.hint.partition("set it back: ")[2].partition(", and start")[0]
    subprocess.run(["sh", "-ec", command], cwd=scene.root, check=True)
    scene.branch.check_tip(expected)


def test_packed_refs_and_reflog(scene: Any) -> None:
    scene.git("pack-refs", "--all")
    one = scene.commit(1)
    scene.branch.move([RefMove(scene.branch.ref, scene.ledger.tip, one)], "experiment 1")
    assert scene.branch.read() == one == scene.git("rev-parse", "ratchet/night")
    log = scene.git("reflog", "show", "--format=%gn <%ge> %gs", "ratchet/night").splitlines()
    assert log[0] == "Ratchet <ratchet@localhost> ratchet: experiment 1"


def test_new_ref_must_not_exist(scene: Any) -> None:
    base, one = scene.ledger.tip, scene.commit(1)
    ref = scene.branch.certified(1)
    assert ref == "refs/ratchet/night/certified/1"
    scene.branch.move([RefMove(ref, None, base)])
    with pytest.raises(BranchMoved, match="no such ref"):
        scene.branch.move([RefMove(ref, None, one)])


def test_only_one_of_many_wins(scene: Any) -> None:
    base = scene.ledger.tip
    commits = [scene.commit(number) for number in range(1, 6)]
    lost: list[str] = []

    def race(commit: str) -> None:
        try:
            Branch(scene.root, "night").move([RefMove(scene.branch.ref, base, commit)])
        except BranchMoved:
            lost.append(commit)

    threads = [threading.Thread(target=race, args=(commit,)) for commit in commits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 4
    assert {*commits} - {*lost} == {scene.branch.read()}


def test_lock_that_somebody_holds_for_a_moment(scene: Any) -> None:
    lock = scene.root / f".git/{scene.branch.ref}.lock"
    lock.write_text("")
    one = scene.commit(1)
    threading.Timer(0.2, lock.unlink).start()
    scene.branch.move([RefMove(scene.branch.ref, scene.ledger.tip, one)])
    assert scene.branch.read() == one


def test_lock_that_a_dead_git_left(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.ledger.branch.LOCK_PATIENCE_S", 0.1)
    lock = scene.root / f".git/{scene.branch.ref}.lock"
    lock.write_text("")
    with pytest.raises(RepositoryError) as caught:
        scene.branch.move([RefMove(scene.branch.ref, scene.ledger.tip, scene.commit(1))])
    assert f"remove {lock}" in caught.value.hint
    assert scene.branch.read() == scene.ledger.tip


def test_no_hook_runs_and_nothing_is_signed(scene: Any) -> None:
    hook = scene.root / ".git/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\nexit 1\n")
    hook.chmod(0o755)
    scene.git("config", "commit.gpgSign", "true")
    scene.git("config", "core.logAllRefUpdates", "always")
    one = scene.commit(1)
    scene.branch.move([RefMove(scene.branch.ref, scene.ledger.tip, one)])
    assert scene.branch.read() == one
    assert not list(scene.root.rglob("ran"))


def test_branch_that_is_checked_out_is_refused(scene: Any, tmp_path: Path) -> None:
    scene.git("worktree", "add", "-q", str(tmp_path / "linked"), "ratchet/night")
    with pytest.raises(RepositoryError, match="checked out in") as caught:
        scene.branch.check_free()
    assert str(tmp_path / "linked") in caught.value.message
    subprocess.run(["sh", "-c", caught.value.hint], check=True, capture_output=True)
    scene.branch.check_free()
    scene.git("switch", "-q", "ratchet/night")
    with pytest.raises(RepositoryError, match=str(scene.root)):
        scene.branch.check_free()


def test_linked_worktree_shares_the_branch(scene: Any, tmp_path: Path) -> None:
    scene.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "main")
    one = scene.commit(1)
    Branch(tmp_path / "linked", "night").move([RefMove(scene.branch.ref, scene.ledger.tip, one)])
    assert scene.branch.read() == one


@pytest.mark.parametrize("name", ["a b", "a..b", "x.lock", "-x", "a/b", "a.", ""])
def test_name_that_git_does_not_take(new_root: Callable[[str], Path], name: str) -> None:
    with pytest.raises(RepositoryError, match="does not take"):
        Branch(new_root("project"), name)


def test_commit_message_is_read_by_git(scene: Any) -> None:
    trailers = {
        "Ratchet-Campaign": "night",
        "Ratchet-Score": "0.512 -> 0.574",
        "Ratchet-Evidence": "two\nlines: \n  here",
    }
    message = commit_message("Set max_steps\nto 12", "\nIt ran out: of steps.\n\n- a list\n\n", trailers)
    assert message.splitlines()[:2] == ["Set max_steps to 12", ""]
    told = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=message, capture_output=True, text=True, check=True
    )
    expected = ["Ratchet-Campaign: night", "Ratchet-Score: 0.512 -> 0.574", "Ratchet-Evidence: two lines: here"]
    assert told.stdout.splitlines() == expected
    assert commit_message("s", "", {}) == "s\n"
    with pytest.raises(ValueError, match="subject"):
        commit_message(" \n", "", {})
    with pytest.raises(ValueError, match="trailer name"):
        commit_message("s", "", {"a: b": "c"})
