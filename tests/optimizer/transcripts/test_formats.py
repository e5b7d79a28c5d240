"""Each format becomes a valid Messages conversation with the right steps."""

import gzip
import importlib.util
import json
import zlib
from pathlib import Path

import pytest

from optimizer.transcripts.importers.claude_code import COMPACTED
from optimizer.transcripts.recording import NO_BEGINNING
from search_space.messages import check_messages, text_of

_spec = importlib.util.spec_from_file_location("transcripts_conftest", Path(__file__).with_name("conftest.py"))
sessions = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sessions)
claude_line, use, result = sessions.claude_line, sessions.use, sessions.result


def kinds(transcript):
    return [(message["role"], *(block["type"] for block in message["content"])) for message in transcript.messages]


def test_a_claude_code_session(taken):
    lines = [
        json.dumps({"type": "file-history-snapshot", "messageId": "x", "snapshot": {}}),
        claude_line("user", "Mend the shop", 1),
        claude_line("assistant", [{"type": "thinking", "thinking": "hm", "signature": "s"}], 2, id="m1"),
        claude_line("assistant", [{"type": "text", "text": "Looking"}], 3, id="m1"),
        claude_line("assistant", [use("a", path="x.py")], 4, id="m1"),
        claude_line("user", [result("a", "first")], 5),
        claude_line("assistant", [use("b", path="y.py")], 6, id="m1"),
        claude_line("user", [result("b", "second")], 7),
        claude_line("user", "<reminder>", 8, isMeta=True),
        json.dumps({"type": "system", "subtype": "compact_boundary", "sessionId": "s1"}),
        json.dumps({"type": "a type of the future", "what": {"ever": 1}}),
        claude_line("assistant", [{"type": "text", "text": "Done"}], 9, id="m2"),
    ]
    found, (transcript,) = taken("s1.jsonl", "\n".join(lines) + "\n")
    check_messages(transcript.messages)
    assert kinds(transcript) == [
        ("user", "text"),
        ("assistant", "text", "tool_use", "tool_use"),
        ("user", "tool_result", "tool_result", "text"),
        ("assistant", "text"),
    ]
    assert transcript.header.id == "s1" and transcript.header.workload == "shop"
    assert transcript.header.model == "claude-x" and transcript.steps == 2
    assert transcript.messages[2]["content"][2]["text"] == COMPACTED
    assert not found.problems and found.formats == {"claude-code": 1}


def test_a_sub_agent_in_the_same_file_is_a_transcript_of_its_own(taken):
    lines = [
        claude_line("user", "Go", 1),
        claude_line("assistant", [use("t", "Task", prompt="look")], 2, id="m1"),
        claude_line("user", "look", 3, isSidechain=True, agentId="a7"),
        claude_line("assistant", [{"type": "text", "text": "seen"}], 4, id="n1", isSidechain=True, agentId="a7"),
        claude_line("user", [result("t", "seen")], 5),
        claude_line("assistant", [{"type": "text", "text": "ok"}], 6, id="m2"),
    ]
    found, transcripts = taken("s1.jsonl", "\n".join(lines) + "\n")
    assert {t.header.id: t.steps for t in transcripts} == {"s1": 2, "s1/a7": 1}
    assert not found.problems


CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Book HAT136."},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "book", "arguments": '{"flight": "HAT136"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "name": "book", "content": '{"ok": true}'},
    {"role": "assistant", "content": "Booked."},
]
ENTRIES = [
    {"role": "system", "text": "Be kind."},
    {"role": "user", "text": "Book HAT136."},
    {"role": "assistant", "text": "", "calls": [{"id": "c1", "name": "book", "args": {"flight": "HAT136"}}]},
    {"role": "tool", "text": '{"ok": true}', "call_id": "c1"},
    {"role": "assistant", "text": "Booked."},
]
BLOCKS = [
    {"role": "user", "content": "Book HAT136."},
    {"role": "assistant", "content": [use("c1", "book", flight="HAT136")]},
    {"role": "user", "content": [result("c1", '{"ok": true}')]},
    {"role": "assistant", "content": [{"type": "text", "text": "Booked."}]},
]
WHOLE = {"task_id": 7, "trial": 1, "reward": 0.5, "domain": "airline", "traj": CHAT, "info": {"unknown": [1]}}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("array.json", json.dumps([WHOLE], indent=2)),
        ("one.json", json.dumps({"id": "7.1", "domain": "airline", "reward": 0.5, "messages": CHAT})),
        ("indented.json", json.dumps({"id": "7.1", "domain": "airline", "reward": 0.5, "messages": CHAT}, indent=2)),
        ("many.jsonl", json.dumps({"id": "7.1", "reward": 0.5, "meta": {"domain": "airline"}, "msgs": ENTRIES}) + "\n"),
        ("packed.json.gz", gzip.compress(json.dumps([WHOLE]).encode())),
    ],
)
def test_chats_in_every_wrapping(taken, name, content):
    found, (transcript,) = taken(name, content)
    check_messages(transcript.messages)
    head = transcript.header
    assert (head.id, head.workload, head.reward, head.system) == ("7.1", "airline", 0.5, "Be kind.")
    assert [message["role"] for message in transcript.messages] == ["user", "assistant", "user", "assistant"]
    assert transcript.messages[1]["content"][0]["input"] == {"flight": "HAT136"}
    assert not found.problems


