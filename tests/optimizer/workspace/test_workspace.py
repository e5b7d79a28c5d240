"""Variants as git trees: right by git's own judgement, and without a trace in what is the user's."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import RepositoryError
from optimizer.workspace.workspace import Workspace
from search_space.errors import InvalidEdit

AT = 1_700_000_000.5


def changed(workspace: Workspace, **files: bytes | None) -> tuple[str, str]:
    """The base's harness tree, and a variant of it; double underscores in names stand for slashes."""
    base = workspace.tree(workspace.base)
    new = dict(workspace.files(base))
    for name, data in files.items():
        path = name.replace("__", "/") + ".md"
        if data is None:
            del new[path]
        else:
            new[path] = data
    return base, workspace.write(new, like=base)


def test_reads_the_harness(root: Path, git: Any) -> None:
    workspace = Workspace.open(root, "agents/one")
    tree = workspace.tree(workspace.base)
    assert (workspace.root, workspace.harness, workspace.base) == (root, "agents/one", git("rev-parse", "HEAD"))
    assert tree == git("rev-parse", "HEAD:agents/one")
    files = workspace.files(tree)
    assert list(files) == ["harness.toml", "prompts/extra/hints.md", "prompts/system.md"]
    assert files["prompts/extra/hints.md"] == b"# Hints\n"


def test_opened_from_the_harness_folder_itself(root: Path) -> None:
    workspace = Workspace.open(root / "agents" / "one")
    assert (workspace.root, workspace.harness) == (root, "agents/one")
    assert Workspace.open(root, root / "agents" / "one").harness == "agents/one"


def test_commit_is_what_git_would_have_made(root: Path, git: Any) -> None:
    workspace = Workspace.open(root, "agents/one")
    before, after = changed(
        workspace, prompts__system=b"# Role\n\n- New.\n", prompts__new=b"x", prompts__extra__hints=None
    )
    commit = workspace.commit(after, parent=workspace.base, message="A subject\n\nA body\n", at=AT)
    (root / "agents/one/prompts/system.md").write_bytes(b"# Role\n\n- New.\n")
    (root / "agents/one/prompts/new.md").write_bytes(b"x")
    (root / "agents/one/prompts/extra/hints.md").unlink()
    git("add", "-A", "agents")
    assert git("write-tree") == git("rev-parse", f"{commit}^{{tree}}") == workspace.root_tree(workspace.base, after)
    assert workspace.tree(commit) == after != before
    shown = git("show", "-s", "--format=%P|%an <%ae>|%cn <%ce>|%at %ct|%B|%G?", commit)
    who = "Ratchet <ratchet@localhost>"
    assert shown == f"{workspace.base}|{who}|{who}|1700000000 1700000000|A subject\n\nA body\n|N"
    assert "missing" not in git("fsck", "--full", "--strict", commit)


def test_nothing_is_in_the_repository_before_the_commit(root: Path, git: Any) -> None:
    workspace = Workspace.open(root, "agents/one")
    objects = git("count-objects", "-v")
    _, after = changed(workspace, prompts__new=b"x")
    assert git("count-objects", "-v") == objects
    assert git("cat-file", "-t", after, check=False) == ""
    assert Workspace.open(root, "agents/one").files(after)["prompts/new.md"] == b"x", "a later process can read it"


def test_modes_are_kept(root: Path, git: Any) -> None:
    script = root / "agents/one/strategies/x.py"
    script.parent.mkdir()
    script.write_text("pass\n")
    script.chmod(0o755)
    git("add", ".")
    git("commit", "-q", "-m", "A plug-in")
    workspace = Workspace.open(root, "agents/one")
    base = workspace.tree(workspace.base)
    files = {**workspace.files(base), "strategies/x.py": b"raise SystemExit\n"}
    commit = workspace.commit(workspace.write(files, like=base), parent=workspace.base, message="m\n", at=AT)
    assert git("ls-tree", "-r", commit, "agents/one/strategies").startswith("100755 ")


