"""The door on loopback, as the official SDK and a plain socket see it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest

from optimizer.models import server as serving
from optimizer.models.base import UpstreamError
from optimizer.models.door import Door
from optimizer.models.embedded import EmbeddedModel
from optimizer.models.server import DoorServer
from optimizer.models.streaming import events
from optimizer.records import Spend
from search_space.messages import Request, Response
from tests.bench.door import figures, streams
from tests.optimizer.models.doubles import ONCE, Books, Scripted, answer, ask

BLOCKS: list[Any] = [
    {"type": "thinking", "thinking": "hm " * 400, "signature": "c2lnbmVk"},
    {"type": "redacted_thinking", "data": "c2VjcmV0"},
    {"type": "text", "text": "naïve 日本 😀 " + "word " * 500},
    {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"path": "a/" * 400, "deep": [{"é": None}, 1.5]}},
    {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
]


def many(request: Request) -> Response:
    return {**answer(request), "content": BLOCKS, "stop_reason": "tool_use"}


HTTP = anthropic.DefaultHttpxClient(verify=False, timeout=30.0)
"""One for all: certificates, which nothing here needs, take longer to load than all else together."""


class Rig:
    """A door on loopback; what it was asked is in ``asked``."""

    def __init__(self, act: Callable[[Request], Response], **how: Any) -> None:
        self.asked: list[Any] = []
        self.books = Books()

        def noted(request: Request) -> Response:
            self.asked.append(request)
            return act(request)

        self.door = Door({"agent": Scripted(noted)}, self.books, default="agent", retries=ONCE)
        self.server = DoorServer(self.door, None, **how)
        self.token = self.door.open("s", 0, float("inf"))

    def client(self, **how: Any) -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.server.url, http_client=HTTP, **({"api_key": self.token} | how))


@pytest.fixture
def rig() -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def make(act: Callable[[Request], Response] = many, **how: Any) -> Rig:
        made.append(Rig(act, **how))
        return made[-1]

    yield make
    for one in made:
        one.server.close()


def said(message: Any) -> Any:
    return message.model_dump(mode="json", exclude_none=True)


HELLO: Any = {"model": "claude-any", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}


def test_a_streamed_answer_is_the_answer(rig: Callable[..., Rig]) -> None:
    made = rig()
    client = made.client()
    with client.messages.stream(**HELLO) as stream:
        streamed = stream.get_final_message()
    plain = client.messages.create(**HELLO)
    assert said(streamed) == said(plain) and [said(block) for block in plain.content] == BLOCKS
    assert made.asked == [HELLO, HELLO]  # how the client wants it sent is between the client and the door
    assert made.door.close(made.token).spend == made.books.spent == Spend(calls=2, input_tokens=16, output_tokens=4)


def test_events_come_in_the_documented_order() -> None:
    kinds = [event.split(b"\n")[0].removeprefix(b"event: ").decode() for event in events(many(ask()))]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    blocks = " ".join(kinds[1:-2]).split("content_block_start")[1:]
    assert len(blocks) == len(BLOCKS)
    assert all(set(block.split()[:-1]) <= {"content_block_delta"} for block in blocks)
    assert all(block.split()[-1] == "content_block_stop" for block in blocks)
    parsed = [json.loads(event.split(b"\ndata: ")[1]) for event in events(many(ask()))]
    assert parsed[0]["message"]["content"] == [] and parsed[0]["message"]["stop_reason"] is None
    assert (parsed[0]["message"]["usage"]["output_tokens"], parsed[-2]["usage"]["output_tokens"]) == (0, 2)
    assert parsed[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_client_that_waits_is_pinged_and_then_answered(rig: Callable[..., Rig]) -> None:
    def slow(request: Request) -> Response:
        time.sleep(0.3)
        return many(request)

    made = rig(slow, ping_every_s=0.05)
    body = {**HELLO, "stream": True}
    with HTTP.stream("POST", f"{made.server.url}/v1/messages", json=body, headers={"x-api-key": made.token}) as got:
        assert got.status_code == 200 and got.headers["content-type"] == "text/event-stream"
        lines = [line for line in got.iter_lines() if line.startswith("event: ")]
    pings = lines.index("event: message_start")
    assert pings >= 1 and set(lines[:pings]) == {"event: ping"} and lines[-1] == "event: message_stop"
    with made.client().messages.stream(**HELLO) as stream:
        assert [said(block) for block in stream.get_final_message().content] == BLOCKS


def test_what_fails_before_the_stream_begins_is_an_ordinary_error(rig: Callable[..., Rig]) -> None:
    def refuse(request: Request) -> Response:
        raise UpstreamError(529, "overloaded_error", "busy", again=True)

    made = rig(refuse)
    with pytest.raises(anthropic.APIStatusError) as error:
        made.client().messages.create(**HELLO, stream=True)
    assert error.value.status_code == 529
    assert len(made.asked) == 1  # the SDK is told not to try again what the door has tried


def test_what_fails_later_is_an_error_event(rig: Callable[..., Rig]) -> None:
    def late(request: Request) -> Response:
        time.sleep(0.3)
        raise UpstreamError(529, "overloaded_error", "busy", again=True)

    made = rig(late, ping_every_s=0.05)
    with pytest.raises(anthropic.APIStatusError, match="busy"), made.client().messages.stream(**HELLO) as stream:
        stream.get_final_message()


def test_the_token_may_be_a_bearer_and_an_unknown_one_is_refused(rig: Callable[..., Rig]) -> None:
    made = rig()
    assert made.client(api_key=None, auth_token=made.token).messages.create(**HELLO).type == "message"
    for path, body in (("/v1/messages", HELLO), ("/v1/messages/count_tokens", HELLO), ("/v1/models", None)):
        method = "GET" if body is None else "POST"
        got = HTTP.request(method, made.server.url + path, json=body, headers={"x-api-key": "other"})
        assert got.status_code == 401


def test_what_a_harness_may_ask_beside_messages(rig: Callable[..., Rig]) -> None:
    made = rig()
    client = made.client()
    assert [model.id for model in client.models.list()] == ["agent"]
    assert client.models.retrieve("claude-any").id == "claude-any"
    counted = client.messages.count_tokens(model="claude-any", messages=[{"role": "user", "content": "x" * 4000}])
    assert 1000 <= counted.input_tokens <= 1020 and not made.asked and made.books.spent == Spend()
    looked = [HTTP.head(made.server.url + path) for path in ("/health", "/", "/health")]
    assert [got.status_code for got in looked] == [200, 404, 200] and not any(got.content for got in looked)


def test_what_the_door_does_not_know_passes_unchanged(rig: Callable[..., Rig]) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "title": "t"}
    call = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
    request: Any = {
        **HELLO,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "made_up": {"deep": [1, None]},
        "tools": [{"type": "bash_20250124", "name": "bash"}, {"name": "look", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": [image, document, {"type": "text", "text": "what is it?"}]},
            {"role": "assistant", "content": [*BLOCKS[:2], call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [image]}]},
            {"role": "assistant", "content": [{"type": "brand_new", "x": 1}]},
            {"role": "user", "content": "go on"},
        ],
    }
    made = rig()
    got = HTTP.post(f"{made.server.url}/v1/messages", json=request, headers={"x-api-key": made.token})
    assert got.status_code == 200 and made.asked == [request]


def test_an_answer_over_the_size_limit_is_a_clear_error(
    rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MAX_ANSWER_BYTES", 1000)
    made = rig()
    for streamed in (False, True):
        with pytest.raises(anthropic.APIStatusError, match="expected at most 1,000") as error:
            made.client().messages.create(**HELLO, stream=streamed)
        assert error.value.status_code == 502
    assert made.books.spent.calls == 2


def test_a_client_that_leaves_while_it_waits_does_no_harm(rig: Callable[..., Rig]) -> None:
    leave = threading.Event()

    def slow(request: Request) -> Response:
        leave.wait(5.0)
        return many(request)

    made = rig(slow, ping_every_s=0.02)
    body = json.dumps({**HELLO, "stream": True}).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nx-api-key: {made.token}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    host, port = made.server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as gone:
        gone.sendall(head + body)
        assert gone.recv(10)
    time.sleep(0.1)
    leave.set()
    assert made.client().messages.create(**HELLO).type == "message"
    assert made.door.close(made.token, wait_s=5.0).spend.calls == 2 and not made.books.open


def test_the_embedded_model_takes_what_other_harnesses_send() -> None:
    door = Door({"agent": EmbeddedModel()}, Books(), default="agent")
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    request: Any = {
        "model": "claude-any",
        "max_tokens": 100,
        "system": [],
        "tools": [{"type": "bash_20250124", "name": "bash"}, {"name": "look", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": [image, {"type": "text", "text": "what is it?"}]},
            {"role": "assistant", "content": [*BLOCKS[:2], BLOCKS[4]]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_2"}]},
        ],
    }
    assert door.create(door.open("s", 0, float("inf")), request)["content"]


def test_two_hundred_streams_at_once_lose_and_double_nothing() -> None:
    counted = streams(200, 2, delay_s=0.05)
    counted.pop("seconds")
    assert len(counted) == 4 and len({figures(one) for one in counted.values()}) == 1, counted
    assert counted["clients"].calls == 400 and counted["clients"].cache_read_tokens > 0
