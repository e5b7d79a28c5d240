"""Trees as bytes: the same as git's own, and one entry changed without the others."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.workspace import trees

NAMES = st.binary(min_size=1, max_size=8).filter(
    lambda name: not set(name) & {0, ord("/"), 10} and name not in (b".", b"..")
)


def entries(names: list[bytes]) -> list[trees.Entry]:
    modes = (trees.FILE, trees.FOLDER, trees.EXECUTABLE)
    return [trees.Entry(modes[i % 3], name, hashlib.sha1(name).digest()) for i, name in enumerate(names)]


def test_same_tree_as_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    some = entries([b"a", b"a.b", b"a-b", b"ab", b"b", b"B", b"z\xc3\xa9", b"a0"])
    lines = b"".join(
        b"%s %s %s\t%s\0"
        % (e.mode.rjust(6, b"0"), b"tree" if e.mode == trees.FOLDER else b"blob", e.id.hex().encode(), e.name)
        for e in some
    )
    told = subprocess.run(
        ["git", "mktree", "--missing", "-z"], cwd=tmp_path, input=lines, capture_output=True, check=True
    )
    data = trees.build(some)
    assert hashlib.sha1(b"tree %d\0" % len(data) + data).hexdigest() == told.stdout.decode().strip()


@given(st.lists(NAMES, unique=True, min_size=1, max_size=12), st.data())
def test_splice_changes_one_entry(names: list[bytes], data: st.DataObject) -> None:
    tree = trees.build(entries(names))
    name = data.draw(st.sampled_from(names))
    new = b"\x07" * 20
    after = trees.splice(tree, name, new)
    assert trees.build(trees.parse(tree)) == tree
    assert [e if e.name != name else e._replace(id=new) for e in trees.parse(tree)] == list(trees.parse(after))


def test_name_inside_an_id_is_not_mistaken_for_an_entry() -> None:
    trap = b"40000 harness\0".ljust(20, b"x")
    real = trees.Entry(trees.FOLDER, b"harness", b"\x01" * 20)
    with_both = trees.build([trees.Entry(trees.FILE, b"a", trap), real])
    assert trees.find(with_both, b"harness") == (len(with_both) - 20, real)
    only_trap = trees.build([trees.Entry(trees.FILE, b"a", trap), trees.Entry(trees.FILE, b"b", b"\x02" * 20)])
    assert trees.find(only_trap, b"harness") is None


def test_missing_name() -> None:
    with pytest.raises(KeyError):
        trees.splice(trees.build(entries([b"a", b"b"])), b"c", b"\0" * 20)