def test_same_files_same_tree(root: Path) -> None:
    workspace = Workspace.open(root, "agents/one")
    base = workspace.tree(workspace.base)
    assert workspace.write(dict(reversed(workspace.files(base).items())), like=base) == base


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a//b", ".git/config", "a/.GIT/x", "a/..", "", "a\\b", "GIT~1/x", "x\0y"]
)
def test_impossible_path_is_refused(root: Path, path: str) -> None:
    workspace = Workspace.open(root, "agents/one")
    base = workspace.tree(workspace.base)
    with pytest.raises(InvalidEdit, match="expected a relative path"):
        workspace.write({**workspace.files(base), path: b"x"}, like=base)


def test_file_where_a_folder_is(root: Path) -> None:
    workspace = Workspace.open(root, "agents/one")
    base = workspace.tree(workspace.base)
    with pytest.raises(InvalidEdit, match="a file and a folder"):
        workspace.write({**workspace.files(base), "prompts": b"x"}, like=base)


def test_diff_is_taken_by_git(root: Path, git: Any) -> None:
    workspace = Workspace.open(root, "agents/one")
    before, after = changed(
        workspace,
        prompts__system=b"# Role\n\nno newline at the end",
        prompts__extra__hints=None,
        prompts__new=b"a\r\nb\n",
    )
    git("apply", "--directory=agents/one", "-", text=workspace.diff(before, after))
    found = {path: (root / "agents/one" / path).read_bytes() for path in workspace.files(after)}
    assert found == workspace.files(after)
    assert workspace.diff(before, before) == ""


def test_diff_names_what_is_no_text(root: Path) -> None:
    workspace = Workspace.open(root, "agents/one")
    before, after = changed(workspace, prompts__picture=b"\xff\x00\xfe")
    assert workspace.diff(before, after) == "Binary files a/prompts/picture.md and b/prompts/picture.md differ\n"


def test_harness_is_the_whole_repository(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "own", {"harness.toml": b""}, harness=".", at=AT)
    again = Workspace.open(tmp_path / "own")
    tree = again.write({"harness.toml": b"x = 1\n"}, like=again.tree(again.base))
    commit = again.commit(tree, parent=workspace.base, message="m\n", at=AT)
    assert again.tree(commit) == tree == again.root_tree(commit, tree)


def test_own_repository(tmp_path: Path) -> None:
    files = {"harness.toml": b"a = 1\n", "prompts/system.md": b"# Role\n"}
    made = Workspace.create(tmp_path / "runs" / "one", files, at=AT)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=made.root, capture_output=True, text=True, check=True)
    assert status.stdout == ""
    again = Workspace.open(made.root, "harness")
    assert again.base == made.base
    assert again.files(again.tree(again.base)) == files
    same = Workspace.create(tmp_path / "runs" / "two", files, at=AT)
    assert same.base == made.base, "the same files at the same time are the same commit"
    with pytest.raises(RepositoryError, match="not empty"):
        Workspace.create(made.root, files, at=AT)


