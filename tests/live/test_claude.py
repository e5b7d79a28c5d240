"""The real API, where there is a key: a few calls of the cheapest model, some hundredths of a cent.

Run with ``ANTHROPIC_API_KEY=... pytest tests/live``; the key is taken out of the environment of every other test.
"""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from optimizer.models.anthropic import AnthropicUpstream
from optimizer.models.attempt import ProviderSettings
from optimizer.models.prices import load_prices
from tests.conftest import LIVE_KEY

KEY = os.environ.get(LIVE_KEY, "")
MODEL = "claude-haiku-4-5"
WEATHER = {
    "name": "weather",
    "description": "The weather in a town.",
    "input_schema": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
}
pytestmark = pytest.mark.skipif(not KEY, reason="live: needs ANTHROPIC_API_KEY")


@pytest.fixture
def claude() -> AnthropicUpstream:
    upstream = AnthropicUpstream(ProviderSettings(MODEL, dollars=True), load_prices(), key=KEY)
    upstream.check()
    return upstream


def create(claude: AnthropicUpstream, **more: Any) -> Any:
    request: Any = {"model": "agent", "max_tokens": 300, **more}
    reply = claude.create(request, seed=0, session="live", deadline=time.monotonic() + 60)
    worst = claude.worst_case(request)
    assert reply.spend.tokens <= worst.tokens and 0 < reply.spend.usd <= worst.usd
    return reply.response


def test_two_calls_side_by_side_and_their_results(claude: AnthropicUpstream) -> None:
    asked = {"role": "user", "content": "How is the weather in Oslo and in Rome? Ask for both at once, then answer."}
    first = create(claude, tools=[WEATHER], messages=[asked])
    calls = [block for block in first["content"] if block["type"] == "tool_use"]
    assert first["stop_reason"] == "tool_use" and {call["input"]["town"] for call in calls} == {"Oslo", "Rome"}
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"} for call in calls]
    messages = [asked, {"role": "assistant", "content": first["content"]}, {"role": "user", "content": results}]
    assert "sun" in create(claude, tools=[WEATHER], messages=messages)["content"][0]["text"].lower()


def test_thinking_goes_back_as_it_came(claude: AnthropicUpstream) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    asked = {"role": "user", "content": "Which is warmer, Oslo or Rome? Ask for the weather of Rome first."}
    more = {"tools": [WEATHER], "thinking": thinking, "max_tokens": 2_000}
    first = create(claude, messages=[asked], **more)
    call = next(block for block in first["content"] if block["type"] == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "30 degrees"}
    messages = [asked, {"role": "assistant", "content": first["content"]}, {"role": "user", "content": [result]}]
    assert create(claude, messages=messages, **more)["stop_reason"] in ("end_turn", "tool_use")


def test_the_cache_is_written_and_read(claude: AnthropicUpstream) -> None:
    stamp = f"{time.time()} "
    system = [{"type": "text", "text": stamp + "Be brief. " * 3_000, "cache_control": {"type": "ephemeral"}}]
    asked = [{"role": "user", "content": "Say yes."}]
    first, second = (create(claude, system=system, messages=asked)["usage"] for _ in range(2))
    assert first["cache_creation_input_tokens"] > 4_000
    assert second["cache_read_input_tokens"] == first["cache_creation_input_tokens"]
