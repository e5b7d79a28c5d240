"""The agent's only way to a model: HTTP/1.1 over the door's unix socket, one connection kept open."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any, cast

from search_space.messages import ModelError, Request, Response

_STALE = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class DoorClient:
    """A :class:`search_space.messages.Model` behind a unix socket. For one thread at a time."""

    def __init__(self, socket_path: str, token: str, timeout_s: float = 600.0) -> None:
        """``token`` names the rollout to the door; ``timeout_s`` bounds the silence in one call."""
        self._path = socket_path
        self._timeout_s = timeout_s
        self._headers = {"Content-Type": "application/json", "x-api-key": token}
        self._connection = _UnixConnection(socket_path, timeout_s)

    def create(self, request: Request) -> Response:
        """Answer ``request``. Raises :class:`ModelError`: what the door said, or 503, 504 or 502 when it is not
        there, does not answer in time, or answers something that is no message."""
        body = _encode(request).encode("utf-8", "replace")
        try:
            status, text = self._send(body)
        except TimeoutError:
            self.close()
            message = f"the model door at {self._path} did not answer in {self._timeout_s:g} s"
            raise ModelError(504, "timeout_error", message) from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            message = f"cannot reach the model door at {self._path}: {error or type(error).__name__}"
            raise ModelError(503, "api_error", message) from None
        return self._read(status, text)

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._connection.close()

    def _send(self, body: bytes) -> tuple[int, bytes]:
        reused = self._connection.sock is not None
        try:
            return self._exchange(body)
        except _STALE:
            # A kept connection that the door closed while idle says so only now; a fresh one is tried once.
            self.close()
            if not reused:
                raise
            return self._exchange(body)

    def _exchange(self, body: bytes) -> tuple[int, bytes]:
        self._connection.request("POST", "/v1/messages", body, self._headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def _read(self, status: int, text: bytes) -> Response:
        try:
            answer: Any = json.loads(text)
        except ValueError:
            answer = None
        if status == 200 and isinstance(answer, dict) and isinstance(answer.get("content"), list):
            return cast(Response, answer)
        error = answer.get("error") if isinstance(answer, dict) else None
        if status >= 400 and isinstance(error, dict):
            raise ModelError(status, str(error.get("type", "api_error")), str(error.get("message", "")))
        shown = text[:200].decode("utf-8", "replace")
        raise ModelError(502, "api_error", f"the model door answered {status} and no message: {shown!r}")


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection whose address is a path."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("door", timeout=timeout_s)
        self._path = path
        self._patience_s = timeout_s

    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._patience_s)
            self._join(connection)
        except BaseException:
            connection.close()
            raise
        self.sock = connection

    def _join(self, connection: socket.socket) -> None:
        """Connect; while the door's queue is full, which a unix socket says at once instead of waiting, try again."""
        give_up = time.monotonic() + self._patience_s
        while True:
            try:
                return connection.connect(self._path)
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise TimeoutError from None
                time.sleep(0.01)
