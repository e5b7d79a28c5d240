"""The door as an HTTP/1.1 server that speaks the Messages API, on a unix socket or on loopback.

``POST /v1/messages`` (streamed where ``stream`` asks for it), ``POST /v1/messages/count_tokens``, ``GET /v1/models``
and ``GET /health``; and ``/mcp/NAME``, which a relay forwards. One thread a connection; a rollout keeps one connection
to the model, and others to MCP servers.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from optimizer.errors import SandboxError
from optimizer.models.callers import caller, who_gives_way
from optimizer.models.door import Door
from optimizer.models.http1 import Head, Reader, Refused, answer, encoded, error_body
from optimizer.models.relay import MCP, Relay
from optimizer.models.streaming import PING_EVERY_S, EventStream, Pinger, event, events
from search_space.messages import ModelError

MAX_ANSWER_BYTES = 16 * 2**20
MAX_CONNECTIONS = 256
IDLE_TIMEOUT_S = 600.0
LOOPBACK = "127.0.0.1"
ROUTES = "POST /v1/messages, POST /v1/messages/count_tokens, GET /v1/models or GET /health"


class DoorServer:
    """Serves ``door`` on the unix socket ``path`` (mode 0600), or with None on a free port of the loopback address,
    from construction to :meth:`close`. A context manager.

    Raises :class:`SandboxError` when the socket cannot be made.
    """

    def __init__(
        self, door: Door, path: Path | None, *, relay: Relay | None = None, ping_every_s: float = PING_EVERY_S
    ) -> None:
        self._door = door
        self._relay = relay or Relay({}, door)
        self.path = path
        self._listener = _listen_on_loopback() if path is None else _listen(path)
        self._pinger = Pinger(ping_every_s)
        self._connections: dict[socket.socket, int] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._acceptor = threading.Thread(target=self._accept, name="door", daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Where a server on loopback is reached: what ``ANTHROPIC_BASE_URL`` is set to."""
        if self.path is not None:
            raise ValueError(f"the door listens on {self.path}, which has no URL")
        return f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"

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
        if self.path is not None:
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
            if self._admitted(connection):
                threading.Thread(target=self._converse, args=(connection,), name="door-call", daemon=True).start()
            else:
                with contextlib.suppress(OSError):
                    connection.sendall(_told(ModelError(529, "overloaded_error", "too many connections"), last=True))
                connection.close()

    def _admitted(self, connection: socket.socket) -> bool:
        """Whether there is room, made where one caller has taken more than others."""
        whose = caller(connection)
        with self._lock:
            if self._closed:
                return False
            if len(self._connections) >= MAX_CONNECTIONS:
                dropped = who_gives_way(self._connections, whose)
                if dropped is None:
                    return False
                del self._connections[dropped]
                with contextlib.suppress(OSError):
                    dropped.shutdown(socket.SHUT_RDWR)
            self._connections[connection] = whose
            return True

    def _converse(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(IDLE_TIMEOUT_S)
            if connection.family == socket.AF_INET:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = Reader(connection)
            while self._exchange(connection, reader):
                pass
        except OSError:
            pass  # the other side is gone: a rollout that ended or was killed
        finally:
            with self._lock:
                self._connections.pop(connection, None)
            connection.close()

    def _exchange(self, connection: socket.socket, reader: Reader) -> bool:
        """Read one request and answer it; whether the connection stays open."""
        try:
            request = reader.request()
        except Refused as refused:
            connection.sendall(_told(refused.error, last=True))
            return False
        if request is None:
            return False
        head, body = request
        if head.path.startswith(MCP):
            return self._relay.handle(connection, head, body) and head.keep
        try:
            self._answer(connection, head, body)
        except ModelError as error:
            connection.sendall(_told(error, last=not head.keep, head_only=head.method == "HEAD"))
        return head.keep

    def _answer(self, connection: socket.socket, head: Head, body: bytes) -> None:
        if (head.method, head.path) == ("POST", "/v1/messages"):
            asked = _json(body)
            if isinstance(asked, dict):
                streamed = asked.pop("stream", False)
                if streamed is True:
                    self._stream(connection, head, asked)
                    return
            value = _bounded(self._create(head.token, asked))
        else:
            value = encoded(self._route(head, body))
        connection.sendall(answer(200, value, last=not head.keep, head_only=head.method == "HEAD"))

    def _route(self, head: Head, body: bytes) -> Any:
        """The answers that cost nothing."""
        match ("GET" if head.method == "HEAD" else head.method), head.path:
            case "GET", "/health":
                return {"status": "ok"}
            case "GET", "/v1/models":
                listed = [_model(role) for role in self._door.roles(head.token)]
                ends = {"first_id": listed[0]["id"], "last_id": listed[-1]["id"]} if listed else {}
                return {"data": listed, "has_more": False, **ends}
            case "GET", path if path.startswith("/v1/models/"):
                self._door.roles(head.token)
                return _model(path.removeprefix("/v1/models/"))
            case "POST", "/v1/messages/count_tokens":
                return {"input_tokens": self._door.count(head.token, _json(body))}
            case method, path:
                raise ModelError(404, "not_found_error", f"got {method} {path}, expected {ROUTES}")

    def _stream(self, connection: socket.socket, head: Head, asked: dict[str, Any]) -> None:
        """Answer with a stream. What fails before the first ping is an ordinary error."""
        stream = EventStream(connection, chunks=head.chunks, last=not head.keep)
        try:
            with self._pinger.watching(stream):
                response = self._create(head.token, asked)
            _bounded(response)
        except ModelError as error:
            if not stream.begun:
                raise
            stream.finish(event("error", error=error_body(error)["error"]))
        else:
            stream.finish(b"".join(events(response)))

    def _create(self, token: str, asked: Any) -> Any:
        try:
            return self._door.create(token, asked)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(500, "api_error", f"{type(error).__name__}: {error}") from error


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ModelError(400, "invalid_request_error", f"the body is no JSON: {error}") from None


def _bounded(response: Any) -> bytes:
    body = encoded(response)
    if len(body) > MAX_ANSWER_BYTES:
        text = f"the model's answer has {len(body):,} bytes, expected at most {MAX_ANSWER_BYTES:,}: lower max_tokens"
        raise ModelError(502, "api_error", text)
    return body


def _model(name: str) -> dict[str, str]:
    """A model as the API lists it; a harness written by others may look before it asks."""
    return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}


def _told(error: ModelError, *, last: bool, head_only: bool = False) -> bytes:
    return answer(error.status, encoded(error_body(error)), last=last, head_only=head_only)


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
        listener.bind(os.fspath(path))
        path.chmod(0o600)  # nobody can connect before listen(): there is no moment with wider rights
        listener.listen(MAX_CONNECTIONS)
    except OSError as error:
        listener.close()
        hint = "choose a shorter path: a unix socket's is limited to about 100 bytes" if len(str(path)) > 90 else ""
        raise SandboxError(f"{path}: cannot open the model door's socket: {error}", hint=hint) from None
    return listener


def _listen_on_loopback() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.bind((LOOPBACK, 0))
        listener.listen(MAX_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise SandboxError(f"{LOOPBACK}: the model door cannot listen on loopback: {error}") from None
    return listener