@pytest.mark.parametrize("messages", [CHAT, ENTRIES, BLOCKS])
@pytest.mark.parametrize("lines", [True, False])
def test_a_file_that_is_one_conversation(taken, messages, lines):
    content = "\n".join(map(json.dumps, messages)) if lines else json.dumps(messages)
    found, (transcript,) = taken("talk.json", content)
    assert transcript.steps == 2 and transcript.header.id == "talk"
    assert text_of(transcript.messages[2]["content"][0]["content"]) == '{"ok": true}'
    assert not found.problems


def test_swe_agent_with_commands_in_the_text(taken):
    history = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "demo", "is_demo": True},
        {"role": "user", "content": "Issue"},
        {"role": "assistant", "content": "look\n```\nls -la\n```", "action": "ls -la\n", "thought": "look"},
        {"role": "user", "content": "x.py"},
        {"role": "assistant", "content": "done", "action": "submit", "thought": "done"},
    ]
    found, (transcript,) = taken("bug.traj", json.dumps({"history": history, "trajectory": [], "environment": "env"}))
    check_messages(transcript.messages)
    call = transcript.messages[1]["content"][1]
    assert (call["name"], call["input"]) == ("ls", {"command": "ls -la"})
    assert transcript.messages[2]["content"][0]["content"] == "x.py"
    assert transcript.header.workload == "env" and transcript.steps == 2 and not found.problems


def test_swe_agent_without_a_history(taken):
    steps = [{"action": "ls", "observation": "x.py", "response": "look"}, {"action": "submit", "observation": ""}]
    found, (transcript,) = taken("bug.traj", json.dumps({"trajectory": steps}))
    assert transcript.steps == 2 and transcript.messages[0]["content"][0]["text"] == NO_BEGINNING
    assert not found.problems


@pytest.mark.parametrize("packed", [False, True])
def test_our_own_trajectory(taken, packed):
    answer = {"kind": "answer", "messages": 1, "content": [use("u1", "grep", pattern="x")], "stop_reason": "tool_use"}
    summary = {"kind": "answer", "messages": 1, "content": [{"type": "text", "text": "Goal: ..."}]}
    records = [
        {"kind": "task", "task": "t1", "harness": "minimal", "prompt": "Where is x?"},
        answer,
        {"kind": "results", "content": [result("u1", "a.py:3")], "seconds": 0.1},
        summary,
        {"kind": "delegated", "agent": "scout", "delegation": 1, "number": 1, "prompt": "look"},
        {**answer, "agent": "scout", "delegation": 1, "number": 1, "content": [{"type": "text", "text": "none"}]},
        {"kind": "answer", "messages": 3, "content": [{"type": "text", "text": "a.py"}]},
        {"kind": "end", "answer": "a.py"},
    ]
    content = "".join(json.dumps(record) + "\n" for record in records).encode()
    name, content = ("t.jsonl.zlib", zlib.compress(content)) if packed else ("t.jsonl", content)
    found, transcripts = taken(name, content)
    assert {t.header.id: t.steps for t in transcripts} == {"t": 2, "t/scout/1/1": 1}
    assert {t.header.workload for t in transcripts} == {"minimal"}
    assert not found.problems


def test_what_was_imported_can_be_imported_again(taken, tmp_path):
    _, (first,) = taken("talk.json", json.dumps(CHAT))
    _, (second,) = taken("again.jsonl.gz", (tmp_path / "out.jsonl.gz").read_bytes())
    assert second == first
