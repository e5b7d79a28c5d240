"""Whatever a rollout does, it ends in time, with its reason, and nothing of it is left."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from optimizer.evaluation.scratch import Scratch, remove_tree
from optimizer.sandboxes.base import Exit, Launch
from optimizer.sandboxes.process import ProcessSandbox

landlocked = pytest.mark.skipif(
    ProcessSandbox().confinement.landlock < 1, reason="this kernel has no Landlock: files are not confined"
)
scoped = pytest.mark.skipif(
    ProcessSandbox().confinement.landlock < 6, reason="Landlock of this kernel does not scope signals (needs ABI 6)"
)


def run(sandbox: ProcessSandbox, folder: Path, entry: str, timeout_s: float = 10.0, **payload: Any) -> Exit:
    started = time.monotonic()
    ended = sandbox.run(Launch(f"naughty:{entry}", payload, folder, timeout_s=timeout_s))
    assert time.monotonic() - started < timeout_s + 1.0
    assert not living_in(folder)
    if (folder / "pids").exists():
        for line in (folder / "pids").read_text().split():
            assert not Path(f"/proc/{line}").exists()
    return ended


def living_in(folder: Path) -> list[str]:
    """Processes whose working directory is the rollout's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "cwd").readlink()).startswith(str(folder)):
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("print_gigabytes", "it printed more than 4 MB"),
        ("fork_bomb", "it started more than 24 processes"),
        ("shell_bomb", "it started more than 24 processes"),
        ("daemonize", "it ended with exit code 0 before its entry returned"),
        ("allocate_at_once", "MemoryError"),
        ("allocate_in_children", "it used more than 256 MB of memory"),
        ("exit_silently", "it ended with exit code 0 before its entry returned"),
        ("exit_loudly", "SystemExit: the harness ended the process with 'enough'"),
        ("segfault", "it was killed by SIGSEGV"),
        ("raise_error", "ValueError: this harness is broken"),
        ("raise_unprintable", "Rude: (its message cannot be shown)"),
        ("fill_folder", "it wrote more than 24 MB of files"),
        ("fill_unnamed", "it wrote more than 24 MB of files"),
        ("fill_memory_files", "it wrote more than 24 MB of files"),
        ("many_files", "it wrote more than 500 files"),
        ("deep_folders", "it wrote more than"),
        ("giant_file", "OSError: [Errno 27] File too large"),
        ("locked_folder", "ValueError: clean that up"),
    ],
)
def test_recorded_as_a_crash_with_its_reason(sandbox: ProcessSandbox, folder: Path, entry: str, reason: str) -> None:
    ended = run(sandbox, folder, entry)
    assert (ended.status, ended.reason[: len(reason)]) == ("crash", reason)


@pytest.mark.parametrize("entry", ["never_return", "ignore_sigterm", "hydra", "whisper_forever"])
def test_ended_at_its_deadline(sandbox: ProcessSandbox, folder: Path, entry: str) -> None:
    ended = run(sandbox, folder, entry, timeout_s=0.4)
    assert (ended.status, ended.reason) == ("timeout", "still running after 0.4 s")
    assert ended.seconds < 1.4


def test_a_daemon_of_a_slow_parent_is_ended_too(sandbox: ProcessSandbox, folder: Path) -> None:
    assert run(sandbox, folder, "daemonize", timeout_s=0.5, parent_stays_s=600).status == "timeout"
    assert (folder / "pids").read_text()


def test_daemons_do_not_outlive_a_rollout_that_ends_well(sandbox: ProcessSandbox, folder: Path) -> None:
    ended = run(sandbox, folder, "leave_daemons_and_return")
    assert ended.status == "ok"
    assert "running processes behind, which were ended" in ended.reason


def test_memory_taken_bit_by_bit_is_bounded(sandbox: ProcessSandbox, folder: Path) -> None:
    ended = run(sandbox, folder, "allocate_slowly")
    assert ended.reason in ("MemoryError", "it used more than 256 MB of memory")


def test_processes_are_counted_while_they_live_only(sandbox: ProcessSandbox, folder: Path) -> None:
    assert run(sandbox, folder, "fork_again_and_again").status == "ok"


def test_threads_do_not_keep_a_rollout_alive(sandbox: ProcessSandbox, folder: Path) -> None:
    assert run(sandbox, folder, "threads_without_end").status == "ok"


