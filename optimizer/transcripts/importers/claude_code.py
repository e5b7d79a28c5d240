"""Claude Code's session files: one event a line, a sub-agent's own conversation marked ``isSidechain``.

An answer comes as several lines with the same ``message.id``, one for each block; results of tools are messages of the
user. Events of other types (snapshots, hooks, titles) are no part of the conversation. There is no published schema:
the fields read here are those that third-party readers of these files agree on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from optimizer.transcripts.importers.base import Intake
from optimizer.transcripts.reading import objects
from optimizer.transcripts.recording import Recording, texts_of
from optimizer.transcripts.records import Call

COMPACTED = "[The conversation before here was compacted by the agent.]"


def read(stream: BinaryIO, name: str, intake: Intake) -> None:
    """A transcript for each session and for each sub-agent in it."""
    chats: dict[str, Recording] = {}
    where = name
    stem = name.partition(".")[0]

    def note(place: str, what: str) -> None:
        # A broken line belongs to whatever conversation it stands in.
        chat = next(reversed(chats.values()), None)
        (chat.problem if chat else intake.note)(place, what)

    for number, event in objects(stream, name, note):
        where = f"{name}:{number}"
        kind = event.get("type")
        if kind == "system" and event.get("subtype") == "compact_boundary" and (chat := chats.get(_key(event, stem))):
            chat.user(COMPACTED)
        if kind not in ("user", "assistant"):
            continue
        message = event.get("message")
        if not isinstance(message, Mapping) or not isinstance(message.get("content"), str | list):
            note(where, f"a line of type {kind} without message.content: it is left out")
            continue
        key = _key(event, stem)
        if key not in chats:
            workload = PurePosixPath(str(event.get("cwd") or "").replace("\\", "/")).name
            meta = {"version": event.get("version"), "sidechain": bool(event.get("isSidechain"))}
            chats[key] = intake.begin(key, workload=workload, meta=meta)
        chat = chats[key]
        if kind == "assistant":
            _answer(message, event, chat, where)
        elif not event.get("isMeta"):
            _said(message["content"], chat, where)
    for chat in chats.values():
        intake.done(chat, where)


def _key(event: Mapping[str, Any], stem: str) -> str:
    """Which conversation: a sub-agent's lines carry its parent's session."""
    session = str(event.get("sessionId") or stem)
    if agent := event.get("agentId"):
        return f"{session}/{agent}"
    return f"{session}/sidechain" if event.get("isSidechain") else session


def _answer(message: Mapping[str, Any], event: Mapping[str, Any], chat: Recording, where: str) -> None:
    model = message.get("model")
    if isinstance(model, str) and model and not chat.header.model and not model.startswith("<"):
        chat.know(model=model)
    content = message["content"]
    calls = []
    for block in content if isinstance(content, list) else []:
        if isinstance(block, Mapping) and block.get("type") == "tool_use":
            given = block.get("input")
            if not isinstance(block.get("name"), str):
                chat.problem(where, "a tool call without a name: it is left out")
                continue
            args = given if isinstance(given, Mapping) else {}
            calls.append(Call(str(block.get("id") or ""), block["name"], args))
    text = content if isinstance(content, str) else texts_of([b for b in content if _type(b) == "text"])
    chat.assistant(text, calls, where, same=str(message.get("id") or event.get("requestId") or ""))


def _said(content: Any, chat: Recording, where: str) -> None:
    if isinstance(content, str):
        chat.user(content)
        return
    for block in content:
        if _type(block) == "tool_result":
            text = texts_of(block.get("content"))
            chat.result(str(block.get("tool_use_id") or ""), text, where, is_error=bool(block.get("is_error")))
        elif _type(block) == "text":
            chat.user(texts_of([block]))


def _type(block: Any) -> Any:
    return block.get("type") if isinstance(block, Mapping) else None
