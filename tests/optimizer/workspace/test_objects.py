"""Objects that are held back survive every kind of cut, and a repository that is tidied while it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import RepositoryError
from optimizer.workspace.held import Held
from optimizer.workspace.objects import encode
from optimizer.workspace.workspace import Workspace

OBJECTS = [encode("blob", bytes([65 + n]) * (n * 50)) for n in range(6)]


def fill(path: Path, objects: list[tuple[str, bytes]]) -> Held:
    held = Held(lambda: path)
    for name, raw in objects:
        held.put(name, raw)
    return held


def test_held_objects_are_read_by_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "variants"
    assert Held(lambda: path).get(OBJECTS[0][0]) is None
    first = fill(path, OBJECTS[:3])
    second = fill(path, OBJECTS[3:])
    first.put(*OBJECTS[5])
    for held, known in ((first, [0, 1, 2, 5]), (second, range(6)), (Held(lambda: path), range(6))):
        assert [held.get(OBJECTS[n][0]) for n in known] == [OBJECTS[n][1] for n in known]


def test_cut_anywhere_loses_only_what_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "variants"
    fill(path, OBJECTS[:3])
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        fill(path, OBJECTS[3:])
        again = Held(lambda: path)
        assert [again.get(name) for name, _ in OBJECTS[3:]] == [raw for _, raw in OBJECTS[3:]], cut
        for name, raw in OBJECTS[:3]:
            assert again.get(name) in (raw, None)


def test_damaged_object_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "variants"
    fill(path, OBJECTS)
    data = bytearray(path.read_bytes())
    data[-3] ^= 0xFF
    path.write_bytes(data)
    assert Held(lambda: path).get(OBJECTS[-1][0]) is None


def test_variant_that_was_lost_can_be_made_again(root: Path) -> None:
    first = Workspace.open(root, "agents/one")
    base = first.tree(first.base)
    files = {**first.files(base), "new.md": b"x"}
    tree = first.write(files, like=base)
    (root / ".ratchet/variants").write_bytes(b"")
    second = Workspace.open(root, "agents/one")
    with pytest.raises(RepositoryError, match=f"lacks the tree {tree}"):
        second.files(tree)
    assert second.write(files, like=base) == tree
    assert second.files(tree)["new.md"] == b"x"


def test_git_packs_everything_between_two_reads(root: Path, git: Any) -> None:
    workspace = Workspace.open(root, "agents/one")
    name = git("rev-parse", "HEAD:src/module_3.py")
    assert workspace._objects.has(name)
    git("gc", "-q", "--prune=now")
    git("repack", "-q", "-a", "-d", "-f")
    assert workspace._objects.read(name, "blob") == b"VALUE = 3\n"
    assert workspace._objects.has(name)


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_damaged_object_is_named(root: Path, git: Any, content: bytes) -> None:
    name = git("rev-parse", "HEAD:agents/one/harness.toml")
    path = root / ".git/objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(content)
    with pytest.raises(RepositoryError, match=f"lacks the blob {name}") as caught:
        Workspace.open(root, "agents/one")
    assert "git fsck" in caught.value.hint


def test_object_of_another_kind(root: Path, git: Any) -> None:
    workspace = Workspace.open(root, "agents/one")
    with pytest.raises(RepositoryError, match=r"got the commit .*, expected a tree"):
        workspace.files(git("rev-parse", "HEAD"))


def test_published_objects_are_whole_and_read_only(root: Path) -> None:
    workspace = Workspace.open(root, "agents/one")
    [name] = workspace._objects.publish([("blob", b"text")])
    path = root / ".git/objects" / name[:2] / name[2:]
    assert path.stat().st_mode & 0o777 == 0o444
    assert workspace._objects.publish([("blob", b"text")]) == [name]
    assert not list((root / ".git/objects").rglob("tmp_obj*"))
