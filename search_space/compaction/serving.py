"""A plug-in strategy at work for replay: in the sandbox, told a conversation message after message over a socket.

It can know nothing of what comes later, whatever its code does: that has not been sent yet.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search_space.compaction.history import History
from search_space.compaction.plugin import load_plugin
from search_space.errors import SearchSpaceError
from search_space.messages import Message


def serve(payload: Mapping[str, Any]) -> None:
    """Answer requests until the other side hangs up.

    ``payload``: ``harness`` (the folder), ``file`` and ``parameters`` of the plug-in, ``limit_tokens``, ``socket`` (a
    path). A request is a line of JSON, ``{"messages": [...]}``: the conversation goes on with these and is to be
    rendered. The answer is a line, too: ``{"rendered": [...]}``, where a number stands for the message with that index;
    or ``{"error": "..."}``.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(payload["socket"]))
        with connection.makefile("rwb") as stream:
            history = History()
            try:
                plugin = load_plugin(Path(payload["harness"]), payload["file"], payload.get("parameters"))
                for line in stream:
                    for message in json.loads(line)["messages"]:
                        history.append(message)
                    rendered = plugin.compact(history, limit_tokens=payload["limit_tokens"])
                    _send(stream, {"rendered": _told(rendered, history)})
            except SearchSpaceError as error:
                _send(stream, {"error": str(error)})


def _told(rendered: Sequence[Message], history: History) -> list[Any]:
    """Messages that stand in the history as numbers: a plug-in works on copies, so that they are found by content."""
    places = {_text(message): index for index, message in enumerate(history)}
    return [places.get(_text(message), message) for message in rendered]


def _text(message: Message) -> str:
    return json.dumps(message, sort_keys=True)


def _send(stream: Any, value: Mapping[str, Any]) -> None:
    stream.write(json.dumps(value).encode() + b"\n")
    stream.flush()