def test_the_last_lines_of_output_are_kept(sandbox: ProcessSandbox, folder: Path) -> None:
    ended = run(sandbox, folder, "raise_error")
    assert "about to fail" in ended.output
    assert ended.output.index("about to fail") < ended.output.index("Traceback")
    assert ended.output.rstrip().endswith("is broken")
    assert len(run(sandbox, folder, "print_gigabytes").output) <= 4096


@landlocked
@pytest.mark.parametrize("entry", ["write_outside", "remove_outside", "read_outside"])
def test_nothing_outside_its_folder_is_in_reach(
    sandbox: ProcessSandbox, folder: Path, tmp_path: Path, entry: str
) -> None:
    target = tmp_path / "secret"
    target.write_text("the key")
    ended = run(sandbox, folder, entry, target=str(target))
    assert ended.status == "crash"
    assert ended.reason.startswith("PermissionError: [Errno 13] Permission denied")
    assert "the key" not in ended.output
    assert target.read_text() == "the key"


@landlocked
def test_another_rollouts_folder_is_out_of_reach(sandbox: ProcessSandbox, folder: Path) -> None:
    with Scratch(folder.parent) as other:
        target = other.folder() / "result.json"
        ended = run(sandbox, folder, "write_outside", target=str(target))
        assert ended.reason.startswith("PermissionError")
        assert not target.exists()


@landlocked
def test_the_truth_of_a_suite_is_out_of_reach(sandbox: ProcessSandbox, folder: Path) -> None:
    import optimizer

    ended = run(sandbox, folder, "read_outside", target=str(Path(optimizer.__path__[0]) / "records.py"))
    assert ended.reason.startswith("PermissionError")


@landlocked
def test_the_campaigns_environment_is_out_of_reach(
    sandbox: ProcessSandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-secret")
    ended = run(sandbox, folder, "read_environment_of_parent", campaign=os.getpid())
    assert ended.status == "crash"
    assert "sk-secret" not in ended.output


@scoped
@pytest.mark.parametrize("entry", ["kill_parent", "kill_campaign"])
def test_no_process_outside_can_be_signalled(sandbox: ProcessSandbox, folder: Path, entry: str) -> None:
    ended = run(sandbox, folder, entry, campaign=os.getpid())
    assert ended.status == "crash"
    assert ended.reason == "PermissionError: [Errno 1] Operation not permitted"


def test_no_memory_outside_can_be_read(sandbox: ProcessSandbox, folder: Path) -> None:
    if not (sandbox.confinement.seccomp or sandbox.confinement.landlock):
        pytest.skip("neither Landlock nor seccomp here: whether memory can be read is the kernel's affair")
    secret = ctypes.create_string_buffer(b"a token")
    there = {"campaign": os.getpid(), "address": ctypes.addressof(secret)}
    assert run(sandbox, folder, "read_memory_of_the_campaign", **there).reason.startswith("PermissionError")


def test_the_network_is_out_of_reach(sandbox: ProcessSandbox, folder: Path) -> None:
    if not sandbox.confinement.network:
        pytest.skip("neither Landlock ABI 4 nor seccomp here: the network is not confined")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        ended = run(sandbox, folder, "connect_tcp", port=server.getsockname()[1])
        assert ended.reason.startswith("PermissionError")
        with pytest.raises(TimeoutError):
            server.accept()
    if sandbox.confinement.seccomp:
        assert run(sandbox, folder, "send_udp", port=9).reason.startswith("PermissionError")
        assert run(sandbox, folder, "shared_memory_segment").reason.startswith("PermissionError")


def test_the_door_is_in_reach(sandbox: ProcessSandbox, folder: Path) -> None:
    with Scratch() as scratch, socket.socket(socket.AF_UNIX) as server:
        server.bind(str(scratch.socket))
        server.listen()

        def answer() -> None:
            channel, _ = server.accept()
            with channel:
                channel.sendall(channel.recv(100).upper())

        thread = threading.Thread(target=answer)
        thread.start()
        launch = Launch("naughty:connect_unix", {"door": str(scratch.socket)}, folder, (scratch.socket,))
        assert sandbox.run(launch).status == "ok"
        thread.join()
    assert (folder / "answer").read_bytes() == b"HELLO"


@scoped
def test_abstract_sockets_are_out_of_reach(sandbox: ProcessSandbox, folder: Path) -> None:
    name = f"ratchet-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        assert run(sandbox, folder, "listen_abstract", name=name).reason.startswith("PermissionError")


def test_the_sandbox_still_works_after_all_that(sandbox: ProcessSandbox, folder: Path) -> None:
    assert run(sandbox, folder, "leave_daemons_and_return").status == "ok"
    remove_tree(folder)
    assert not folder.exists()
