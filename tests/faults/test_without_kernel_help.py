"""Without Landlock and filters everything still runs, is bounded, and is cleaned up; only reach is not confined."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimizer.sandboxes.base import Launch
from optimizer.sandboxes.limits import Limits
from optimizer.sandboxes.process import ProcessSandbox


@pytest.fixture(scope="module")
def bare() -> Iterator[ProcessSandbox]:
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        preload = {"naughty": None, "no_kernel_help": {}}
        with ProcessSandbox(preload=preload, limits=Limits(processes=24)) as sandbox:
            yield sandbox
    finally:
        sys.path.remove(str(Path(__file__).parent))


def test_writes_are_not_confined(bare: ProcessSandbox, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "file"
    assert bare.run(Launch("naughty:write_outside", {"target": str(target)}, folder)).status == "ok"
    assert target.read_text() == "got out"


@pytest.mark.parametrize("entry", ["fork_bomb", "shell_bomb"])
def test_processes_are_counted_by_looking(bare: ProcessSandbox, folder: Path, entry: str) -> None:
    started = time.monotonic()
    ended = bare.run(Launch(f"naughty:{entry}", {}, folder, timeout_s=10.0))
    assert (ended.status, ended.reason) == ("crash", "it started more than 24 processes")
    assert time.monotonic() - started < 11.0


@pytest.mark.parametrize("entry", ["hydra", "ignore_sigterm", "never_return"])
def test_the_deadline_holds(bare: ProcessSandbox, folder: Path, entry: str) -> None:
    started = time.monotonic()
    ended = bare.run(Launch(f"naughty:{entry}", {}, folder, timeout_s=0.3))
    assert ended.status in ("timeout", "crash")
    assert time.monotonic() - started < 1.3


def test_a_rollout_that_kills_its_supervisor_is_cleaned_up(bare: ProcessSandbox, folder: Path) -> None:
    ended = bare.run(Launch("naughty:kill_parent", {}, folder))
    assert (ended.status, ended.reason) == ("crash", "its supervisor was killed, by the harness or for want of memory")
    assert bare.run(Launch("naughty:threads_without_end", {}, folder)).status == "ok"
