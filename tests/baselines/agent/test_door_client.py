"""The door's client against real HTTP servers on unix sockets."""

import json
import socket
import threading
import time

import pytest

from baselines.agent.door_client import DoorClient
from search_space.messages import ModelError
from tests.servers.unix_http import Handler, Server

REQUEST = {"model": "agent", "max_tokens": 10, "messages": [{"role": "user", "content": "grüße \udcff"}]}
ANSWER = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "agent",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
}


class Scripted(Handler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers["x-api-key"], json.loads(body), id(self.connection)))
        status, text, close = self.server.answer(len(self.server.seen))
        if status is None:
            self.close_connection = True
            return
        self.answer(status, text)
        self.close_connection = close


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(answer):
        server = Server(str(tmp_path / "door"), Scripted)
        server.seen, server.answer = [], answer
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def good(_):
    return 200, json.dumps(ANSWER).encode(), False


def test_requests_share_one_connection_and_carry_the_token(serve, tmp_path):
    server = serve(good)
    client = DoorClient(str(tmp_path / "door"), "token-1")
    assert client.create(REQUEST) == client.create(REQUEST) == ANSWER
    client.close()
    (path, token, body, first), (*_, second) = server.seen
    assert (path, token, first) == ("/v1/messages", "token-1", second)
    assert body["messages"][0]["content"] == "grüße ?"


def test_the_doors_errors_come_through(serve, tmp_path):
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long"}}
    serve(lambda n: (400, json.dumps(body).encode(), False) if n == 1 else good(n))
    client = DoorClient(str(tmp_path / "door"), "t")
    with pytest.raises(ModelError) as caught:
        client.create(REQUEST)
    assert (caught.value.status, caught.value.kind) == (400, "invalid_request_error")
    assert caught.value.message == "prompt is too long"
    assert client.create(REQUEST) == ANSWER


def test_a_connection_closed_while_idle_is_opened_again(serve, tmp_path):
    server = serve(lambda n: (200, json.dumps(ANSWER).encode(), True))
    client = DoorClient(str(tmp_path / "door"), "t")
    assert client.create(REQUEST) == client.create(REQUEST) == ANSWER
    assert len(server.seen) == 2


@pytest.mark.parametrize("answer", [(200, b"no json", False), (200, b"{}", False), (500, b"oops", False)])
def test_an_answer_that_is_no_message_is_an_error(serve, tmp_path, answer):
    serve(lambda n: answer)
    with pytest.raises(ModelError) as caught:
        DoorClient(str(tmp_path / "door"), "t").create(REQUEST)
    assert caught.value.status == 502


def test_a_door_that_hangs_up_is_an_error(serve, tmp_path):
    server = serve(lambda n: (None, b"", True))
    with pytest.raises(ModelError) as caught:
        DoorClient(str(tmp_path / "door"), "t").create(REQUEST)
    assert caught.value.status == 503
    assert len(server.seen) == 1


def test_no_door_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="cannot reach the model door") as caught:
        DoorClient(str(tmp_path / "none"), "t").create(REQUEST)
    assert caught.value.status == 503


def test_a_silent_door_is_given_up(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "door"))
        listener.listen()
        begun = time.monotonic()
        with pytest.raises(ModelError) as caught:
            DoorClient(str(tmp_path / "door"), "t", timeout_s=0.2).create(REQUEST)
        assert caught.value.status == 504
        assert time.monotonic() - begun < 5


def test_a_full_queue_is_waited_for_until_time_is_up(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "door"))
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(str(tmp_path / "door"))  # nobody takes it: the queue is full from here on
            with pytest.raises(ModelError, match=r"504 timeout_error: .*did not answer in 0.3 s"):
                DoorClient(str(tmp_path / "door"), "t", timeout_s=0.3).create(REQUEST)

            def serve():
                time.sleep(0.2)
                listener.accept()[0].close()
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    body = json.dumps(ANSWER).encode()
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

            threading.Thread(target=serve, daemon=True).start()
            assert DoorClient(str(tmp_path / "door"), "t", timeout_s=60).create(REQUEST)["stop_reason"] == "end_turn"
