"""SWE-agent's ``.traj`` files: one JSON object with the ``history`` that the model saw, or only the ``trajectory``.

Where the model called no tools by name, its ``action`` is a command in the text: the call is then named after the
command's first word, and what the environment said next is its result. A file of demonstrations has the history alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from optimizer.transcripts.importers.base import Intake
from optimizer.transcripts.importers.chat import take_message
from optimizer.transcripts.reading import read_whole
from optimizer.transcripts.recording import Recording, texts_of
from optimizer.transcripts.records import Call

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read(stream: BinaryIO, name: str, intake: Intake) -> None:
    """The one transcript of the file."""
    raw = read_whole(stream, name, intake.note)
    if raw is None:
        return
    try:
        told = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        intake.note(name, f"cut in the middle, or no JSON ({str(error)[:100]}): it is left out")
        return
    if not isinstance(told, Mapping) or not any(isinstance(told.get(key), list) for key in ("history", "trajectory")):
        intake.note(name, "got neither 'history' nor 'trajectory', which a .traj file has: it is left out")
        return
    stem = name.removesuffix(".gz").removesuffix(".traj")
    environment = told.get("environment")
    chat = intake.begin(stem, **({"workload": environment} if isinstance(environment, str) and environment else {}))
    if _not_utf8(raw):
        chat.problem(name, "not UTF-8: what could not be read is shown as \ufffd")
    if isinstance(told.get("history"), list) and told["history"]:
        _history(told["history"], chat, name)
    else:
        _trajectory(told.get("trajectory") or [], chat, name)
    intake.done(chat, name)


def _history(history: list[Any], chat: Recording, name: str) -> None:
    waits = False
    for number, entry in enumerate(history, 1):
        where = f"{name}, message {number}"
        if not isinstance(entry, Mapping):
            chat.problem(where, "got no message with a role: it is left out")
            continue
        role, action = entry.get("role"), entry.get("action")
        if entry.get("is_demo"):
            chat.user(texts_of(entry.get("content")))
        elif role == "assistant" and not entry.get("tool_calls") and isinstance(action, str) and action.strip():
            chat.assistant(texts_of(entry.get("content")), [_call(action)], where)
            waits = True
            continue
        elif role == "user" and waits:
            chat.result("", texts_of(entry.get("content")), where)
        else:
            take_message(entry, chat, where)
        waits = False
    if waits:  # the last action ends the episode: nothing is shown after it
        chat.result("", "", name)


def _trajectory(steps: list[Any], chat: Recording, name: str) -> None:
    for number, step in enumerate(steps, 1):
        where = f"{name}, step {number}"
        if not isinstance(step, Mapping) or not isinstance(step.get("action"), str):
            chat.problem(where, "got no step with an action: it is left out")
            continue
        chat.assistant(str(step.get("response") or step.get("thought") or ""), [_call(step["action"])], where)
        chat.result("", str(step.get("observation") or ""), where)


def _call(action: str) -> Call:
    word = NAME.match(action.strip())
    return Call("", word.group() if word else "command", {"command": action.strip("\n")})


def _not_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False
