"""OpenAI-compatible servers: the Messages API in their words and back, the same errors, the same deadlines."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from optimizer.errors import SettingsError
from optimizer.models.accumulating import BrokenStream
from optimizer.models.attempt import ProviderSettings
from optimizer.models.base import Reply, UpstreamError
from optimizer.models.chat import chat_request, message_of
from optimizer.models.openai import OpenAIUpstream
from optimizer.models.prices import load_prices
from search_space.messages import ModelError, Request
from tests.servers.chat_api import KEY, MODEL, ChatServer
from tests.servers.faults import Fault, always, in_order

LOOK = {
    "name": "look",
    "description": "Looks at a place.",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
}
FINE = [{"type": "text", "text": "fine"}]


def ask(**more: Any) -> Request:
    request: Any = {"model": "agent", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}], **more}
    return request  # type: ignore[no-any-return]


def upstream(server: ChatServer, *, key: str | None = KEY, **more: Any) -> OpenAIUpstream:
    return OpenAIUpstream(ProviderSettings(**{"model": MODEL, "base_url": server.url, **more}), load_prices(), key=key)


def create(model: OpenAIUpstream, request: Request, *, within: float = 20.0) -> Reply:
    return model.create(request, seed=1, session="s", deadline=time.monotonic() + within)


def test_a_conversation_with_tools_in_their_words() -> None:
    request = ask(
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        tools=[LOOK],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        stop_sequences=["END"],
        temperature=0.5,
        messages=[
            {"role": "user", "content": "Where?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "secret", "signature": "s"},
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "a", "name": "look", "input": {"path": "ü"}},
                    {"type": "tool_use", "id": "b", "name": "look", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "here"}]},
                    {"type": "tool_result", "tool_use_id": "b", "content": "no path", "is_error": True},
                    {"type": "text", "text": "Go on."},
                ],
            },
        ],
    )
    calls = [
        {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"path": "ü"}'}},
        {"id": "b", "type": "function", "function": {"name": "look", "arguments": "{}"}},
    ]
    function = {"name": "look", "description": LOOK["description"], "parameters": LOOK["input_schema"]}
    assert chat_request(request, MODEL, limit="max_tokens") == {
        "model": MODEL,
        "max_tokens": 50,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Where?"},
            {"role": "assistant", "content": "I look.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "a", "content": "here"},
            {"role": "tool", "tool_call_id": "b", "content": "Error: no path"},
            {"role": "user", "content": "Go on."},
        ],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "stop": ["END"],
        "temperature": 0.5,
    }


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, "messages.0.content.0"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools.0"),
    ],
)
def test_what_they_cannot_be_told_is_refused(more: dict[str, Any], where: str) -> None:
    with pytest.raises(ModelError, match=rf"{where}: got '.*', expected text and tool calls"):
        chat_request(ask(**more), MODEL, limit="max_tokens")


@pytest.mark.parametrize(
    ("finish", "message", "stop", "kinds"),
    [
        ("stop", {"content": "yes"}, "end_turn", ["text"]),
        ("length", {"content": "ye"}, "max_tokens", ["text"]),
        ("content_filter", {"content": None, "refusal": "no"}, "refusal", ["text"]),
        (
            "stop",
            {"content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
            "tool_use",
            ["tool_use"],
        ),
    ],
)
def test_what_they_say_in_our_words(finish: str, message: dict[str, Any], stop: str, kinds: list[str]) -> None:
    found = message_of({"id": "c", "choices": [{"finish_reason": finish, "message": message}]})
    assert found["stop_reason"] == stop
    assert [block["type"] for block in found["content"]] == kinds
    assert all(block.get("id", "x") for block in found["content"])


@pytest.mark.parametrize("odd", [{}, {"choices": []}, {"choices": [{}]}, {"choices": "no"}])
def test_what_is_no_completion(odd: dict[str, Any]) -> None:
    with pytest.raises(BrokenStream):
        message_of(odd)


def test_parallel_calls_and_what_they_cost() -> None:
    turn = [{"type": "tool_use", "name": "look", "input": {"path": place}} for place in "ab"]
    with ChatServer(lambda body: [{"type": "text", "text": "I look."}, *turn]) as server:
        model = upstream(server, dollars=True)
        model.check()
        reply = create(model, ask(tools=[LOOK]))
        content: Any = reply.response["content"]
        assert [block.get("input") for block in content] == [None, {"path": "a"}, {"path": "b"}]
        assert reply.response["stop_reason"] == "tool_use"
        spend = reply.spend
        assert (spend.input_tokens, spend.cache_read_tokens, spend.cache_write_tokens) == (30, 60, 10)
        assert spend.usd == pytest.approx((30 * 1 + 60 * 0.05 + 10 * 2.5 + 7 * 5) / 1e6)
        assert spend.usd <= model.worst_case(ask(tools=[LOOK])).usd
        assert server.got[0].body["max_tokens"] == 50


@pytest.mark.parametrize(
    ("fault", "status", "again"),
    [
        (Fault("rate_limit", retry_after="3"), 429, True),
        (Fault("overloaded"), 503, True),
        (Fault("error"), 500, True),
        (Fault("reset"), 502, True),
        (Fault("cut", events=1), 502, True),
        (Fault("garbage"), 502, True),
        (Fault("content_type"), 502, True),
        (Fault("oversized"), 502, False),
        (Fault("hang"), 504, True),
        (Fault("stall", events=1), 504, True),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_each_fault_has_its_error(fault: Fault, status: int, again: bool) -> None:
    with ChatServer(lambda body: FINE, plan=in_order(fault)) as server:
        model = upstream(server, silence_timeout_s=0.5, max_answer_bytes=2**20)
        with pytest.raises(UpstreamError) as caught:
            create(model, ask())
        assert (caught.value.status, caught.value.again) == (status, again)
        assert caught.value.retry_after_s == (3.0 if status == 429 else None)
        assert create(model, ask()).response["content"] == FINE


def test_the_deadline_holds() -> None:
    with ChatServer(lambda body: FINE, plan=always(Fault("slow", seconds=0.02))) as server:
        began = time.monotonic()
        with pytest.raises(UpstreamError) as caught:
            create(upstream(server), ask(), within=0.4)
        assert caught.value.status == 504 and time.monotonic() - began < 2


def test_a_server_that_does_not_say_what_was_used_is_taken_at_the_bound() -> None:
    with ChatServer(lambda body: FINE, usage=False) as server:
        model = upstream(server)
        assert create(model, ask()).spend == model.worst_case(ask())


def test_what_is_wrong_is_said_before_a_campaign() -> None:
    with ChatServer(lambda body: FINE) as server:
        for more, words in [
            ({"key": "sk-wrong-wrong"}, r"refused the key: Incorrect API key: Bearer \*\*\*"),
            ({"model": "gpt-6.1-tera"}, "did you mean 'gpt-6.1-terra'"),
            ({"base_url": "http://127.0.0.1:9/v1"}, "cannot be reached"),
        ]:
            with pytest.raises(SettingsError, match=words):
                upstream(server, **more).check()
        with pytest.raises(SettingsError, match="OPENAI_API_KEY is not set"):
            upstream(server, key=None, base_url=None).check()


def test_without_the_extra_it_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['openai'] = None\n"
        "from pathlib import Path\n"
        "from optimizer.assemble.models import make_upstream\n"
        "from optimizer.settings import ModelSettings\n"
        "try: make_upstream(ModelSettings(agent='openai:x'), Path(), dollars=False, environment={})\n"
        "except Exception as error: print(error, '|', error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "needs the package openai" in done.stdout and "pip install 'ratchet-harness[openai]'" in done.stdout
