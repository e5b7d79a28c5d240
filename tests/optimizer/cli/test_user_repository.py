"""A campaign in a person's own repository, in which the person goes on working: nothing of theirs is touched."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tests.optimizer.cli.projects import Done, Project, git

Here = Callable[..., Done]
OURS = (".ratchet/", ".git/objects/", ".git/refs/heads/ratchet", ".git/logs/refs/heads/ratchet", ".git/refs/ratchet")
"""Where a campaign writes: its own folder, its own refs, and new objects."""


def fingerprint(root: Path) -> dict[str, str]:
    """Every file and folder that is not the campaign's: kind, mode, time of the last change and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.startswith(OURS) or name in (".ratchet", ".git/info/exclude"):
            continue
        status = path.lstat()
        told = f"{status.st_mode:o}"
        if path.is_symlink():
            told += f" -> {path.readlink()}"
        elif path.is_file():
            told += f" {status.st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        found[name] = told
    return found


def make_it_lively(project: Project) -> None:
    """Hooks that would be seen, a stash, changes staged and not, untracked and ignored files, a link, a worktree."""
    root = project.root
    for hook in ("pre-commit", "post-commit", "reference-transaction", "post-checkout", "post-index-change"):
        path = root / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {hook} >> '{root}/hooks-ran'\n")
        path.chmod(0o755)
    (root / "notes.txt").write_text("to be stashed\n")
    project.git("stash", "-q")
    (root / "notes.txt").write_text("changed, not staged\n")
    (root / "staged.txt").write_text("staged\n")
    project.git("add", "staged.txt")
    (root / "untracked.txt").write_text("untracked\n")
    (root / ".gitignore").write_text("ignored/\n")
    (root / "ignored").mkdir()
    (root / "ignored" / "data.bin").write_bytes(bytes(range(256)))
    (root / "link").symlink_to("notes.txt")
    git(root, "worktree", "add", "-q", str(root.parent / "elsewhere"), "-b", "feature")
    (root / "hooks-ran").unlink(missing_ok=True)


def test_byte_for_byte(project: Project) -> None:
    make_it_lively(project)
    root = project.root
    before, head = fingerprint(root), project.git("rev-parse", "HEAD")
    exclude = (root / ".git" / "info" / "exclude").read_text()
    status = project.git("--no-optional-locks", "status", "--porcelain")
    done = project.ratchet("run", "experiments/quick")
    assert done.code == 0, done.err
    assert fingerprint(root) == before
    assert not (root / "hooks-ran").exists(), "no hook of the person's ran"
    assert project.git("--no-optional-locks", "status", "--porcelain") == status, ".ratchet/ is not seen either"
    assert (root / ".git" / "info" / "exclude").read_text() == exclude + "/.ratchet/\n"
    assert project.git("rev-parse", "HEAD") == head
    assert project.git("stash", "list").count("stash@") == 1
    assert project.git("rev-list", "--count", "main..ratchet/quick").strip() in ("1", "2")
    project.git("fsck", "--strict")


def test_while_the_person_goes_on_working(project: Project) -> None:
    """Edits, a commit and a branch of theirs in the middle of it change nothing in the campaign, nor it in theirs."""
    root = project.root
    run = project.start("run", "experiments/quick", "--workers", "1")
    assert run.stdout is not None
    assert run.stdout.readline().startswith("campaign quick"), "it has begun"
    edits = 0
    while run.poll() is None:
        edits += 1
        (root / "harness" / "harness.toml").write_text(f'name = "mine now, edit {edits}"\n')
        (root / "harness" / "prompts" / "system.md").write_text(f"Edited {edits} times.\n")
        (root / f"new{edits}.txt").write_text("new\n")
        if edits == 3:
            project.git("add", "-A")
            project.git("commit", "-q", "-m", "work of mine")
            project.git("checkout", "-q", "-b", "another")
        time.sleep(0.1)
    _, err = run.communicate()
    assert run.returncode == 0, err
    assert edits >= 3
    assert (root / "harness" / "harness.toml").read_text() == f'name = "mine now, edit {edits}"\n'
    assert project.git("symbolic-ref", "HEAD").strip() == "refs/heads/another"
    assert project.git("log", "-1", "--format=%s").strip() == "work of mine"
    assert "mine now" not in project.git("show", "ratchet/quick:harness/harness.toml")
    shutil.rmtree(root / ".ratchet")  # what a user may do: the branch holds what was kept
    assert "max_steps = 9" in project.git("show", "ratchet/quick:harness/harness.toml")


def test_in_a_linked_worktree_and_a_subfolder(project: Project) -> None:
    tree = project.root.parent / "tree"
    project.git("worktree", "add", "-q", str(tree), "-b", "side")
    before = fingerprint(project.root)
    linked = Project(tree)
    assert linked.ratchet("run", "experiments/quick", "--rollouts", "36").code == 0
    assert linked.ratchet("status").code == 0
    assert {name for name in fingerprint(project.root) if name not in before} == set()
    assert "ratchet/quick" in project.git("branch", "--list", "ratchet/*")


def test_merging_what_was_found(copied: Project) -> None:
    """What the summary offers at the end works."""
    certified = copied.git("rev-parse", "refs/ratchet/quick/certified/1").strip()
    copied.git("merge", "-q", "--ff-only", certified)
    assert "max_steps = 9" in (copied.root / "harness" / "harness.toml").read_text()


def test_what_a_person_proposes_while_it_runs(project: Project) -> None:
    """A file dropped into the folder is taken next; one that cannot be used is recorded as invalid and left alone."""
    bad = project.experiment / "proposals" / "bad.toml"
    bad.write_text('[changes]\n"limits.max_stepz" = 3\n')
    assert project.ratchet("run", "experiments/quick", "--rollouts", "60").code == 0
    rows = project.ratchet("log", "--json").lines
    assert (rows[0]["proposer"], rows[0]["verdict"]) == ("human", "invalid")
    assert "did you mean 'limits.max_steps'" in rows[0]["reason"]
    assert rows[1]["proposer"] == "human" and rows[1]["verdict"] == "keep"
    assert bad.exists()
