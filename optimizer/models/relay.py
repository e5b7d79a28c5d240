"""The way from a rollout to MCP servers that have an address: the door's ``/mcp/NAME`` forwards to them.

A rollout has no network. What it sends here goes to the server called NAME with the headers that the experiment adds,
keys among them, which never enter a sandbox. Only for the token of a rollout that runs, and only until its deadline.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from optimizer.models.base import UpstreamError
from optimizer.models.http1 import Head
from optimizer.models.keys import without_key
from optimizer.models.mcp_target import CONNECT_TIMEOUT_S, KEY_REFUSED, Target, check_targets
from search_space.messages import ModelError

if TYPE_CHECKING:
    import httpx

MCP = "/mcp/"
METHODS = ("POST", "GET", "DELETE")
LONGEST_S = 3600.0
"""Of one answer, whatever the rollout's deadline."""
LOOK_EVERY_S = 0.25
MAX_ANSWER_BYTES = 32 * 2**20
"""Of one answer, a stream of events too."""
FORWARDED = ("accept", "content-type", "last-event-id")
RETURNED = ("content-type", "retry-after")
OWN = "mcp-"
"""Headers that begin so are the protocol's and go both ways; of the others only those above."""
NOT_NOW = (429, 502, 503, 504)


class Sessions(Protocol):
    """The door, as far as the relay needs it."""

    def deadline(self, token: str) -> float:
        """The ``time.monotonic()`` instant until which the token's calls are answered. Raises ModelError (401)."""
        ...

    def spoilt(self, token: str, error: UpstreamError) -> None:
        """The rollout met a failure that is not its own: it is no measurement."""
        ...


