"""Claude through the official SDK, against a server of ours that speaks the Messages API."""

from __future__ import annotations

import email.utils
import json
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from optimizer.errors import SettingsError
from optimizer.models.anthropic import AnthropicUpstream
from optimizer.models.attempt import ProviderSettings
from optimizer.models.base import Reply, UpstreamError
from optimizer.models.prices import load_prices
from search_space.messages import ModelError, Request
from tests.servers.faults import Fault, Plan, always, in_order
from tests.servers.messages_api import KEY, MODEL, Answering, MessagesServer, call, scripted, text, thinking

LOOK = {
    "name": "look",
    "description": "Looks at a place.",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
}
Serve = Callable[..., tuple[MessagesServer, AnthropicUpstream]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server and an upstream that asks it: ``serve(answer, plan=...)``."""
    servers = []

    def start(answer: Answering | None = None, *, plan: Plan | None = None, **more: Any) -> Any:
        server = MessagesServer(answer or scripted([text("fine")]), **({"plan": plan} if plan else {}))
        servers.append(server)
        return server, upstream(server, **more)

    yield start
    for server in servers:
        server.close()


def upstream(server: MessagesServer, *, key: str | None = KEY, **more: Any) -> AnthropicUpstream:
    settings = ProviderSettings(**{"model": MODEL, "base_url": server.url, **more})
    return AnthropicUpstream(settings, load_prices(), key=key)


def ask(text: str = "hello", **more: Any) -> Request:
    request: Any = {"model": "agent", "max_tokens": 200, "messages": [{"role": "user", "content": text}], **more}
    return request  # type: ignore[no-any-return]


def create(model: AnthropicUpstream, request: Request, *, within: float = 20.0) -> Reply:
    return model.create(request, seed=1, session="s", deadline=time.monotonic() + within)


def failure(model: AnthropicUpstream, *, within: float = 20.0) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        create(model, ask(), within=within)
    assert KEY not in str(caught.value)
    return caught.value


def test_the_request_goes_out_as_it_came_and_the_answer_comes_whole(serve: Serve) -> None:
    turn = [thinking("Where? ümläut \u2603"), text("Two places."), call("look", path="a/ü"), call("look", path="b")]
    server, model = serve(scripted([*turn, {"type": "redacted_thinking", "data": "c2VjcmV0+/=="}]))
    request = ask(
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        tools=[LOOK],
        tool_choice={"type": "auto", "disable_parallel_tool_use": False},
        thinking={"type": "enabled", "budget_tokens": 1024},
        a_field_of_tomorrow={"kept": [1, None, "ü"]},
    )
    reply = create(model, request)
    assert server.got[0].body == {**request, "model": MODEL, "stream": True}
    content: Any = reply.response["content"]
    assert [block["type"] for block in content] == ["thinking", "text", "tool_use", "tool_use", "redacted_thinking"]
    assert content[0]["thinking"] == "Where? ümläut \u2603" and content[0]["signature"].endswith("+/==")
    assert [block["input"] for block in content[2:4]] == [{"path": "a/ü"}, {"path": "b"}]
    assert content[4]["data"] == "c2VjcmV0+/=="
    assert (reply.response["stop_reason"], reply.response["model"]) == ("tool_use", "claude-haiku-4-5-20251001")
    assert reply.response["usage"] == server.billed[0]


def test_thinking_goes_back_byte_for_byte(serve: Serve) -> None:
    server, model = serve(scripted([thinking("First."), call("look", path="a")], [text("done")]))
    first: Any = create(model, ask(tools=[LOOK])).response["content"]
    result = {"type": "tool_result", "tool_use_id": first[1]["id"], "content": "nothing there"}
    messages = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": first},
        {"role": "user", "content": [result]},
    ]
    assert create(model, ask(tools=[LOOK], messages=messages)).response["stop_reason"] == "end_turn"
    assert server.got[1].body["messages"][1]["content"] == first


def test_sampling_parameters_are_asked_for_in_the_version_that_has_them(serve: Serve) -> None:
    server, model = serve()
    create(model, ask(temperature=0.0))
    create(model, ask())
    assert [got.headers["anthropic-version"] for got in server.got] == ["2023-06-01", "2026-10-21"]


def test_what_is_spent_is_what_the_server_billed_and_never_more_than_the_worst_case(serve: Serve) -> None:
    server, model = serve()
    marked = {"type": "text", "text": "Long. " * 1_000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    request = ask("hello", system=[marked])
    first, second = create(model, request).spend, create(model, request).spend
    usage = server.billed[0]
    assert usage["cache_creation"]["ephemeral_1h_input_tokens"] == first.cache_write_tokens > 1_024
    dollars = usage["input_tokens"] * 1.0 + first.cache_write_1h_tokens * 2.0 + usage["output_tokens"] * 5.0
    assert first.usd == pytest.approx(dollars / 1e6)
    assert second.cache_read_tokens == first.cache_write_tokens and second.cache_write_tokens == 0
    worst = model.worst_case(request)
    assert worst.tokens >= first.tokens and worst.usd >= first.usd > second.usd > 0


@pytest.mark.parametrize(
    ("fault", "status", "kind", "again"),
    [
        (Fault("rate_limit", retry_after="7"), 429, "rate_limit_error", True),
        (Fault("overloaded"), 529, "overloaded_error", True),
        (Fault("error"), 500, "api_error", True),
        (Fault("unauthorized"), 401, "authentication_error", False),
        (Fault("reset"), 502, "api_error", True),
        (Fault("reset_during"), 502, "api_error", True),
        (Fault("cut"), 502, "api_error", True),
        (Fault("early_end"), 502, "api_error", True),
        (Fault("garbage"), 502, "api_error", True),
        (Fault("content_type"), 502, "api_error", True),
        (Fault("error_event"), 529, "overloaded_error", True),
        (Fault("oversized"), 502, "api_error", False),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_each_fault_has_its_error_and_the_next_attempt_its_answer(
    serve: Serve, fault: Fault, status: int, kind: str, again: bool
) -> None:
    server, model = serve(plan=in_order(fault), max_answer_bytes=2**20)
    error = failure(model)
    assert (error.status, error.kind, error.again) == (status, kind, again)
    assert error.retry_after_s == (7.0 if kind == "rate_limit_error" else None)
    assert len(server.got) == 1, "one attempt a call"
    begun = fault.kind in ("reset_during", "cut", "early_end", "garbage", "error_event", "oversized")
    assert error.spend.output_tokens == (200 if begun else 0)
    assert error.spend.input_tokens == (server.billed[0]["input_tokens"] if begun else 0)
    assert (error.spend.usd > 0) == begun
    assert create(model, ask()).response["content"] == [text("fine")]


@pytest.mark.parametrize(("words", "seconds"), [("100000", 1e5), ("0", 0.0), ("soon", None), ("nan", None), ("", None)])
def test_what_retry_after_says(serve: Serve, words: str, seconds: float | None) -> None:
    _, model = serve(plan=always(Fault("rate_limit", retry_after=words)))
    assert failure(model).retry_after_s == seconds


def test_retry_after_may_be_a_date(serve: Serve) -> None:
    date = email.utils.formatdate(time.time() + 90, usegmt=True)
    _, model = serve(plan=always(Fault("rate_limit", retry_after=date)))
    assert 80 < (failure(model).retry_after_s or 0) <= 90


@pytest.mark.parametrize(
    "fault", [Fault("hang"), Fault("stall"), Fault("stall", events=0)], ids=["hang", "stall", "s0"]
)
def test_silence_is_noticed(serve: Serve, fault: Fault) -> None:
    _, model = serve(plan=always(fault), silence_timeout_s=0.3)
    began = time.monotonic()
    error = failure(model)
    assert (error.status, error.kind, error.again) == (504, "timeout_error", True)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("fault", [Fault("hang"), Fault("stall"), Fault("slow", seconds=0.02)], ids=lambda f: f.kind)
def test_the_deadline_holds_however_the_server_behaves(serve: Serve, fault: Fault) -> None:
    _, model = serve(plan=always(fault))
    began = time.monotonic()
    error = failure(model, within=0.5)
    assert (error.status, error.kind) == (504, "timeout_error")
    assert time.monotonic() - began < 2
    assert failure(model, within=-1.0).status == 504


def test_a_slow_answer_within_the_deadline_is_an_answer(serve: Serve) -> None:
    _, model = serve(plan=always(Fault("slow", seconds=0.0002)), silence_timeout_s=0.5)
    assert create(model, ask()).response["content"] == [text("fine")]


def test_a_tool_call_that_is_no_json_is_an_answer_that_says_so(serve: Serve) -> None:
    _, model = serve(scripted([call("look", path="a")]), plan=always(Fault("bad_tool_json")))
    block: Any = create(model, ask(tools=[LOOK])).response["content"][0]
    assert block["input"] == {"INVALID_JSON": '{"path"'}


def test_a_request_at_fault_is_no_failure_of_the_provider(serve: Serve) -> None:
    _, model = serve()
    for request, words in [
        (ask(max_tokens=10**6), "max_tokens"),
        (ask(tools=[{**LOOK, "input_schema": {"type": "string"}}]), "input_schema"),
        (ask("x" * 900_000), "prompt is too long"),
        (ask(tools=[{"type": "web_search_20250305", "name": "web_search"}]), "runs on our side"),
        (ask(speed="fast"), "other prices"),
    ]:
        with pytest.raises(ModelError, match=words) as caught:
            create(model, request)
        assert not isinstance(caught.value, UpstreamError) and caught.value.status == 400


def test_a_server_that_does_not_stream_is_understood(serve: Serve) -> None:
    class Plain(MessagesServer):
        def respond(self, got: Any) -> Any:
            body = {key: value for key, value in got.body.items() if key != "stream"}
            return super().respond(type(got)(**{**got.__dict__, "raw": json.dumps(body).encode()}))

    with Plain(scripted([text("fine")])) as server:
        assert create(upstream(server), ask()).response["content"] == [text("fine")]


def test_no_key_is_one_clear_line() -> None:
    model = AnthropicUpstream(ProviderSettings(MODEL), load_prices(), key=" ")
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY is not set") as caught:
        model.check()
    assert "embedded model needs none" in caught.value.hint


def test_what_is_wrong_is_said_before_a_campaign(serve: Serve) -> None:
    server, model = serve()
    model.check()
    assert server.got == [], "nothing that is billed"
    for more, words in [
        ({"key": "sk-wrong"}, "refused the key"),
        ({"model": "claude-haiku-4-4"}, "did you mean 'claude-haiku-4-5-20251001'"),
        ({"model": "claude-new", "dollars": True}, "no price is known for 'claude-new'"),
        ({"base_url": "http://127.0.0.1:9"}, "cannot be reached"),
    ]:
        with pytest.raises(SettingsError, match=words) as caught:
            upstream(server, **more).check()
        assert "sk-" not in str(caught.value) and KEY not in caught.value.hint
    upstream(server, model="claude-new").check()


def test_local_servers_need_no_key_and_no_models_route() -> None:
    with MessagesServer(scripted([text("fine")]), key=None, models={"llama": "llama"}, models_route=False) as server:
        model = upstream(server, key=None, model="llama")
        model.check()
        assert create(model, ask()).response["content"] == [text("fine")]
        assert server.got[0].headers["x-api-key"] == "none"


def test_an_alias_of_the_provider_finds_the_price_of_the_model_it_stands_for() -> None:
    models = {"our-model": "claude-haiku-4-5-20251001"}
    with MessagesServer(scripted([text("fine")]), models=models) as server:
        model = upstream(server, model="our-model", dollars=True)
        assert model.price is None
        model.check()
        assert model.price is not None and create(model, ask()).spend.usd > 0


def test_the_key_is_nowhere_to_be_seen(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for plan in (None, always(Fault("unauthorized")), always(Fault("reset"))):
            _, model = serve(plan=plan)
            for tell in (partial(create, model, ask()), model.check):
                try:
                    said = repr(tell())
                except (ModelError, SettingsError) as error:
                    assert error.__cause__ is None
                    said = f"{error!r} {error.__dict__}"
                assert KEY not in said
            assert KEY not in repr(model) + repr(model.settings)
    assert KEY not in caplog.text
    for odd in ("two words", "sk-\u201cquoted\u201d", "sk-a\nsk-b"):
        with pytest.raises(SettingsError, match="expected one word") as caught:
            AnthropicUpstream(ProviderSettings(MODEL), load_prices(), key=odd)
        assert odd not in str(caught.value)
