"""HTTP/1.1 as far as the door needs it: heads and bodies from a byte stream, answers back.

Hand-written instead of ``http.server``: the standard library parses headers through the e-mail package, which costs
more than a whole call of the embedded model.
"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from typing import Any

from search_space.messages import ModelError

MAX_BODY_BYTES = 32 * 2**20
MAX_HEAD_BYTES = 16 * 2**10
_REQUEST_LINE = re.compile(rb"([A-Z]+) (/[!-~]*) HTTP/1\.([01])")
_REASONS = {200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 402: b"Payment Required", 404: b"Not Found"}


class Refused(Exception):
    """A request that cannot be read; the connection is closed after the answer."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.error = ModelError(status, kind, message)


@dataclass(frozen=True, slots=True)
class Head:
    """``headers`` by lower-case name; ``keep`` says whether the connection stays open, ``chunks`` whether the client
    knows chunked bodies."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    keep: bool
    chunks: bool

    @property
    def token(self) -> str:
        """The caller's token: ``x-api-key``, or the bearer of ``authorization``; empty when there is none."""
        key = self.headers.get(b"x-api-key", b"").decode("latin-1")
        scheme, _, bearer = self.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        return key or (bearer.strip() if scheme.lower() == "bearer" else "")


class Reader:
    """Heads and bodies from a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def request(self) -> tuple[Head, bytes] | None:
        """The next request, None at the end of the stream. Raises :class:`Refused`."""
        data = self._head()
        if data is None:
            return None
        head = _parse(data)
        length, expects = _body_length(head.headers), head.headers.get(b"expect", b"").lower() == b"100-continue"
        return head, self._body(length, expects=expects)

    def _head(self) -> bytes | None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise Refused(431, "invalid_request_error", f"more than {MAX_HEAD_BYTES:,} bytes of headers")
            if not self._more():
                if self._buffer.strip():
                    raise Refused(400, "invalid_request_error", "the connection ended within the headers")
                return None
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        return head

    def _body(self, length: int, *, expects: bool) -> bytes:
        """The next ``length`` bytes; ``expects`` when the client waits for leave to send them."""
        if expects and len(self._buffer) < length:
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(self._buffer) < length:
            if not self._more():
                raise Refused(400, "invalid_request_error", f"got {len(self._buffer)} of {length} bytes of the body")
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _more(self) -> bool:
        data = self._connection.recv(65536)
        self._buffer += data
        return bool(data)


def encoded(value: Any) -> bytes:
    """``value`` as compact JSON in ASCII: whatever text it holds can be sent."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def answer(status: int, body: bytes, *, last: bool, head_only: bool = False) -> bytes:
    """A whole JSON answer; ``last`` tells the client that the connection is closed after it."""
    reason = _REASONS.get(status, b"Error")
    end = b"connection: close\r\n\r\n" if last else b"\r\n"
    # The door has tried as often as it is worth: SDKs that would try again on their own are told not to.
    end = b"x-should-retry: false\r\n" + end if status >= 400 else end
    head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s"
    return head % (status, reason, len(body), end) + (b"" if head_only else body)


def error_body(error: ModelError) -> dict[str, Any]:
    """``error`` in the API's JSON shape."""
    return {"type": "error", "error": {"type": error.kind, "message": error.message}}


def _parse(head: bytes) -> Head:
    first, *lines = head.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise Refused(400, "invalid_request_error", f"the request line is no HTTP/1.1: {first[:80]!r}")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise Refused(400, "invalid_request_error", f"a header without a name or a colon: {line[:80]!r}")
        headers[name.lower()] = value.strip()
    connection, newer = headers.get(b"connection", b"").lower(), match[3] == b"1"
    keep = connection != b"close" if newer else connection == b"keep-alive"
    return Head(match[1].decode(), match[2].decode().partition("?")[0], headers, keep, newer)


def _body_length(headers: dict[bytes, bytes]) -> int:
    if b"transfer-encoding" in headers:
        raise Refused(411, "invalid_request_error", "got transfer-encoding, expected a body with content-length")
    text = headers.get(b"content-length", b"0")
    if not text.isdigit() or len(text) > 12:
        raise Refused(400, "invalid_request_error", f"content-length: got {text[:40]!r}, expected a whole number")
    if int(text) > MAX_BODY_BYTES:
        message = f"got a body of {int(text):,} bytes, expected at most {MAX_BODY_BYTES:,}"
        raise Refused(413, "request_too_large", message)
    return int(text)
