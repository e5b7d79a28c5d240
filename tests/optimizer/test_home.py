"""Where campaigns live, and how a command finds the one that is meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optimizer.errors import CampaignMissing
from optimizer.home import Home, find_home, homes


def make(root: Path, campaign: str, at: float) -> Home:
    home = Home(root.resolve(), campaign)
    home.folder.mkdir(parents=True)
    home.ledger.touch()
    os.utime(home.ledger, (at, at))
    return home


def test_the_one_written_to_last_comes_first(tmp_path: Path) -> None:
    old, new = make(tmp_path, "old", 1_000), make(tmp_path, "new", 2_000)
    assert homes(tmp_path) == [new, old]
    log = old.ledger.with_name("ledger.db-wal")
    log.touch()
    os.utime(log, (3_000, 3_000))
    assert find_home(tmp_path) == old, "SQLite writes to its log first"
    assert find_home(tmp_path, "new") == new


def test_from_inside_the_repository_and_from_the_folder_of_runs(tmp_path: Path) -> None:
    mine = make(tmp_path, "mine", 1_000)
    shipped = make(tmp_path / "runs" / "navigator", "navigator", 500)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    for start in (tmp_path, deep):
        assert homes(start) == [mine, shipped]
    assert homes(tmp_path / "runs" / "navigator") == [shipped]


def test_a_copy_of_a_lost_ledger_is_still_a_campaign(tmp_path: Path) -> None:
    home = make(tmp_path, "lost", 1_000)
    home.ledger.rename(home.folder / "ledger.backup.db")
    assert homes(tmp_path) == [home]


def test_none_or_none_of_that_name(tmp_path: Path) -> None:
    with pytest.raises(CampaignMissing, match="no campaign in") as missing:
        find_home(tmp_path)
    assert "ratchet run" in missing.value.hint
    make(tmp_path, "one", 1_000)
    make(tmp_path, "two", 2_000)
    with pytest.raises(CampaignMissing, match="no campaign 'three' here; there are: two, one"):
        find_home(tmp_path, "three")


def test_everything_lies_in_one_folder(tmp_path: Path) -> None:
    home = Home(tmp_path, "c")
    assert {path.parent for path in (home.ledger, home.lock, home.stop_request, home.trajectories)} == {home.folder}
    assert home.folder == tmp_path / ".ratchet" / "c"
    assert home.ref == "refs/heads/ratchet/c"
