"""Every strategy on real transcripts, where there are some: set TEST_TRANSCRIPTS to a ``transcripts.jsonl.gz``."""

import gzip
import json
import os
from itertools import islice
from pathlib import Path

import pytest

from search_space.compaction import ClearResults, FactLedger, SlidingWindow, Summary, TruncateResults
from search_space.messages import check_messages, estimate_tokens

PLACE = os.environ.get("TEST_TRANSCRIPTS", "")
pytestmark = pytest.mark.skipif(not Path(PLACE).is_file(), reason="TEST_TRANSCRIPTS names no transcripts.jsonl.gz")


def conversation(entries):
    """A transcript (entries of role, text, calls, call_id) as messages; what cannot be paired is left out."""
    messages = []
    for entry in entries:
        text = [{"type": "text", "text": entry["text"]}] if entry.get("text") else []
        if entry["role"] == "assistant":
            uses = [
                {"type": "tool_use", "id": c["id"], "name": c["name"], "input": c["args"]}
                for c in entry.get("calls", [])
            ]
            messages.append({"role": "assistant", "content": text + uses})
        elif entry["role"] == "user" and text:
            messages.append({"role": "user", "content": text})
        elif entry["role"] == "tool":
            result = {"type": "tool_result", "tool_use_id": entry["call_id"], "content": entry.get("text") or "none"}
            if messages[-1]["role"] == "user":
                messages[-1]["content"].append(result)
            else:
                messages.append({"role": "user", "content": [result]})
    while messages and messages[0]["role"] != "user":
        messages.pop(0)
    return [m for m in messages if m["content"]]


def sessions(count):
    with gzip.open(PLACE, "rt", encoding="utf-8") as lines:
        for line in islice(lines, count):
            messages = conversation(json.loads(line)["msgs"])
            if len(messages) > 10:
                yield messages


@pytest.mark.parametrize(
    "strategy",
    [
        SlidingWindow(keep_messages=6, block=4),
        ClearResults(keep_results=2, block=2),
        TruncateResults(head_chars=300, tail_chars=100),
        Summary(keep_messages=6, block=4, max_tokens=200),
        FactLedger(keep_messages=6, block=4, max_facts=30),
    ],
    ids=lambda value: type(value).__name__,
)
def test_real_conversations_stay_valid_and_fit(strategy):
    seen = 0
    for messages in sessions(40):
        for end in range(1, len(messages) + 1):
            history = messages[:end]
            if history[-1]["role"] != "user":
                continue
            check_messages(history)
            limit = max(1200, estimate_tokens([history[0], *history[-2:]]) + 100)
            rendered = strategy.compact(history, limit_tokens=limit)
            check_messages(rendered)
            assert estimate_tokens(rendered) <= limit
            seen += rendered != history
    assert seen > 100


def values(given):
    """All strings of at least four characters in a call's input."""
    if isinstance(given, dict | list):
        for item in given.values() if isinstance(given, dict) else given:
            yield from values(item)
    elif isinstance(given, str) and len(given) >= 4:
        yield json.dumps(given, ensure_ascii=False)[1:-1]


def kept_at_risk(strategy, limit):
    """Of the steps that use a value last seen more than eight messages back (not in the task), the share that still
    sees all such values."""
    fine = steps = 0
    for messages in sessions(300):
        texts = [json.dumps(message, ensure_ascii=False) for message in messages]
        for end, message in enumerate(messages):
            if message["role"] != "assistant" or estimate_tokens(messages[:end]) <= limit:
                continue
            used = {v for b in message["content"] if b["type"] == "tool_use" for v in values(b["input"])}
            last = {v: max((i for i in range(end) if v in texts[i]), default=0) for v in used}
            if old := [value for value, at in last.items() if 0 < at < end - 8]:
                rendered = json.dumps(strategy.compact(messages[:end], limit_tokens=limit), ensure_ascii=False)
                steps += 1
                fine += all(value in rendered for value in old)
    assert steps > 50
    return fine / steps


def test_the_ledger_keeps_what_later_steps_use():
    assert kept_at_risk(FactLedger(8, 8, 60), 1500) > kept_at_risk(SlidingWindow(8, 8), 1500) + 0.3
