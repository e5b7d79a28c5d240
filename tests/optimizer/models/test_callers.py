"""No rollout takes all the door's connections for itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from baselines.agent.door_client import DoorClient
from optimizer.models.callers import caller, who_gives_way
from optimizer.models.door import Door
from optimizer.models.server import MAX_CONNECTIONS, DoorServer
from tests.optimizer.models.doubles import Books, Scripted, answer, ask

GREEDY = """
import os, socket, sys
held = []
for _ in range(int(sys.argv[2])):
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].connect(sys.argv[1])
print("full", flush=True)
sys.stdin.read()
"""
NESTED = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"


def test_who_came_first_is_not_shut_out_by_who_takes_all(tmp_path: Path) -> None:
    door = Door({"agent": Scripted(answer)}, Books())
    path = tmp_path / "door"
    with DoorServer(door, path):
        token = door.open("s", 0, float("inf"))
        early = DoorClient(str(path), token)
        assert early.create(ask())["stop_reason"] == "end_turn"
        words = [sys.executable, "-c", GREEDY, str(path), str(2 * MAX_CONNECTIONS)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as greedy:
            assert greedy.stdout is not None and greedy.stdout.readline() == b"full\n"
            assert early.create(ask())["stop_reason"] == "end_turn"
            for _ in range(3):
                late = DoorClient(str(path), token)
                assert late.create(ask())["stop_reason"] == "end_turn"
            late.close()
            greedy.communicate(b"", timeout=20)
        early.close()


def test_connections_of_a_process_and_of_what_it_starts_are_one_callers(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        words = [sys.executable, "-c", NESTED, NESTED, GREEDY, str(tmp_path / "s"), "1"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
            connection, _ = listener.accept()
            with connection:
                children = Path(f"/proc/{first.pid}/task/{first.pid}/children")
                if not children.exists():
                    pytest.skip("this system does not tell whose a connection is")
                assert caller(connection) == int(children.read_text())
            first.communicate(b"", timeout=20)


def test_the_caller_that_has_most_gives_way_and_never_for_its_own() -> None:
    pairs = [socket.socketpair() for _ in range(4)]
    ends = [one for one, _ in pairs]
    greedy = {ends[0]: 1, ends[1]: 2, ends[2]: 2, ends[3]: 2}
    assert who_gives_way(greedy, 3) is ends[1] and who_gives_way(greedy, 2) is None
    assert who_gives_way(greedy, 1) is None, "as good as even"
    assert who_gives_way({}, 1) is None and caller(ends[0]) == os.getpid()
    for pair in pairs:
        for end in pair:
            end.close()
