from __future__ import annotations

import json
import re
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.agent.door_client import DoorClient
from optimizer.errors import SandboxError
from optimizer.models.door import Door
from optimizer.models.http1 import MAX_BODY_BYTES
from optimizer.models.server import DoorServer
from search_space.messages import ModelError
from tests.optimizer.models.doubles import ONCE, Books, Scripted, answer, ask, crash, refuse

Served = tuple[DoorServer, str]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    door = Door({"agent": Scripted(answer), "busy": Scripted(refuse), "broken": Scripted(crash)}, Books(), retries=ONCE)
    with DoorServer(door, tmp_path / "door.sock") as server:
        yield server, door.open("s", 0, float("inf"), None)


def talk(path: Path, data: bytes, *, end: bool = False) -> bytes:
    """Everything the server says to ``data`` until it closes the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10.0)
        client.connect(str(path))
        try:
            client.sendall(data)
            if end:
                client.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass
        received = b""
        while chunk := client.recv(65536):
            received += chunk
        return received


def post(body: bytes, *headers: str, token: str = "", last: bool = True) -> bytes:
    lines = [
        "POST /v1/messages HTTP/1.1",
        "Host: door",
        f"X-API-Key: {token}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, *(["Connection: close"] if last else []), "", ""]).encode() + body


def read(answered: bytes) -> tuple[int, Any]:
    head, _, body = answered.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_the_agents_client_gets_its_answer_over_one_connection(served: Served) -> None:
    server, token = served
    client = DoorClient(str(server.path), token)
    for _ in range(3):
        assert client.create(ask())["content"] == [{"type": "text", "text": "fine"}]
    assert len(server._connections) == 1
    client.close()


@pytest.mark.parametrize(("model", "status", "kind"), [("busy", 529, "overloaded_error"), ("broken", 500, "api_error")])
def test_errors_have_the_apis_shape(served: Served, model: str, status: int, kind: str) -> None:
    server, token = served
    got, body = read(talk(server.path, post(json.dumps(ask(model=model)).encode(), token=token)))
    assert (got, body["type"], body["error"]["type"]) == (status, "error", kind)
    with pytest.raises(ModelError):
        DoorClient(str(server.path), token).create(ask(model=model))


def test_an_unknown_token_is_401(served: Served) -> None:
    status, body = read(talk(served[0].path, post(json.dumps(ask()).encode(), token="other")))
    assert (status, body["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /v1/messages HTTP/2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon here\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: -5\r\n\r\n", 400),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: many\r\n\r\n", 400),
        (b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 411),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), 413),
        (b"GET /health HTTP/1.1\r\nx: " + b"y" * 40_000, 431),
        (b"\xff\xfe\x00\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nconnection: close\r\n\r\n", 200),
        (b"GET /health HTTP/1.0\r\n\r\n", 200),
        (b"GET /nothing HTTP/1.1\r\nconnection: close\r\n\r\n", 404),
        (b"DELETE /v1/messages HTTP/1.1\r\nconnection: close\r\n\r\n", 404),
        (post(b"{not json"), 400),
        (post(b"\xff\xff"), 400),
        (post(b"[" * 100_000), 400),
        (post(b""), 400),
    ],
)
def test_bad_input_is_answered_and_the_server_lives_on(served: Served, data: bytes, status: int) -> None:
    server, token = served
    assert read(talk(server.path, data))[0] == status
    assert DoorClient(str(server.path), token).create(ask())["type"] == "message"


def test_a_cut_off_request_is_answered_or_dropped(served: Served) -> None:
    server, token = served
    assert read(talk(server.path, b"POST /v1/messages HTTP/1.1\r\n", end=True))[0] == 400
    assert read(talk(server.path, post(b"{}", "X: y", token=token).replace(b": 2\r", b": 99\r"), end=True))[0] == 400
    assert talk(server.path, b"", end=True) == b""
    assert DoorClient(str(server.path), token).create(ask())["type"] == "message"


def test_several_requests_in_one_packet_are_answered_in_order(served: Served) -> None:
    server, token = served
    body = json.dumps(ask()).encode()
    said = talk(
        server.path,
        post(body, token=token, last=False) + post(b"{}", token=token, last=False) + post(body, token=token),
    )
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"400", b"200"]


def test_a_client_that_waits_for_leave_gets_it(served: Served) -> None:
    server, token = served
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10.0)
        client.connect(str(server.path))
        body = json.dumps(ask()).encode()
        head, _, _ = post(body, "Expect: 100-continue", token=token).partition(b"\r\n\r\n")
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")


def test_text_of_every_kind_survives(served: Served) -> None:
    server, token = served
    client = DoorClient(str(server.path), token)
    for text in ("naïve 日本", "\ud800 alone", "a\u2028b\x00c", "x" * 2_000_000):
        assert client.create(ask(text))["type"] == "message"


def test_many_connections_at_once(served: Served) -> None:
    server, token = served
    failures: list[BaseException] = []

    def work() -> None:
        try:
            client = DoorClient(str(server.path), token)
            for _ in range(20):
                client.create(ask())
            client.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_only_the_owner_may_use_the_socket_and_it_is_removed(tmp_path: Path) -> None:
    door = Door({}, Books())
    path = tmp_path / "door.sock"
    server = DoorServer(door, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    server.close()
    server.close()
    assert not path.exists()
    with pytest.raises(ModelError, match="cannot reach"):
        DoorClient(str(path), "t").create(ask())


def test_a_socket_left_behind_is_replaced_and_other_files_are_not(tmp_path: Path) -> None:
    path = tmp_path / "door.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    with DoorServer(Door({}, Books()), path):
        pass
    path.write_text("mine")
    with pytest.raises(SandboxError, match=r"door\.sock"):
        DoorServer(Door({}, Books()), path)
    assert path.read_text() == "mine"


def test_a_path_too_long_for_a_socket_is_explained(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    with pytest.raises(SandboxError) as error:
        DoorServer(Door({}, Books()), folder / "door.sock")
    assert "shorter path" in error.value.hint


def test_close_ends_open_connections(tmp_path: Path) -> None:
    door = Door({"agent": Scripted(answer)}, Books())
    token = door.open("s", 0, float("inf"), None)
    server = DoorServer(door, tmp_path / "door.sock")
    client = DoorClient(str(server.path), token)
    client.create(ask())
    server.close()
    with pytest.raises(ModelError, match="cannot reach"):
        client.create(ask())
