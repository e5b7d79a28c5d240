"""The relay: from a rollout's unix socket to real MCP servers over HTTP on loopback, well-behaved and not."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from baselines.agent.mcp import Relay as AgentRelay
from baselines.agent.mcp import mcp_tools
from baselines.agent.mcp.connection import McpFailed
from optimizer.errors import SettingsError
from optimizer.models.door import Door
from optimizer.models.mcp_target import Target, check_targets
from optimizer.models.relay import Relay
from optimizer.models.server import DoorServer
from search_space.harness import harness_from_files
from search_space.tools import ToolError
from tests.optimizer.models.doubles import Books, Scripted, answer
from tests.servers.over_http import over_http

KEY = {"authorization": "Bearer k-1"}


class Odd(http.server.BaseHTTPRequestHandler):
    """An HTTP server that remembers what it was sent, and answers by the path it is asked at."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]]
    ended: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        getattr(self, self.path.strip("/").replace("-", "_"))()

    do_GET = do_DELETE = do_POST

    def fine(self) -> None:
        self._whole(200, b'{"jsonrpc": "2.0", "id": 1, "result": {}}', ("mcp-session-id", "s-9"), ("set-cookie", "c=1"))

    def accepted(self) -> None:
        self._whole(202, b"")

    def refused(self) -> None:
        self._whole(401, b"no such key")

    def busy(self) -> None:
        self._whole(503, b"busy")

    def moved(self) -> None:
        self._whole(307, b"", ("location", "http://127.0.0.1:9/elsewhere"))

    def half(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True

    def slow(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "8")
        self.end_headers()
        for _ in range(8):
            time.sleep(0.1)
            self.wfile.write(b"x")
            self.wfile.flush()

    def forever(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: one\n\n")
        self.wfile.flush()
        self.connection.settimeout(20)
        self.ended.append(self.connection.recv(1))
        self.close_connection = True

    def too_much(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(8):
                self.wfile.write(b"x" * 2**20)
        except OSError:
            pass
        self.close_connection = True

    def _whole(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def odd() -> Iterator[tuple[str, type[Odd]]]:
    handler = type("OddHere", (Odd,), {"seen": [], "ended": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()


@pytest.fixture
def opened(tmp_path: Path, odd: tuple[str, type[Odd]]) -> Iterator[tuple[Door, Path, type[Odd]]]:
    """A door whose relay knows a server for every way of being odd, one that is not there, and no other."""
    url, handler = odd
    ways = ("fine", "accepted", "refused", "busy", "moved", "half", "slow", "forever", "too-much")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
        targets = {way: Target(f"{url}/{way}", KEY) for way in ways}
        targets["down"] = Target(f"http://127.0.0.1:{taken.getsockname()[1]}/", KEY)
        door = Door({"agent": Scripted(answer)}, Books())
        handler.seen.clear()
        with (
            closing(Relay(targets, door)) as relay,
            DoorServer(door, tmp_path / "door", relay=relay) as server,
        ):
            yield door, server.path or Path(), handler


def send(path: Path, method: str, target: str, *headers: str, body: bytes = b"", stop: bytes = b"") -> bytes:
    """What comes back on a connection of its own, until it closes or ``stop`` was seen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(15.0)
        client.connect(str(path))
        head = [f"{method} {target} HTTP/1.1", f"content-length: {len(body)}", *headers]
        client.sendall("\r\n".join([*head, "", ""]).encode() + body)
        received = bytearray()
        while chunk := client.recv(65536):
            received += chunk
            if stop and stop in received:
                break
        return bytes(received)


def test_what_goes_there_and_back(opened: tuple[Door, Path, type[Odd]]) -> None:
    door, path, odd = opened
    token = door.open("s", 0, time.monotonic() + 30)
    headers = (
        f"x-api-key: {token}",
        "mcp-session-id: s-9",
        "content-type: application/json",
        "cookie: mine",
        "authorization: Bearer stolen",
        "connection: close",
    )
    text = send(path, "POST", "/mcp/fine?x=1", *headers, body=b'{"a": 1}').decode()
    assert text.startswith("HTTP/1.1 200 OK\r\n")
    assert "mcp-session-id: s-9\r\n" in text
    assert "set-cookie" not in text
    assert '{"jsonrpc": "2.0", "id": 1, "result": {}}' in text
    ((method, where, got, body),) = odd.seen
    assert (method, where, body) == ("POST", "/fine", b'{"a": 1}')
    assert got["authorization"] == "Bearer k-1"
    assert got["mcp-session-id"] == "s-9"
    assert token not in str(got)
    assert "cookie" not in got
    assert door.close(token).failure is None


def test_only_for_a_rollout_that_runs_only_known_servers_only_the_protocols_methods(
    opened: tuple[Door, Path, type[Odd]],
) -> None:
    door, path, odd = opened
    token, late = door.open("s", 0, time.monotonic() + 30), door.open("t", 0, time.monotonic() - 1)
    closed = door.open("u", 0, time.monotonic() + 30)
    door.close(closed)
    for method, target, key, status, words in [
        ("POST", "/mcp/fine", "nobody", 401, "unknown or closed token"),
        ("POST", "/mcp/fine", closed, 401, "unknown or closed token"),
        ("POST", "/mcp/fine", late, 504, "deadline has passed"),
        ("POST", "/mcp/other", token, 404, "got the MCP server 'other', expected one of: accepted, busy, down, fine"),
        ("POST", "/mcp/fine/more", token, 404, "got the MCP server 'fine/more'"),
        ("PUT", "/mcp/fine", token, 405, "got PUT, expected POST, GET, DELETE"),
    ]:
        text = send(path, method, target, f"x-api-key: {key}", "connection: close").decode()
        assert text.startswith(f"HTTP/1.1 {status} ")
        assert words in json.loads(text.partition("\r\n\r\n")[2])["error"]["message"]
    assert odd.seen == []


def test_a_server_that_fails_spoils_the_measurement_and_a_refused_key_says_where_it_comes_from(
    opened: tuple[Door, Path, type[Odd]],
) -> None:
    door, path, _ = opened
    for name, status, again, words in [
        ("down", 502, True, "mcp.down: ConnectError"),
        ("busy", 503, True, "mcp.busy: the server answered 503"),
        ("refused", 401, False, "see mcp.refused.headers_from_env in experiment.toml"),
    ]:
        token = door.open("s", 0, time.monotonic() + 30)
        text = send(path, "POST", f"/mcp/{name}", f"x-api-key: {token}", "connection: close")
        assert text.startswith(b"HTTP/1.1 %d " % status)
        failure = door.close(token).failure
        assert failure is not None
        assert failure.again is again
        assert words in failure.message
        assert "k-1" not in str(failure)


@pytest.mark.parametrize("name", ["half", "too-much"])
def test_an_answer_that_is_not_whole_ends_the_connection(
    opened: tuple[Door, Path, type[Odd]], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.models.relay.MAX_ANSWER_BYTES", 2**20)
    door, path, _ = opened
    token = door.open("s", 0, time.monotonic() + 30)
    text = send(path, "POST", f"/mcp/{name}", f"x-api-key: {token}")
    assert text.startswith(b"HTTP/1.1 200 ")
    assert not text.endswith(b"\r\n0\r\n\r\n")
    assert len(text) < 2**20 + 2**16


def test_redirects_are_told_not_followed_with_a_key(opened: tuple[Door, Path, type[Odd]]) -> None:
    door, path, odd = opened
    token = door.open("s", 0, time.monotonic() + 30)
    text = send(path, "POST", "/mcp/moved", f"x-api-key: {token}", "connection: close")
    assert text.startswith(b"HTTP/1.1 307 ")
    assert len(odd.seen) == 1


@pytest.mark.parametrize("how", ["the rollout hangs up", "its token is closed"])
def test_a_stream_without_end_ends_with_the_rollout(opened: tuple[Door, Path, type[Odd]], how: str) -> None:
    door, path, odd = opened
    token = door.open("s", 0, time.monotonic() + 60)
    odd.ended.clear()
    begun = time.monotonic()
    if how == "the rollout hangs up":
        assert b"data: one" in send(path, "GET", "/mcp/forever", f"x-api-key: {token}", stop=b"data: one")
    else:
        threading.Timer(0.3, lambda: door.close(token)).start()
        assert b"data: one" in send(path, "GET", "/mcp/forever", f"x-api-key: {token}")
    while not odd.ended:
        assert time.monotonic() - begun < 10.0
        time.sleep(0.01)
    assert odd.ended == [b""]


def test_who_hangs_up_after_a_whole_answer_cuts_nobody_elses(opened: tuple[Door, Path, type[Odd]]) -> None:
    door, path, _ = opened
    token = door.open("s", 0, time.monotonic() + 60)
    others: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as first:
        first.settimeout(15.0)
        first.connect(str(path))
        first.sendall(f"POST /mcp/slow HTTP/1.1\r\nx-api-key: {token}\r\n\r\n".encode())
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            received += first.recv(65536)
        again = ("POST", "/mcp/slow", f"x-api-key: {token}", "connection: close")
        second = threading.Thread(target=lambda: others.append(send(path, *again)))
        second.start()
        time.sleep(0.3)
    second.join()
    assert others[0].endswith(b"0\r\n\r\n")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MCP server over HTTP; its address."""
    with over_http(tmp_path_factory.mktemp("shelf")) as (address, _):
        yield address


def test_the_agent_uses_a_server_through_the_door(tmp_path: Path, shelf: str) -> None:
    door = Door({"agent": Scripted(answer)}, Books())
    text = 'name = "h"\n[mcp.shelf]\nurl = "http://nowhere.example/mcp"\ntimeout_s = 5.0\n'
    harness = harness_from_files({"harness.toml": text.encode(), "prompts/system.md": b"x"})
    with (
        closing(Relay({"shelf": Target(shelf)}, door)) as relay,
        DoorServer(door, tmp_path / "door", relay=relay) as server,
    ):
        token = door.open("s", 0, time.monotonic() + 30)
        way = AgentRelay(str(server.path), token, frozenset({"shelf"}))
        with mcp_tools(harness, tmp_path, tmp_path, way, lambda record: None) as mcp:
            tools = {tool.name: tool for tool in mcp.tools}
            assert tools["shelf__add"].run({"a": 2, "b": 40}) == "42"
            assert "noted" in tools["shelf__note"].run({"text": "x"})
            door.close(token)
            with pytest.raises(ToolError, match="the MCP server shelf"):
                tools["shelf__add"].run({"a": 2, "b": 40})
        with pytest.raises(McpFailed, match=r"no network, and the experiment relays no such server; expected \[mcp"):
            other = AgentRelay(str(server.path), token, frozenset())
            mcp_tools(harness, tmp_path, tmp_path, other, lambda record: None).__enter__()


def test_servers_are_looked_at_before_a_campaign(odd: tuple[str, type[Odd]], shelf: str) -> None:
    url, _ = odd
    check_targets({"a": Target(shelf), "b": Target(f"{url}/fine"), "c": Target(f"{url}/accepted")})
    for way, words in [
        ("refused", r"mcp\.x: .*/refused answered 401: it does not take"),
        ("busy", r"mcp\.x\.url: .* answered 503, expected an MCP server"),
        ("moved", r"mcp\.x\.url: .* answered 307"),
    ]:
        with pytest.raises(SettingsError, match=words):
            check_targets({"x": Target(f"{url}/{way}", KEY)})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(SettingsError, match=r"mcp\.x\.url: .* cannot be reached: ConnectError"):
            check_targets({"x": Target(f"http://127.0.0.1:{taken.getsockname()[1]}/mcp")})
