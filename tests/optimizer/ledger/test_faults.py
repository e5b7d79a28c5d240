"""Broken files, full disks and wrong clocks: said in words, and nothing overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from optimizer.errors import LedgerError
from optimizer.ledger.store import FILE, Ledger

Make = SimpleNamespace


def fill(ledger: Ledger, make: Make, count: int = 20) -> None:
    for number in range(ledger.next_number(), ledger.next_number() + count):
        ledger.propose(number, make.proposal(number), champion="c" * 40)
        ledger.finish(make.outcome(number))
        ledger.backup_if_due()


def refused(folder: Path, read_only: bool) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        Ledger.open(folder, read_only=read_only)
    return caught.value


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("damage", ["emptied", "text", "cut", "header", "page", "gone"])
def test_unreadable_ledger_points_to_the_last_good_state(
    ledger: Ledger, make: Make, damage: str, read_only: bool
) -> None:
    fill(ledger, make)
    ledger.close()
    path = ledger.folder / FILE
    data = path.read_bytes()
    half = len(data) // 2
    broken = {
        "emptied": b"",
        "text": b"not a database at all\n" * 50,
        "cut": data[:half],
        "header": b"\0" * 100 + data[100:],
        "page": data[:4096] + os.urandom(len(data) - 4096),
    }
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(broken[damage])
    before = {file.name: file.read_bytes() for file in ledger.folder.iterdir()}
    error = refused(ledger.folder, read_only)
    assert "unreadable" in error.message and str(path) in error.message
    assert f"the last good state is {ledger.folder / 'ledger.backup.db'}, of 20" in error.hint
    now = {file.name: file.read_bytes() for file in ledger.folder.iterdir()}
    assert {name: now.get(name) for name in before if name.endswith(".db")} == {
        name: data for name, data in before.items() if name.endswith(".db")
    }
    subprocess.run(["sh", "-c", error.hint.partition("To go on from it: ")[2]], check=True)
    assert Ledger.open(ledger.folder).totals().experiments == 1, "the first copy is made after the first experiment"


def test_no_copy_yet(ledger: Ledger) -> None:
    ledger.close()
    (ledger.folder / FILE).write_bytes(b"")
    assert "there is no copy yet" in refused(ledger.folder, False).hint


def test_broken_copy_is_passed_over(ledger: Ledger, make: Make) -> None:
    ledger._backups._every = 10
    fill(ledger, make, 12)
    ledger.close()
    (ledger.folder / FILE).write_bytes(b"")
    assert "ledger.backup.db, of" in refused(ledger.folder, False).hint
    (ledger.folder / "ledger.backup.db").write_bytes(b"broken too")
    assert "ledger.backup.1.db, of" in refused(ledger.folder, False).hint


def test_corruption_found_on_the_way(ledger: Ledger, make: Make) -> None:
    fill(ledger, make, 50)
    ledger.close()
    again = Ledger.open(ledger.folder)
    again._database._connection.execute("PRAGMA shrink_memory")
    path = ledger.folder / FILE
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    with pytest.raises(LedgerError, match="corrupted"):
        list(again.experiments())


def test_folder_that_may_not_be_written(tmp_path: Path, make: Make) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot be made"):
        Ledger.create(tmp_path / "file" / "night", make.campaign())


def test_clock_that_goes_backwards(tmp_path: Path, make: Make) -> None:
    clock = iter([1000.0, 1010.0, 900.0, 800.0, 1020.0])
    ledger = Ledger.create(tmp_path / "night", make.campaign(), now=lambda: next(clock))
    ledger.propose(1, make.proposal(), champion="c" * 40)
    ledger.finish(make.outcome(1))
    ledger.close()
    again = Ledger.open(ledger.folder, now=lambda: 500.0)
    again.propose(2, make.proposal(2), champion="c" * 40)
    again.beat()
    rows = list(again.experiments())
    instants = [
        again.campaign.created_at,
        rows[0].started_at,
        rows[0].ended_at,
        rows[1].started_at,
        again.heartbeat().at,
    ]
    assert instants == [1000.0, 1010.0, 1010.0, 1010.0, 1010.0]
    assert rows[0].seconds == 1.25, "durations do not come from this clock"


# A disk that is full, really.


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def stuff(disk: Path) -> Path:
    """Fill what is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return filler


