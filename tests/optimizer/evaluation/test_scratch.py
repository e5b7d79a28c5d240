"""The temporary folder is private, holds each tree once, and outlives nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.evaluation.scratch import EXPORTS_KEPT, Scratch, remove_leftovers, remove_tree


def test_it_is_private_named_after_its_owner_and_goes(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch:
        assert scratch.path.stat().st_mode & 0o777 == 0o700
        assert scratch.path.name.startswith(f"ratchet-{os.getpid()}-")
        assert scratch.folder() != scratch.folder()
    assert list(tmp_path.iterdir()) == []
    scratch.close()


def test_a_tree_is_written_once(tmp_path: Path) -> None:
    with Scratch(tmp_path) as scratch:
        folder = scratch.export("t1", {"harness.toml": b"a", "prompts/system.md": b"b"})
        assert (folder / "prompts" / "system.md").read_bytes() == b"b"
        assert scratch.export("t1", {}) == folder
        for number in range(EXPORTS_KEPT):
            scratch.export(f"other-{number}", {"x": b""})
        assert not folder.exists()
        assert scratch.export("t1", {"x": b""}).exists()


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", ""])
def test_no_file_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with Scratch(tmp_path) as scratch, pytest.raises(ValueError, match="expected one relative"):
        scratch.export("t", {name: b""})


def test_what_a_killed_owner_left_is_removed(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from optimizer.evaluation.scratch import Scratch;"
        "scratch = Scratch(Path(sys.argv[1])); (scratch.folder() / 'x').touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, check=False)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith("ratchet-")
    with Scratch(tmp_path) as mine:
        assert list(tmp_path.iterdir()) == [mine.path]


def test_what_is_in_use_or_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "ratchet-notes").mkdir()
    (tmp_path / "ratchet-1-x").touch()
    with Scratch(tmp_path) as scratch:
        remove_leftovers(tmp_path)
        assert scratch.path.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ratchet-1-x", "ratchet-notes"]


def test_nesting_without_end_is_removed() -> None:
    with Scratch() as scratch:
        folder, here = scratch.folder(), Path.cwd()
        try:
            os.chdir(folder)
            for _ in range(2000):
                Path("d").mkdir()
                os.chdir("d")
        finally:
            os.chdir(here)
        remove_tree(folder)
        assert not folder.exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(kept)
    remove_tree(folder)
    assert (kept / "file").exists()
    assert not folder.exists()
