"""Trajectories that the reference agent writes (docs/agent.md), and transcripts that were imported before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from optimizer.transcripts.importers.base import Intake
from optimizer.transcripts.reading import objects
from optimizer.transcripts.recording import Recording, texts_of
from optimizer.transcripts.records import Call
from optimizer.transcripts.store import parse_transcripts
from search_space.messages import blocks, text_of


def read_trajectory(stream: BinaryIO, name: str, intake: Intake) -> None:
    """A transcript for each prompt of the rollout, and for each task of a sub-agent."""
    chats: dict[str, Recording] = {}
    stem, workload, where = name.partition(".")[0], "", name
    for number, record in objects(stream, name, intake.note):
        where, kind = f"{name}:{number}", record.get("kind")
        key = "/".join(
            [
                stem,
                *(
                    str(record[part])
                    for part in ("agent", "delegation", "number")
                    if "agent" in record and part in record
                ),
            ]
        )
        if kind == "task":
            workload = str(record.get("harness") or "")
            if "prompt" in record:
                _begin(chats, key, str(record["prompt"]), workload, intake)
        elif kind == "prompt":
            _begin(chats, key, f"{record.get('prompt', '')}\n\n{record.get('notes', '')}", workload, intake, where)
        elif kind == "delegated":
            _begin(chats, key, str(record.get("prompt") or ""), workload, intake, where)
        elif kind in ("answer", "results"):
            if key not in chats:
                _begin(chats, key, "", workload, intake)
            (_answer if kind == "answer" else _results)(record, chats[key], where)
    for chat in chats.values():
        intake.done(chat, where)


def read_imported(stream: BinaryIO, name: str, intake: Intake) -> None:
    """Transcripts in our own format, taken once more (masked, if they were not)."""
    for transcript in parse_transcripts(stream, name, intake.note):
        head = transcript.header
        known = {key: getattr(head, key) for key in ("workload", "model", "reward", "system", "meta")}
        chat = intake.begin(head.id, source=head.source, **known)
        for number, message in enumerate(transcript.messages, 1):
            where = f"{name}, {head.id}, message {number}"
            content = blocks(message)
            if message["role"] == "assistant":
                uses = [Call(b["id"], b["name"], b["input"]) for b in content if b["type"] == "tool_use"]
                chat.assistant(text_of([b for b in content if b["type"] == "text"]), uses, where)
                continue
            for block in content:
                if block["type"] == "tool_result":
                    text, wrong = text_of(block["content"]), bool(block.get("is_error"))
                    chat.result(block["tool_use_id"], text, where, is_error=wrong)
                elif block["type"] == "text":
                    chat.user(block["text"])
        for problem in transcript.problems:
            chat.problem(problem.where, problem.what)
        intake.done(chat, name)


def _begin(chats: dict[str, Recording], key: str, prompt: str, workload: str, intake: Intake, where: str = "") -> None:
    own = key
    if key in chats:
        intake.done(chats.pop(key), where)
        own = f"{key}#{where.rpartition(':')[2]}"
    chats[key] = intake.begin(own, workload=workload)
    chats[key].user(prompt)


def _answer(record: Mapping[str, Any], chat: Recording, where: str) -> None:
    content = record.get("content")
    found = [block for block in content if isinstance(block, Mapping)] if isinstance(content, list) else []
    if record.get("messages") == 1 and chat.steps:
        return  # a summary's call stands beside the conversation: one message that asks for it
    calls = [
        Call(str(block.get("id") or ""), block["name"], block["input"])
        for block in found
        if block.get("type") == "tool_use"
        and isinstance(block.get("name"), str)
        and isinstance(block.get("input"), Mapping)
    ]
    chat.assistant(texts_of([block for block in found if block.get("type") == "text"]), calls, where)


def _results(record: Mapping[str, Any], chat: Recording, where: str) -> None:
    content = record.get("content")
    for block in content if isinstance(content, list) else []:
        if not isinstance(block, Mapping):
            continue
        if block.get("type") == "tool_result":
            text, wrong = texts_of(block.get("content")), bool(block.get("is_error"))
            chat.result(str(block.get("tool_use_id") or ""), text, where, is_error=wrong)
        elif block.get("type") == "text":
            chat.user(texts_of([block]))
