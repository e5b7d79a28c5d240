"""Whether an upstream is well is asked with a request that no rollout has a hand in."""

from __future__ import annotations

import http.server
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from optimizer.models.base import UpstreamError
from optimizer.models.door import Door
from optimizer.models.exchanges import Exchanges
from optimizer.models.mcp_target import Target
from optimizer.models.recorded import RecordedUpstream, RecordingUpstream
from optimizer.models.relay import Relay
from optimizer.models.server import DoorServer
from optimizer.records import Spend
from search_space.messages import Request, Response
from tests.optimizer.models.doubles import ONCE, Books, Scripted, answer, ask

FOREVER = float("inf")


def touchy(request: Request) -> Response:
    """A provider that says what a request made it say, as one that repeats a bad field does."""
    if "poison" in str(request["messages"]):
        raise UpstreamError(404, "not_found_error", "no such file", again=False)
    return answer(request)


def refusing(request: Request) -> Response:
    raise UpstreamError(401, "authentication_error", "invalid key", again=False)


def failure_of(door: Door, text: str) -> UpstreamError:
    token = door.open("s", 0, FOREVER)
    with pytest.raises(UpstreamError):
        door.create(token, ask(text))
    failure = door.close(token).failure
    assert failure is not None
    return failure


def test_an_upstream_that_fails_one_request_only_is_well() -> None:
    upstream, books = Scripted(touchy), Books()
    door = Door({"agent": upstream}, books, retries=ONCE)
    error = failure_of(door, "poison")
    found = door.probe(error)
    assert found.failure is None and found.spend.calls == 1 and books.spent == found.spend and not books.open
    assert door.trouble().failing_s == 0.0
    assert door.probe(error).spend == Spend(), "it has answered since: nothing is asked"


def test_an_upstream_that_refuses_the_key_is_not_well_whoever_asks() -> None:
    door = Door({"agent": Scripted(refusing)}, Books(), retries=ONCE)
    found = door.probe(failure_of(door, "poison"))
    assert found.failure is not None and found.failure.status == 401


def test_a_budget_that_does_not_cover_the_question_leaves_it_open() -> None:
    books = Books(limit=100)
    door = Door({"agent": Scripted(touchy)}, books, retries=ONCE)
    error = failure_of(door, "poison")
    books.reserve(Spend(input_tokens=50))
    assert door.probe(error).failure is error


def test_probes_are_not_recorded(tmp_path: Path) -> None:
    """A recording answers for what its rollouts asked, and for nothing else."""
    recording = RecordingUpstream(Scripted(touchy), tmp_path / "r.db")
    door = Door({"agent": recording}, Books(), retries=ONCE)
    assert door.probe(failure_of(door, "poison")).failure is None
    recording.close()
    exchanges = Exchanges(tmp_path / "r.db", write=False)
    assert exchanges.sessions() == 0
    exchanges.close()
    replay = RecordedUpstream(tmp_path / "r.db")
    door = Door({"agent": replay}, Books(), retries=ONCE)
    assert door.probe(failure_of(door, "fine")).failure is not None
    replay.close()


class Touchy(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(403 if b"poison" in body or self.server.closed else 200)  # type: ignore[attr-defined]
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_a_server_that_refuses_what_a_rollout_sends_is_asked_without_it(tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Touchy) as server:
        server.closed = False  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        door = Door({"agent": Scripted(answer)}, Books())
        relay = Relay({"t": Target(f"http://127.0.0.1:{server.server_port}/mcp")}, door)
        with DoorServer(door, tmp_path / "door", relay=relay), socket.socket(socket.AF_UNIX) as client:
            token = door.open("s", 0, FOREVER)
            client.connect(str(tmp_path / "door"))
            client.sendall(b"POST /mcp/t HTTP/1.1\r\nx-api-key: %s\r\ncontent-length: 6\r\n\r\npoison" % token.encode())
            assert client.recv(100).startswith(b"HTTP/1.1 403")
            failure = door.close(token).failure
        assert failure is not None and door.probe(failure).failure is None
        server.closed = True  # type: ignore[attr-defined]
        assert door.probe(failure).failure is failure
        relay.close()
        server.shutdown()