def test_full_disk(small_disk: Path, make: Make) -> None:
    ledger = Ledger.create(small_disk / "night", make.campaign())
    fill(ledger, make, 3)
    filler = stuff(small_disk)
    with pytest.raises(LedgerError, match="cannot be written") as caught:
        fill(ledger, make, 1_000)
    assert "make room" in caught.value.hint
    finished = len([row for row in ledger.experiments() if row.decision])
    filler.unlink()
    unfinished = ledger.unfinished()
    if unfinished is not None:
        ledger.finish(make.outcome(unfinished.number))
        finished += 1
    fill(ledger, make, 2)
    ledger.close()
    again = Ledger.open(ledger.folder)
    assert again.totals().experiments == finished + 2
    assert all(row.decision is not None for row in again.experiments())


def test_full_disk_from_the_start(small_disk: Path, make: Make) -> None:
    filler = stuff(small_disk)
    with pytest.raises(LedgerError) as caught:
        Ledger.create(small_disk / "night", make.campaign())
    assert "make room" in caught.value.hint
    filler.unlink()
    assert Ledger.create(small_disk / "night", make.campaign()).next_number() == 1


def test_copy_that_does_not_fit_leaves_the_one_before(small_disk: Path, make: Make) -> None:
    ledger = Ledger.create(small_disk / "night", make.campaign())
    fill(ledger, make, 2)
    copy = ledger.folder / "ledger.backup.db"
    before = copy.read_bytes()
    stuff(small_disk)
    with pytest.raises(LedgerError):
        ledger._backups.make(ledger._database)
    assert copy.read_bytes() == before
    assert [path.name for path in ledger.folder.iterdir() if path.suffix == ".new"] == []


LIMITED = """
import resource, sys
from pathlib import Path
from optimizer.errors import LedgerError
from optimizer.ledger.store import Ledger
from optimizer.records import Spend
ledger = Ledger.open(Path(sys.argv[1]))
limit = (Path(sys.argv[1]) / "ledger.db").stat().st_size + 30_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    for number in range(100_000):
        ledger.report({"text": "x" * 1_000})
except LedgerError as error:
    print(error.hint.startswith("make room"), len(ledger.reports()) == number)
"""


def test_limit_on_file_size(ledger: Ledger) -> None:
    ledger.close()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(ledger.folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"], done.stderr
    assert Ledger.open(ledger.folder).reports()


def test_git_objects_on_a_full_disk(small_disk: Path, scene: Any) -> None:
    from optimizer.workspace.workspace import Workspace

    subprocess.run(["cp", "-r", str(scene.root), str(small_disk / "project")], check=True)
    workspace = Workspace.open(small_disk / "project", "harness")
    base = workspace.tree(workspace.base)
    filler = stuff(small_disk)
    big = {**workspace.files(base), "prompts/big.md": os.urandom(100_000)}
    with pytest.raises(LedgerError, match="git objects cannot be written") as caught:
        workspace.write(big, like=base)
    assert "make room" in caught.value.hint
    filler.unlink()
    tree = workspace.write(big, like=base)
    before = sorted((small_disk / "project/.git/objects").rglob("*"))
    filler = stuff(small_disk)
    with pytest.raises(LedgerError, match="git objects cannot be written"):
        workspace.commit(tree, parent=workspace.base, message="m\n", at=1.0)
    after = [path for path in sorted((small_disk / "project/.git/objects").rglob("*")) if path.is_file()]
    assert [path for path in after if path not in before] == [], "nothing half-written is left"
    filler.unlink()
    commit = workspace.commit(tree, parent=workspace.base, message="m\n", at=1.0)
    subprocess.run(["git", "fsck", "--strict", commit], cwd=workspace.root, check=True, capture_output=True)
