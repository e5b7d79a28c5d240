"""The process sandbox when nobody misbehaves (``tests/faults`` has the rest), and when its own processes die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import SandboxError
from optimizer.evaluation.scratch import Scratch
from optimizer.sandboxes.base import Launch
from optimizer.sandboxes.limits import Confinement
from optimizer.sandboxes.process import ProcessSandbox

HERE = str(Path(__file__).parent)


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture
def sandbox(on_path: None) -> Iterator[ProcessSandbox]:
    with ProcessSandbox(preload={"slow_start": {"root": "somewhere"}}) as sandbox:
        sandbox.start()
        yield sandbox


@pytest.fixture
def folder() -> Iterator[Path]:
    with Scratch() as scratch:
        yield scratch.folder()


def report(sandbox: ProcessSandbox, folder: Path, **payload: Any) -> dict[str, Any]:
    ended = sandbox.run(Launch("slow_start:report", payload, folder))
    assert ended.status == "ok", ended
    assert ended.output == ""
    return dict(json.loads((folder / "report.json").read_text()))


def test_a_rollout_sees_what_it_needs_and_no_more(
    sandbox: ProcessSandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    seen = report(sandbox, folder, a=[1, {"b": None}])
    assert seen["payload"] == {"a": [1, {"b": None}]}
    assert seen["warmed"] == [{"root": "somewhere"}]
    assert set(seen["environment"]) <= {"PATH", "LANG", "PYTHONHASHSEED", "HOME", "TMPDIR", "LC_CTYPE"}
    assert seen["environment"]["PYTHONHASHSEED"] == "0"
    assert seen["environment"]["HOME"] == seen["environment"]["TMPDIR"] == seen["cwd"] == str(folder)
    assert seen["session"]
    assert (seen["umask"], seen["stdin"]) == (0o077, "")


def test_rollouts_are_alike_and_apart(sandbox: ProcessSandbox, folder: Path) -> None:
    first, second = report(sandbox, folder), report(sandbox, folder)
    assert first["random"] == second["random"]
    assert first["pid"] != second["pid"]


def test_several_at_once(sandbox: ProcessSandbox) -> None:
    with Scratch() as scratch, ThreadPoolExecutor(4) as threads:
        launches = [Launch("slow_start:report", {"n": n}, scratch.folder()) for n in range(12)]
        assert {ended.status for ended in threads.map(sandbox.run, launches)} == {"ok"}
        for number, launch in enumerate(launches):
            assert json.loads((launch.folder / "report.json").read_text())["payload"] == {"n": number}


def test_readable_paths_are_readable_and_nothing_beside(sandbox: ProcessSandbox, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "x").write_text("this")
    (tmp_path / "other").write_text("not this")

    def read(path: Path) -> str:
        launch = Launch("slow_start:read", {"path": str(path)}, folder, (tmp_path / "given", tmp_path / "missing"))
        return sandbox.run(launch).status

    assert read(tmp_path / "given" / "x") == "ok"
    assert (folder / "copy").read_text() == "this"
    if sandbox.confinement.reads:
        assert read(tmp_path / "other") == "crash"


def test_cancel(sandbox: ProcessSandbox, folder: Path) -> None:
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    started = time.monotonic()
    ended = sandbox.run(Launch("slow_start:nap", {"seconds": 60}, folder, timeout_s=50), cancel=cancel)
    assert ended.status == "cancelled"
    assert time.monotonic() - started < 1.2
    assert sandbox.run(Launch("slow_start:nap", {"seconds": 0}, folder), cancel=cancel).seconds == 0.0


def test_a_missing_entry_is_a_crash(sandbox: ProcessSandbox, folder: Path) -> None:
    assert sandbox.run(Launch("no_such_module:x", {}, folder)).reason.startswith("ModuleNotFoundError")
    assert sandbox.run(Launch("slow_start:missing", {}, folder)).reason.startswith("AttributeError")


def test_a_module_that_does_not_load_is_an_error_for_the_user(on_path: None, folder: Path) -> None:
    with ProcessSandbox(preload={"breaks_on_import": None}) as sandbox:
        with pytest.raises(SandboxError, match="RuntimeError: the sources are missing") as caught:
            sandbox.run(Launch("slow_start:report", {}, folder))
        assert "breaks_on_import" in caught.value.hint


def test_a_dead_fork_server_is_replaced(sandbox: ProcessSandbox, folder: Path) -> None:
    report(sandbox, folder)
    for _ in range(2):
        server = sandbox._server
        assert server is not None
        server._process.kill()
        server._process.wait()
        report(sandbox, folder)
        assert sandbox._server is not server


def test_a_dead_fork_server_does_not_disturb_what_runs(sandbox: ProcessSandbox) -> None:
    with Scratch() as scratch, ThreadPoolExecutor(1) as threads:
        running = threads.submit(sandbox.run, Launch("slow_start:nap", {"seconds": 0.6}, scratch.folder()))
        time.sleep(0.2)
        assert sandbox._server is not None
        sandbox._server._process.kill()
        assert sandbox.run(Launch("slow_start:nap", {"seconds": 0}, scratch.folder())).status == "ok"
        assert running.result().status == "ok"


def test_a_dead_supervisor_is_a_crash_and_leaves_nothing(sandbox: ProcessSandbox, folder: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(sandbox.run, Launch("slow_start:nap", {"seconds": 60}, folder))
        worker = wait_for_worker(folder)
        os.kill(parent_of(worker), signal.SIGKILL)
        ended = running.result(timeout=5)
    assert (ended.status, ended.reason) == ("crash", "its supervisor was killed, by the harness or for want of memory")
    assert not Path(f"/proc/{worker}").exists()
    report(sandbox, folder)


def test_a_supervisor_that_hangs_is_killed(sandbox: ProcessSandbox, folder: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        started = time.monotonic()
        running = threads.submit(sandbox.run, Launch("slow_start:nap", {"seconds": 60}, folder, timeout_s=0.5))
        worker = wait_for_worker(folder)
        os.kill(parent_of(worker), signal.SIGSTOP)
        ended = running.result(timeout=10)
    assert ended.status == "timeout"
    assert time.monotonic() - started < 1.5
    assert not Path(f"/proc/{worker}").exists()


def test_when_the_campaign_is_killed_nothing_is_left(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[2]);"
        "from optimizer.sandboxes.process import ProcessSandbox; from optimizer.sandboxes.base import Launch;"
        "box = ProcessSandbox(preload={'slow_start': None});"
        "box.run(Launch('slow_start:nap', {'seconds': 60}, pathlib.Path(sys.argv[1])))"
    )
    root = Path(__file__).parents[3]
    campaign = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), HERE], cwd=root)
    worker = wait_for_worker(tmp_path)
    supervisor = parent_of(worker)
    server = parent_of(supervisor)
    campaign.kill()
    campaign.wait()
    give_up = time.monotonic() + 3
    pids = (worker, supervisor, server)
    while any(running(pid) for pid in pids) and time.monotonic() < give_up:
        time.sleep(0.02)
    assert not any(running(pid) for pid in pids)


def test_closed_is_closed(sandbox: ProcessSandbox, folder: Path) -> None:
    report(sandbox, folder)
    assert sandbox._server is not None
    process = sandbox._server._process
    sandbox.close()
    sandbox.close()
    assert process.poll() is not None
    with pytest.raises(SandboxError, match="was closed"):
        sandbox.run(Launch("slow_start:report", {}, folder))


@pytest.mark.parametrize(
    ("confinement", "words"),
    [
        (Confinement(0, False), "may read and write your files and use the network"),
        (Confinement(0, True), "may read and write your files, without network"),
        (Confinement(3, False), "files (Landlock ABI 3); not confined on this kernel: network, signals"),
        (Confinement(7, True), "rollouts are confined: files (Landlock ABI 7), network, signals"),
    ],
)
def test_confinement_says_what_holds(confinement: Confinement, words: str) -> None:
    assert words in confinement.describe()


def wait_for_worker(folder: Path) -> int:
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").readlink() == folder:
                    return int(process.name)
            except OSError:
                continue
        time.sleep(0.01)
    raise AssertionError("no worker appeared")


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_an_error_that_says_all_there_is_to_say_comes_without_a_traceback(
    sandbox: ProcessSandbox, folder: Path
) -> None:
    told = sandbox.run(Launch("slow_start:fail", {"told": True}, folder))
    assert (told.status, told.reason, told.output) == ("crash", "MissingFile: x.toml: got nothing", "")
    bug = sandbox.run(Launch("slow_start:fail", {"told": False}, folder))
    assert bug.reason == "RuntimeError: a bug" and "Traceback" in bug.output
