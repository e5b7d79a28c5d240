"""A whole answer as server-sent events, in the order that the Messages API documents, with pings until it is there.

``message_start``, then for each block ``content_block_start``, its ``content_block_delta`` and ``content_block_stop``,
then ``message_delta`` with stop reason and usage, and ``message_stop``; ``error`` instead when the call fails after the
stream began. Usage counts are totals: ``message_start`` gives no output tokens yet, so that nothing is counted twice.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from optimizer.models.http1 import encoded

PIECE_CHARS = 400
"""Characters in one delta."""
PING_EVERY_S = 10.0
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"


def events(response: Mapping[str, Any]) -> Iterator[bytes]:
    """``response`` as the events of a stream. Blocks of unknown kinds come whole in their ``content_block_start``."""
    stopped = {key: response[key] for key in ("stop_reason", "stop_sequence", "stop_details") if key in response}
    started = {**response, "content": [], **dict.fromkeys(stopped)}
    started["usage"] = {**response["usage"], "output_tokens": 0}
    yield event("message_start", message=started)
    for index, block in enumerate(response["content"]):
        first, deltas = _parts(block)
        yield event("content_block_start", index=index, content_block=first)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    yield event("message_delta", delta=stopped, usage=response["usage"])
    yield event("message_stop")


def event(kind: str, **fields: Any) -> bytes:
    """One server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode("ascii"), encoded({"type": kind, **fields}))


def _parts(block: Mapping[str, Any]) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """A block as it starts, and what is added to it."""
    match block["type"]:
        case "text":
            empty = {**block, "text": "", **({"citations": []} if block.get("citations") else {})}
            return empty, _text_deltas(block)
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            pieces = _pieces(json.dumps(block["input"], ensure_ascii=False)) if block["input"] else iter([""])
            return {**block, "input": {}}, ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
        case "thinking":
            return {**block, "thinking": "", "signature": ""}, _thinking_deltas(block)
        case _:
            return dict(block), iter(())


def _text_deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for piece in _pieces(block["text"]):
        yield {"type": "text_delta", "text": piece}
    for citation in block.get("citations") or ():
        yield {"type": "citations_delta", "citation": citation}


def _thinking_deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for piece in _pieces(block["thinking"]):
        yield {"type": "thinking_delta", "thinking": piece}
    yield {"type": "signature_delta", "signature": block.get("signature", "")}


def _pieces(text: str) -> Iterator[str]:
    return (text[at : at + PIECE_CHARS] for at in range(0, len(text), PIECE_CHARS))


class EventStream:
    """One streamed answer on a connection: begun by its first ping or by its events, whichever comes first."""

    def __init__(self, connection: socket.socket, *, chunks: bool, last: bool) -> None:
        """``chunks``: the client knows chunked bodies; else the end of the connection ends the stream. ``last``: the
        connection is closed after it."""
        self._connection, self._chunks = connection, chunks
        framing = b"transfer-encoding: chunked\r\n" if chunks else b""
        self._head = _HEAD + framing + (b"connection: close\r\n\r\n" if last or not chunks else b"\r\n")
        self.begun = False
        self.broken = False

    def ping(self) -> None:
        """Show that the answer is still awaited; never waits for a client that does not read."""
        data = self._opened(event("ping"))
        try:
            sent = self._connection.send(data, socket.MSG_DONTWAIT)
            self.broken = self.broken or sent < len(data)
        except BlockingIOError:
            self.broken = self.broken or not self.begun
        except OSError:
            self.broken = True
        self.begun = True

    def finish(self, data: bytes) -> None:
        """Send the events in ``data`` and end the stream. Raises :class:`OSError` when the client is gone."""
        if self.broken:
            raise ConnectionError("the client did not read a ping")
        end = b"0\r\n\r\n" if self._chunks else b""
        self._connection.sendall(self._opened(data) + end)
        self.begun = True

    def _opened(self, data: bytes) -> bytes:
        framed = b"%x\r\n%s\r\n" % (len(data), data) if self._chunks else data
        return framed if self.begun else self._head + framed


class Pinger:
    """One thread that pings every stream that waits; it exists only while there are some."""

    def __init__(self, every_s: float = PING_EVERY_S) -> None:
        self._every_s = every_s
        self._due: dict[EventStream, float] = {}
        self._changed = threading.Condition()
        self._running = False

    @contextmanager
    def watching(self, stream: EventStream) -> Iterator[None]:
        """Ping ``stream`` within this block, and never after it."""
        with self._changed:
            self._due[stream] = time.monotonic() + self._every_s
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="door-pings", daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                del self._due[stream]

    def _run(self) -> None:
        with self._changed:
            while self._due:
                now = time.monotonic()
                for stream in [stream for stream, due in self._due.items() if due <= now]:
                    stream.ping()
                    self._due[stream] = now + self._every_s
                # New streams are due no earlier than those that wait already: nobody has to wake this thread.
                self._changed.wait(max(0.0, min(self._due.values()) - now))
            self._running = False
