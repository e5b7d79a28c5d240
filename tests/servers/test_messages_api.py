"""The server of the tests itself, seen through the official SDK."""

from __future__ import annotations

import anthropic
import pytest

from tests.servers.faults import PASSING, Fault, Seen, always, at_rate, in_order
from tests.servers.messages_api import KEY, MODEL, MessagesServer, call, scripted, text, thinking

TOOL = {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}


def client(server: MessagesServer, **more: object) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=KEY, base_url=server.url, max_retries=0, timeout=5.0, **more)


def ask(server: MessagesServer, **more: object) -> anthropic.types.Message:
    asked: dict[str, object] = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]}
    return client(server).messages.create(**{**asked, **more})


def test_an_answer_is_the_same_as_json_and_as_a_stream() -> None:
    turn = [thinking("Where could it be?"), text("I look in two places."), call("look", path="a"), call("look")]
    with MessagesServer(scripted(turn)) as server:
        plain = ask(server, tools=[TOOL]).to_dict()
        with client(server).messages.stream(
            model=MODEL, max_tokens=100, tools=[TOOL], messages=[{"role": "user", "content": "hello"}]
        ) as stream:
            streamed = stream.get_final_message().to_dict()
    assert [block["type"] for block in plain["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert plain["stop_reason"] == "tool_use"
    assert plain["content"][2]["input"] == {"path": "a"}
    for message in (plain, streamed):
        for block in [message, *message["content"]]:
            block.pop("id", None)
            block.pop("signature", None)
    assert {key: plain[key] for key in plain} == {key: streamed[key] for key in plain}


def test_what_the_api_refuses_is_refused() -> None:
    with MessagesServer(scripted([text("fine")])) as server:
        with pytest.raises(anthropic.AuthenticationError):
            anthropic.Anthropic(api_key="sk-other", base_url=server.url, max_retries=0).models.list()
        with pytest.raises(anthropic.NotFoundError, match="claude-nothing"):
            ask(server, model="claude-nothing")
        with pytest.raises(anthropic.BadRequestError, match="temperature"):
            ask(server, extra_body={"temperature": 0.5})
        with pytest.raises(anthropic.BadRequestError, match="input_schema"):
            ask(server, tools=[{"name": "look", "description": "Looks.", "input_schema": {"type": "string"}}])
        forged = {"type": "thinking", "thinking": "forged", "signature": "none"}
        with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
            ask(
                server,
                messages=[
                    {"role": "user", "content": "a"},
                    {"role": "assistant", "content": [forged]},
                    {"role": "user", "content": "b"},
                ],
            )
        assert ask(server, extra_body={"temperature": 0.5}, extra_headers={"anthropic-version": "2023-06-01"})


def test_models_aliases_and_token_counts() -> None:
    with MessagesServer(scripted([text("fine")])) as server:
        assert client(server).models.retrieve(MODEL).id == "claude-haiku-4-5-20251001"
        assert "claude-haiku-4-5-20251001" in [model.id for model in client(server).models.list()]
        counted = client(server).messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "hello"}])
        assert counted.input_tokens == ask(server).usage.input_tokens


def test_the_cache_is_written_and_read_by_time_to_live() -> None:
    system = [
        {"type": "text", "text": "a" * 8_000, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "b" * 8_000, "cache_control": {"type": "ephemeral"}},
    ]
    with MessagesServer(scripted([text("fine")])) as server:
        first, second = ask(server, system=system).usage, ask(server, system=system).usage
    assert first.cache_creation is not None
    hour, minutes = first.cache_creation.ephemeral_1h_input_tokens, first.cache_creation.ephemeral_5m_input_tokens
    assert 2_000 < hour < 2_020 and 2_000 < minutes < 2_020
    assert (second.cache_read_input_tokens, second.cache_creation_input_tokens) == (hour + minutes, 0)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("rate_limit", anthropic.RateLimitError),
        ("overloaded", anthropic.OverloadedError),
        ("error", anthropic.InternalServerError),
        ("reset", anthropic.APIConnectionError),
    ],
)
def test_faults_come_when_they_are_planned(kind: str, error: type[Exception]) -> None:
    with MessagesServer(scripted([text("fine")]), plan=in_order(None, Fault(kind))) as server:
        assert ask(server)
        with pytest.raises(error):
            ask(server)
        assert ask(server)
        assert [got.seen.number for got in server.got] == [0, 1, 2]


def test_a_rate_is_kept_and_says_the_same_each_time() -> None:
    plan, again = at_rate(0.1, seed=3), at_rate(0.1, seed=3)
    seen = [Seen(number, f"{number}", 0) for number in range(3_000)]
    faults = [plan(each) for each in seen]
    assert faults == [again(each) for each in seen]
    assert 240 < sum(fault is not None for fault in faults) < 360
    assert {fault.kind for fault in faults if fault} == set(PASSING)


def test_a_server_closes_under_a_silent_client() -> None:
    silent = always(Fault("hang", seconds=600.0))
    with MessagesServer(plan=silent) as server, pytest.raises(anthropic.APITimeoutError):
        client(server).with_options(timeout=0.2).messages.create(
            model=MODEL, max_tokens=5, messages=[{"role": "user", "content": "hello"}]
        )
