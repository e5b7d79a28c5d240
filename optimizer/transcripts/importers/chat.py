"""OpenAI-style chats: lists of messages with roles, as tau-bench, fine-tuning files and many frameworks keep them.

A file is a JSON array (of transcripts, or the messages of one), one JSON object, or JSON lines (a transcript or a
message each). A transcript is an object with its messages under ``messages``, ``traj``, ``msgs``, ``conversation`` or
``history``. Anthropic's content blocks are understood, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, BinaryIO, cast

from optimizer.transcripts.importers.base import Intake
from optimizer.transcripts.reading import Pieces, objects, read_whole
from optimizer.transcripts.recording import Recording, texts_of
from optimizer.transcripts.records import Call

LISTS = ("messages", "traj", "msgs", "conversation", "history")
SYSTEM = ("system", "developer")
USER = ("user", "human")
TOOL = ("tool", "function", "observation")
ASSISTANT = ("assistant", "ai", "model")


def read(stream: BinaryIO, name: str, intake: Intake) -> None:
    """Every transcript of the file."""
    found = enumerate(json_items(stream, name, intake), 1)
    first = next(found, None)
    if first is None:
        return
    if "role" in first[1]:
        chat = intake.begin(name.partition(".")[0])
        where = name
        for number, message in chain([first], found):
            where = f"{name}:{number}"
            take_message(message, chat, where)
        intake.done(chat, where)
        return
    for number, told in chain([first], found):
        _transcript(told, f"{name}:{number}", f"{name.partition('.')[0]}-{number}", intake)


def json_items(stream: BinaryIO, name: str, intake: Intake) -> Iterator[dict[str, Any]]:
    """The objects of a JSON array, of JSON lines, or the one object that the file is. Only one is held at a time."""
    import ijson

    head = stream.peek(64).lstrip() if hasattr(stream, "peek") else b""
    if head[:1] == b"{" and _over_several_lines(head):
        raw = read_whole(stream, name, intake.note)
        try:
            whole = json.loads(raw.decode("utf-8", "replace")) if raw is not None else None
        except (ValueError, RecursionError) as error:
            intake.note(name, f"cut in the middle, or no JSON ({str(error)[:100]}): it is left out")
            return
        if isinstance(whole, dict):
            yield whole
        return
    if head[:1] != b"[":
        for _, found in objects(stream, name, intake.note):
            yield found
        return
    number = 0
    try:
        for item in ijson.items(Pieces(stream), "item", use_float=True):
            number += 1
            if isinstance(item, dict):
                yield item
            else:
                intake.note(f"{name}:{number}", f"got {type(item).__name__}, expected an object: it is left out")
    except (ijson.JSONError, UnicodeDecodeError, EOFError, OSError) as error:
        ended = isinstance(error, EOFError) or "premature EOF" in str(error) or "ncomplete" in str(error)
        cut = "cut in the middle" if ended else "no JSON"
        text = " ".join(str(error).split())[:100]
        intake.note(f"{name}:{number + 1}", f"{cut} ({text}): what stands before is taken")


def _over_several_lines(head: bytes) -> bool:
    """Whether the first line is the beginning of an object and not all of it."""
    line, newline, _ = head.partition(b"\n")
    try:
        json.loads(line)
    except ValueError:
        return bool(newline) and not line.rstrip().endswith(b"}")
    return False


def _transcript(told: Mapping[str, Any], where: str, otherwise: str, intake: Intake) -> None:
    messages = next((told[key] for key in LISTS if isinstance(told.get(key), list)), None)
    if messages is None:
        intake.note(where, f"got an object without a list of messages ({', '.join(LISTS)}): it is left out")
        return
    chat = intake.begin(_id(told) or otherwise, **_known(told))
    for number, message in enumerate(messages, 1):
        take_message(message, chat, f"{where}, message {number}")
    intake.done(chat, where)


def _id(told: Mapping[str, Any]) -> str:
    if told.get("id") not in (None, ""):
        return str(told["id"])
    parts = [str(told[key]) for key in ("instance_id", "task_id", "trial") if told.get(key) is not None]
    return ".".join(parts)


def _known(told: Mapping[str, Any]) -> dict[str, Any]:
    meta = told.get("meta")
    sources = [told, meta if isinstance(meta, Mapping) else {}]
    found: dict[str, Any] = {}
    for key, names in (("workload", ("workload", "domain", "set", "dataset")), ("model", ("model",))):
        texts = [source[name] for name in names for source in sources if isinstance(source.get(name), str)]
        found |= {key: texts[0]} if texts else {}
    if isinstance(told.get("reward"), int | float):
        found["reward"] = float(told["reward"])
    return found


def take_message(message: Any, chat: Recording, where: str) -> None:
    """Take one message of a chat."""
    role = message.get("role") if isinstance(message, Mapping) else None
    if not isinstance(role, str):
        chat.problem(where, "got no message with a role: it is left out")
        return
    content = message["text"] if "content" not in message and "text" in message else message.get("content")
    if role in SYSTEM:
        chat.system(texts_of(content))
    elif role in ASSISTANT:
        calls = [*_calls(message, chat, where), *_block_calls(content, chat, where)]
        chat.assistant(texts_of(content), calls, where)
    elif role in TOOL:
        ids = message.get("tool_call_ids")
        call = (
            message.get("tool_call_id") or message.get("call_id") or (ids[0] if isinstance(ids, list) and ids else "")
        )
        chat.result(str(call), texts_of(content), where, is_error=bool(message.get("is_error")))
    elif role in USER:
        for block in content if isinstance(content, list) else []:
            if isinstance(block, Mapping) and block.get("type") == "tool_result":
                text = texts_of(block.get("content"))
                chat.result(str(block.get("tool_use_id") or ""), text, where, is_error=bool(block.get("is_error")))
        chat.user(texts_of(content))
    else:
        chat.problem(where, f"got the role {role!r}, which is not known: the message is left out")


def _calls(message: Mapping[str, Any], chat: Recording, where: str) -> Iterator[Call]:
    listed = message.get("tool_calls") or message.get("calls") or []
    if message.get("function_call"):
        listed = [{"function": message["function_call"]}]
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, Mapping):
            continue
        function = each.get("function")
        told = cast(Mapping[str, Any], function) if isinstance(function, Mapping) else each
        if not isinstance(told.get("name"), str):
            chat.problem(where, "a tool call without a name: it is left out")
            continue
        given: Any = next((told[key] for key in ("arguments", "args", "input") if key in told), {})
        yield Call(str(each.get("id") or ""), told["name"], _args(given, chat, where))


def _block_calls(content: Any, chat: Recording, where: str) -> Iterator[Call]:
    for block in content if isinstance(content, list) else []:
        if isinstance(block, Mapping) and block.get("type") == "tool_use" and isinstance(block.get("name"), str):
            yield Call(str(block.get("id") or ""), block["name"], _args(block.get("input"), chat, where))


def _args(given: Any, chat: Recording, where: str) -> Mapping[str, Any]:
    if isinstance(given, str):
        try:
            given = json.loads(given or "{}")
        except ValueError:
            chat.problem(where, "the arguments of a call are no JSON: they are taken as text")
            return {"arguments": given}
    return given if isinstance(given, Mapping) else {"arguments": given}