class Relay:
    """Forwards to ``targets`` by name. Safe to use from any number of threads; connects to nothing until asked."""

    def __init__(self, targets: Mapping[str, Target], sessions: Sessions) -> None:
        self._targets = dict(targets)
        self._sessions = sessions
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._exchanges: set[_Exchange] = set()
        self._closed = threading.Event()

    def handle(self, connection: socket.socket, head: Head, body: bytes) -> bool:
        """Forward one request for ``/mcp/NAME`` and write the answer to ``connection``; whether it was written whole,
        so that the connection can be used again. Faults are told as JSON-RPC errors, which MCP clients understand."""
        try:
            left = min(self._sessions.deadline(head.token) - time.monotonic(), LONGEST_S)
            name = self._known(head)
        except ModelError as error:
            return _tell(connection, error.status, error.message)
        if left <= 0:
            return _tell(connection, 504, "the rollout's deadline has passed")
        exchange = _Exchange(connection, lambda: self._over(head.token))
        with self._watched(exchange):
            return self._forward(exchange, name, head, body, left)

    def close(self) -> None:
        """End every exchange; closing twice does nothing."""
        self._closed.set()
        with self._lock:
            exchanges, client, self._client = list(self._exchanges), self._client, None
        for exchange in exchanges:
            exchange.cut()
        if client is not None:
            client.close()

    def _known(self, head: Head) -> str:
        name = head.path.removeprefix(MCP)
        if name not in self._targets:
            known = ", ".join(sorted(self._targets)) or "none"
            raise ModelError(404, "not_found_error", f"got the MCP server '{name[:80]}', expected one of: {known}")
        if head.method not in METHODS:
            raise ModelError(405, "invalid_request_error", f"got {head.method}, expected {', '.join(METHODS)}")
        return name

    def _forward(self, exchange: _Exchange, name: str, head: Head, body: bytes, left: float) -> bool:
        import httpx

        begun, target, token = False, self._targets[name], head.token
        timeout = httpx.Timeout(left, connect=min(CONNECT_TIMEOUT_S, left))
        sent = {**_chosen(head.headers), "accept-encoding": "identity", **target.headers}
        try:
            with self._http().stream(head.method, target.url, headers=sent, content=body, timeout=timeout) as response:
                exchange.response = response
                self._blame(token, name, response.status_code)
                begun = True
                return _write(exchange, response)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            if begun or self._closed.is_set():
                return False
            why = _without_keys(f"mcp.{name}: {type(error).__name__}: {error}", target)
            if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                self._spoilt(token, name, 503, "api_error", why, again=True)
            return _tell(exchange.connection, 502, why)

    def _blame(self, token: str, name: str, status: int) -> None:
        """A refused key and a server that is overloaded say nothing about the rollout."""
        if status in KEY_REFUSED:
            text = f"mcp.{name}: the server answered {status}: see mcp.{name}.headers_from_env in experiment.toml"
            self._spoilt(token, name, status, "authentication_error", text, again=False)
        elif status in NOT_NOW:
            text = f"mcp.{name}: the server answered {status}"
            self._spoilt(token, name, status, "api_error", text, again=True)

    def _spoilt(self, token: str, name: str, status: int, kind: str, text: str, *, again: bool) -> None:
        well = partial(_is_well, name, self._targets[name])
        self._sessions.spoilt(token, UpstreamError(status, kind, text, again=again, well=well))

    def _http(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._closed.is_set():
                raise RuntimeError("the relay was closed")
            if self._client is None:
                # A connection for each exchange: one that is cut must never be one that another exchange has by now.
                limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
                self._client = httpx.Client(limits=limits, follow_redirects=False)
                threading.Thread(target=self._watch, name="mcp-relay", daemon=True).start()
            return self._client

    @contextlib.contextmanager
    def _watched(self, exchange: _Exchange) -> Iterator[None]:
        with self._lock:
            self._exchanges.add(exchange)
        try:
            yield
        finally:
            with self._lock:
                self._exchanges.discard(exchange)

    def _watch(self) -> None:
        """A stream may be silent for long: whether anybody still wants it has to be asked from outside."""
        while not self._closed.wait(LOOK_EVERY_S):
            with self._lock:
                exchanges = list(self._exchanges)
            for exchange in exchanges:
                if exchange.unwanted():
                    exchange.cut()

    def _over(self, token: str) -> bool:
        try:
            return self._sessions.deadline(token) <= time.monotonic()
        except ModelError:
            return True


@dataclass(slots=True, eq=False)
class _Exchange:
    """A request under way: the rollout's side, and the server's once it answers. ``over``: its rollout has ended."""

    connection: socket.socket
    over: Callable[[], bool]
    response: httpx.Response | None = None

    def unwanted(self) -> bool:
        """Whether the rollout has ended or hung up."""
        if self.over():
            return True
        try:
            poll = select.poll()
            poll.register(self.connection, select.POLLIN)
            # Asked only when there is something: a socket with a timeout would wait for it, whatever the flags say.
            return bool(poll.poll(0)) and self.connection.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    def cut(self) -> None:
        """Make whoever reads the answer see its end."""
        stream = self.response.extensions.get("network_stream") if self.response is not None else None
        upstream = stream.get_extra_info("socket") if stream is not None else None
        if upstream is not None:
            with contextlib.suppress(OSError):
                upstream.shutdown(socket.SHUT_RDWR)


def _is_well(name: str, target: Target) -> bool:
    """Whether the server answers us, who have the same key and send nothing odd."""
    from optimizer.errors import SettingsError

    try:
        check_targets({name: target})
    except SettingsError:
        return False
    return True


def _chosen(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """The headers of a rollout that go to the server."""
    named = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
    return {name: value for name, value in named.items() if name in FORWARDED or name.startswith(OWN)}


def _without_keys(text: str, target: Target) -> str:
    for value in target.headers.values():
        text = without_key(text, value)
    return text


def _write(exchange: _Exchange, response: httpx.Response) -> bool:
    """Pass the answer on as it comes; whether all of it was passed on."""
    lines = [f"HTTP/1.1 {response.status_code} {response.reason_phrase or 'Answer'}"]
    for name, value in response.headers.items():
        if name.lower() in RETURNED or name.lower().startswith(OWN):
            lines.append(f"{name.lower()}: {value}")
    has_body = response.status_code not in (204, 304)
    lines += ["transfer-encoding: chunked"] * has_body
    exchange.connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))
    size = 0
    for piece in response.iter_raw():
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            return False
        if piece and has_body:
            exchange.connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    if exchange.over():
        return False  # what looks like the end may be our own cut
    if has_body:
        exchange.connection.sendall(b"0\r\n\r\n")
    return True


def _tell(connection: socket.socket, status: int, text: str) -> bool:
    error: dict[str, Any] = {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": text}}
    body = json.dumps(error).encode("ascii")
    head = f"HTTP/1.1 {status} Error\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode("ascii") + body)
    return True
