"""The door as an HTTP/1.1 server on a unix socket: ``POST /v1/messages`` and ``GET /health``.

A hand-written loop instead of ``http.server``: the standard library parses headers through the e-mail package, which
costs more than a whole call of the embedded model. One thread a connection; a rollout keeps one connection.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import stat
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from optimizer.errors import SandboxError
from optimizer.models.door import Door, error_body
from search_space.messages import ModelError

MAX_BODY_BYTES = 32 * 2**20
MAX_HEAD_BYTES = 16 * 2**10
MAX_CONNECTIONS = 256
IDLE_TIMEOUT_S = 600.0
_REQUEST_LINE = re.compile(rb"([A-Z]+) (/[!-~]*) HTTP/1\.([01])")
_REASONS = {200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 402: b"Payment Required", 404: b"Not Found"}


class _Refused(Exception):
    """A request that cannot be read; the connection is closed after the answer."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.error = ModelError(status, kind, message)


class DoorServer:
    """Serves ``door`` on ``path`` from construction to :meth:`close`. A context manager.

    The socket file has mode 0600. Raises :class:`SandboxError` when the socket cannot be made.
    """

    def __init__(self, door: Door, path: Path) -> None:
        self._door = door
        self.path = path
        self._listener = _listen(path)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._acceptor = threading.Thread(target=self._accept, name="door", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop listening, drop every connection and remove the socket file. Closing twice does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            open_now = list(self._connections)
        for connection in [self._listener, *open_now]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(timeout=1.0)
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> DoorServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._closed or self._listener.fileno() < 0:
                    return
                continue
            with self._lock:
                room = not self._closed and len(self._connections) < MAX_CONNECTIONS
                if room:
                    self._connections.add(connection)
            if room:
                threading.Thread(target=self._converse, args=(connection,), name="door-call", daemon=True).start()
            else:
                _send_error(connection, ModelError(529, "overloaded_error", "too many connections"), last=True)
                connection.close()

    def _converse(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(IDLE_TIMEOUT_S)
            reader = _Reader(connection)
            while self._exchange(connection, reader):
                pass
        except OSError:
            pass  # the other side is gone: a rollout that ended or was killed
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _exchange(self, connection: socket.socket, reader: _Reader) -> bool:
        """Read one request and answer it; whether the connection stays open."""
        try:
            head = reader.head()
            if head is None:
                return False
            method, target, headers, keep = _parse_head(head)
            body = reader.body(_body_length(headers), expects=headers.get(b"expect", b"").lower() == b"100-continue")
        except _Refused as refused:
            _send_error(connection, refused.error, last=True)
            return False
        try:
            _send(connection, 200, self._route(method, target, headers, body), last=not keep)
        except ModelError as error:
            _send_error(connection, error, last=not keep)
        return keep

    def _route(self, method: str, target: str, headers: dict[bytes, bytes], body: bytes) -> Any:
        path = target.partition("?")[0]
        if path == "/health" and method == "GET":
            return {"status": "ok"}
        if path != "/v1/messages" or method != "POST":
            raise ModelError(404, "not_found_error", f"got {method} {path}, expected POST /v1/messages or GET /health")
        token = headers.get(b"x-api-key", b"").decode("latin-1")
        try:
            request = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ModelError(400, "invalid_request_error", f"the body is no JSON: {error}") from None
        try:
            return self._door.create(token, request)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(500, "api_error", f"{type(error).__name__}: {error}") from error


class _Reader:
    """Heads and bodies from a byte stream."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def head(self) -> bytes | None:
        """The bytes up to the empty line, or None at the end of the stream."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise _Refused(431, "invalid_request_error", f"more than {MAX_HEAD_BYTES:,} bytes of headers")
            if not self._more():
                if self._buffer.strip():
                    raise _Refused(400, "invalid_request_error", "the connection ended within the headers")
                return None
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        return head

    def body(self, length: int, *, expects: bool) -> bytes:
        """The next ``length`` bytes; ``expects`` when the client waits for leave to send them."""
        if expects and len(self._buffer) < length:
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(self._buffer) < length:
            if not self._more():
                raise _Refused(400, "invalid_request_error", f"got {len(self._buffer)} of {length} bytes of the body")
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _more(self) -> bool:
        data = self._connection.recv(65536)
        self._buffer += data
        return bool(data)


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
        listener.bind(os.fspath(path))
        path.chmod(0o600)  # nobody can connect before listen(): there is no moment with wider rights
        listener.listen(128)
    except OSError as error:
        listener.close()
        hint = "choose a shorter path: a unix socket's is limited to about 100 bytes" if len(str(path)) > 90 else ""
        raise SandboxError(f"{path}: cannot open the model door's socket: {error}", hint=hint) from None
    return listener


def _parse_head(head: bytes) -> tuple[str, str, dict[bytes, bytes], bool]:
    """Method, target, headers by lower-case name, and whether the connection is to be kept."""
    first, *lines = head.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise _Refused(400, "invalid_request_error", f"the request line is no HTTP/1.1: {first[:80]!r}")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise _Refused(400, "invalid_request_error", f"a header without a name or a colon: {line[:80]!r}")
        headers[name.lower()] = value.strip()
    connection = headers.get(b"connection", b"").lower()
    keep = connection != b"close" if match[3] == b"1" else connection == b"keep-alive"
    return match[1].decode(), match[2].decode(), headers, keep


def _body_length(headers: dict[bytes, bytes]) -> int:
    if b"transfer-encoding" in headers:
        raise _Refused(411, "invalid_request_error", "got transfer-encoding, expected a body with content-length")
    text = headers.get(b"content-length", b"0")
    if not text.isdigit() or len(text) > 12:
        raise _Refused(400, "invalid_request_error", f"content-length: got {text[:40]!r}, expected a whole number")
    if int(text) > MAX_BODY_BYTES:
        message = f"got a body of {int(text):,} bytes, expected at most {MAX_BODY_BYTES:,}"
        raise _Refused(413, "request_too_large", message)
    return int(text)


def _send_error(connection: socket.socket, error: ModelError, *, last: bool) -> None:
    with contextlib.suppress(OSError):
        _send(connection, error.status, error_body(error), last=last)


def _send(connection: socket.socket, status: int, value: Any, *, last: bool) -> None:
    body = json.dumps(value, separators=(",", ":")).encode("ascii")
    reason = _REASONS.get(status, b"Error")
    end = b"connection: close\r\n\r\n" if last else b"\r\n"
    connection.sendall(
        b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s%s"
        % (status, reason, len(body), end, body)
    )
