"""One process at a time runs a campaign, and a dead one does not keep the next from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.errors import CampaignBusy
from optimizer.ledger.lock import CampaignLock, running_pid

HOLDS = """
import os, sys, time
from pathlib import Path
from optimizer.ledger.lock import CampaignLock
with CampaignLock(Path(sys.argv[1])):
    if sys.argv[2] == "fork" and os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(60)
    if sys.argv[2] != "fork":
        print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path, how: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(folder), how], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, process.stdout.readline().strip()


def test_second_run_is_refused_with_the_process_id(tmp_path: Path) -> None:
    process, _ = holder(tmp_path, "hold")
    try:
        assert running_pid(tmp_path) == process.pid
        with pytest.raises(CampaignBusy, match=f"process {process.pid} "), CampaignLock(tmp_path):
            pass
    finally:
        process.kill()
        process.wait()
    assert running_pid(tmp_path) is None
    with CampaignLock(tmp_path):
        assert running_pid(tmp_path) == os.getpid()
    assert running_pid(tmp_path) is None


def test_forked_child_that_survives_does_not_hold_it(tmp_path: Path) -> None:
    process, child = holder(tmp_path, "fork")
    process.kill()
    process.wait()
    try:
        with CampaignLock(tmp_path):
            pass
    finally:
        os.kill(int(child), signal.SIGKILL)


def test_nobody_runs_what_is_not_there(tmp_path: Path) -> None:
    assert running_pid(tmp_path / "none") is None