def test_ordinary_path_spawns_no_process_and_reads_little(
    root: Path, git: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = "".join(f"M 100644 inline many/{n // 50}/file_{n}\ndata <<E\n{n}\nE\n" for n in range(5_000))
    head = "commit refs/heads/main\ncommitter Ada <ada@example.org> 1700000000 +0000\ndata <<E\nMany files\nE\n"
    git("fast-import", "--quiet", text=f"{head}from {git('rev-parse', 'HEAD')}\n{many}")
    workspace = Workspace.open(root, "agents/one")
    read: list[str] = []
    real = workspace._objects.read
    monkeypatch.setattr(workspace._objects, "read", lambda name, kind: read.append(name) or real(name, kind))
    monkeypatch.setattr(subprocess.Popen, "__init__", lambda *_, **__: pytest.fail("a process was started"))
    before, after = changed(workspace, prompts__system=b"# Other\n")
    assert workspace.diff(before, after)
    commit = workspace.commit(after, parent=workspace.base, message="m\n", at=AT)
    assert len(read) < 20
    monkeypatch.undo()
    assert git("diff", "--name-only", workspace.base, commit) == "agents/one/prompts/system.md"


# What is the user's stays as it is.


def test_user_sees_no_change(root: Path, git: Any, fingerprint_of: Any) -> None:
    hook = root / ".git/hooks/reference-transaction"
    hook.write_text("#!/bin/sh\ntouch hook-ran\n")
    hook.chmod(0o755)
    (root / "README.md").write_text("stashed\n")
    git("stash")
    (root / "README.md").write_text("staged\n")
    git("add", "README.md")
    (root / "README.md").write_text("in the middle of something\n")
    (root / "notes.txt").write_text("untracked\n")
    before = fingerprint_of(root)
    workspace = Workspace.open(root, "agents/one")
    for number in range(10):
        _, after = changed(workspace, prompts__system=b"%d\n" % number)
        workspace.commit(after, parent=workspace.base, message="m\n", at=AT)
    assert fingerprint_of(root) == before


def test_user_works_meanwhile(root: Path, git: Any) -> None:
    workspace = Workspace.open(root, "agents/one")
    failed: list[str] = []

    def work() -> None:
        try:
            for number in range(12):
                (root / "README.md").write_text(f"{number}\n")
                git("add", "README.md")
                git("commit", "-q", "-m", f"work {number}")
                if number % 4 == 0:
                    git("gc", "-q")
        except AssertionError as error:
            failed.append(str(error))

    user = threading.Thread(target=work)
    user.start()
    tip, number = workspace.base, 0
    while user.is_alive() or number < 5:
        number += 1
        tree = workspace.tree(tip)
        new = workspace.write({**workspace.files(tree), "prompts/system.md": b"%d\n" % number}, like=tree)
        tip = workspace.commit(new, parent=tip, message=f"{number}\n", at=AT)
        git("update-ref", "refs/heads/ratchet/test", tip)
    user.join()
    assert not failed
    assert git("rev-list", "--count", "main") == "13"
    assert git("rev-list", "--count", "ratchet/test") == str(number + 1)
    assert git("status", "--porcelain") == ""
    assert git("fsck", "--full", "--no-dangling") == ""


def test_private_folder_is_ignored_once(root: Path, git: Any) -> None:
    exclude = root / ".git/info/exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("*.log")  # without a line end
    for _ in range(2):
        assert Workspace.open(root, "agents/one").private() == root / ".ratchet"
    assert exclude.read_text() == "*.log\n/.ratchet/\n"
    (root / ".ratchet/x").write_text("x")
    assert git("status", "--porcelain") == ""


# Repositories of every kind.


def test_linked_worktree(root: Path, git: Any, tmp_path: Path) -> None:
    git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other")
    workspace = Workspace.open(tmp_path / "linked", "agents/one")
    assert (workspace.root, workspace.private()) == (tmp_path / "linked", tmp_path / "linked/.ratchet")
    _, after = changed(workspace, prompts__new=b"x")
    commit = workspace.commit(after, parent=workspace.base, message="m\n", at=AT)
    assert git("cat-file", "-t", commit) == "commit"
    assert "/.ratchet/" in (root / ".git/info/exclude").read_text()


@pytest.mark.parametrize("how", ["packed", "reference", "shared, relative", "deltas"])
def test_objects_wherever_they_are(root: Path, git: Any, tmp_path: Path, how: str) -> None:
    if how == "deltas":
        text = "".join(f"- sentence {number}\n" for number in range(2_000))
        for number in range(5):
            (root / "agents/one/prompts/system.md").write_text(f"# Role {number}\n{text}")
            git("commit", "-q", "-a", "-m", str(number))
    if how in ("packed", "deltas"):
        git("gc", "-q", "--aggressive")
        git("pack-refs", "--all")
    if how in ("reference", "shared, relative"):
        git("clone", "-q", "--shared", str(root), str(tmp_path / "clone"))
        if how == "shared, relative":
            (tmp_path / "clone/.git/objects/info/alternates").write_text("../../../project/.git/objects\n")
        root = tmp_path / "clone"
    workspace = Workspace.open(root, "agents/one")
    assert workspace.files(workspace.tree(workspace.base))["harness.toml"] == b"[limits]\nmax_steps = 10\n"
    _, after = changed(workspace, prompts__new=b"x")
    assert workspace.tree(workspace.commit(after, parent=workspace.base, message="m\n", at=AT)) == after


def test_on_a_ref_the_working_tree_does_not_matter(root: Path, git: Any) -> None:
    workspace = Workspace.open(root, "agents/one", ref="refs/heads/ratchet/none-yet")
    _, after = changed(workspace, prompts__new=b"x")
    commit = workspace.commit(after, parent=workspace.base, message="m\n", at=AT)
    git("update-ref", "refs/heads/ratchet/one", commit)
    git("pack-refs", "--all")
    (root / "agents/one/harness.toml").write_text("half an edit")
    assert Workspace.open(root, "agents/one", ref="refs/heads/ratchet/one").base == commit


def error_of(*arguments: Any, **options: Any) -> str:
    with pytest.raises(RepositoryError) as caught:
        Workspace.open(*arguments, **options)
    assert caught.value.hint
    return caught.value.message


def test_not_in_git(tmp_path: Path) -> None:
    assert "not in a git repository" in error_of(tmp_path)
    assert "no such folder" in error_of(tmp_path / "nowhere")


def test_bare_empty_and_outside(root: Path, tmp_path: Path) -> None:
    for name, option in (("bare", "--bare"), ("empty", "--quiet")):
        subprocess.run(["git", "init", "-q", option, str(tmp_path / name)], check=True)
    assert "bare" in error_of(tmp_path / "bare")
    assert "no commit yet" in error_of(tmp_path / "empty")
    assert "not inside the repository" in error_of(root, tmp_path / "empty")


def test_sha256(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--object-format=sha256", str(tmp_path / "new")], check=True)
    assert "sha256 objects, expected sha1" in error_of(tmp_path / "new")


def test_harness_missing_untracked_or_changed(root: Path, git: Any) -> None:
    assert "no such folder" in error_of(root, "agents/two")
    (root / "agents/two").mkdir()
    (root / "agents/two/harness.toml").write_text("")
    assert "agents/two/harness.toml" in error_of(root, "agents/two")
    (root / "agents/three").mkdir()
    assert "is not in git" in error_of(root, "agents/three")
    (root / "agents/one/harness.toml").write_text("changed")
    assert "agents/one/harness.toml" in error_of(root, "agents/one")
    git("add", ".")
    assert "not as it is in the last commit" in error_of(root, "agents/one")
    git("commit", "-q", "-m", "all")
    (root / "agents/one/prompts/system.md").unlink()
    assert "prompts/system.md" in error_of(root, "agents/one")


def test_changes_elsewhere_do_not_matter(root: Path) -> None:
    (root / "README.md").write_text("changed")
    assert Workspace.open(root, "agents/one")


def test_links_and_submodules_are_refused(root: Path, git: Any) -> None:
    (root / "agents/one/link.md").symlink_to("harness.toml")
    git("add", ".")
    git("commit", "-q", "-m", "A link")
    assert "symbolic link" in error_of(root, "agents/one")
    git("rm", "-q", "--cached", "agents/one/link.md")
    (root / "agents/one/link.md").unlink()
    git("update-index", "--add", "--cacheinfo", f"160000,{git('rev-parse', 'HEAD')},agents/one/module")
    git("commit", "-q", "-m", "A submodule")
    (root / "agents/one/module").mkdir()
    assert "submodule" in error_of(root, "agents/one")
