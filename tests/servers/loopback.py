"""An HTTP server on loopback in threads of this process, that can break off, reset, stall and drip."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers.faults import Fault, Plan, Seen, never


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


@dataclass(frozen=True)
class Got:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    seen: Seen
    fault: Fault | None

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass(frozen=True)
class Answer:
    """``parts`` are sent one after the other in chunks; one part alone goes with its length."""

    parts: Iterable[bytes]
    content_type: str = "application/json"
    streamed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class LoopbackServer:
    """A context manager. Listens from construction to :meth:`close`; ``got`` are the POST requests in order.

    Subclasses answer in :meth:`respond`. GET requests know no faults and are not counted.
    """

    def __init__(self, *, plan: Plan = never) -> None:
        self.plan = plan
        self.got: list[Got] = []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self._digests: Counter[str] = Counter()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def respond(self, got: Got) -> Answer:
        """Raises :class:`Refusal`."""
        raise NotImplementedError

    def misbehave(self, got: Got, answer: Answer, fault: Fault) -> Answer:
        """``answer`` with what ``fault`` makes of its content, for the faults that are about content."""
        return answer

    def note(self, method: str, path: str, headers: Mapping[str, str], raw: bytes) -> Got:
        digest = blake2b(raw, digest_size=12).hexdigest()
        with self.lock:
            seen = Seen(len(self.got), digest, self._digests[digest])
            got = Got(method, path, headers, raw, seen, self.plan(seen) if method == "POST" else None)
            if method == "POST":
                self.got.append(got)
                self._digests[digest] += 1
        return got

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    block_on_close = False
    owner: LoopbackServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("content-length", "0"))))

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def _handle(self, raw: bytes) -> None:
        owner = self.server.owner
        got = owner.note(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, raw)
        fault = got.fault
        if fault is not None and fault.kind == "hang":
            owner.closing.wait(fault.seconds)
            self._drop(reset=False)
        elif fault is not None and fault.kind == "reset":
            self._drop(reset=True)
        else:
            try:
                answer = owner.respond(got)
                self._answer(owner.misbehave(got, answer, fault) if fault else answer, fault)
            except Refusal as refusal:
                self._refuse(refusal)

    def _refuse(self, refusal: Refusal) -> None:
        body = json.dumps(refusal.body).encode()
        self.send_response(refusal.status)
        self._headers({"content-type": "application/json", **refusal.headers, "content-length": str(len(body))})
        self.wfile.write(body)

    def _answer(self, answer: Answer, fault: Fault | None) -> None:
        parts = list(answer.parts) if not answer.streamed else answer.parts
        self.send_response(200)
        headers = {"content-type": answer.content_type, "request-id": "req_loopback", **answer.headers}
        if answer.streamed:
            self._headers({**headers, "transfer-encoding": "chunked"})
        else:
            self._headers({**headers, "content-length": str(sum(map(len, parts)))})  # type: ignore[arg-type]
            parts = _halves(parts) if fault else parts
        for number, part in enumerate(parts):
            if fault is not None and number >= fault.events and self._breaks(fault):
                return
            self._part(part, answer.streamed, fault)
        if fault is not None and fault.kind in ("cut", "reset_during", "stall") and self._breaks(fault):
            return  # shorter than fault.events
        if answer.streamed:
            self.wfile.write(b"0\r\n\r\n")

    def _part(self, part: bytes, streamed: bool, fault: Fault | None) -> None:
        data = b"%x\r\n%s\r\n" % (len(part), part) if streamed else part
        if fault is None or fault.kind != "slow":
            self.wfile.write(data)
            return
        for index in range(len(data)):
            if self.server.owner.closing.wait(fault.seconds):
                return
            self.wfile.write(data[index : index + 1])

    def _breaks(self, fault: Fault) -> bool:
        """Whether the answer ends here, and if so, how."""
        if fault.kind == "stall":
            self._until_gone(fault.seconds)
        if fault.kind in ("stall", "cut", "reset_during"):
            self._drop(reset=fault.kind == "reset_during")
            return True
        return False

    def _until_gone(self, seconds: float) -> None:
        """Silence until the client goes away, the server closes, or the time is over."""
        self.connection.settimeout(0.05)
        for _ in range(int(seconds / 0.05)):
            if self.server.owner.closing.is_set():
                return
            with contextlib.suppress(TimeoutError):
                if not self.connection.recv(1):
                    return

    def _drop(self, *, reset: bool) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            if reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
            self.connection.close()

    def _headers(self, headers: Mapping[str, str]) -> None:
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()


def _halves(parts: Iterable[bytes]) -> list[bytes]:
    """An answer that is not streamed, in pieces, so that a fault can come in its middle."""
    whole = b"".join(parts)
    return [whole[: len(whole) // 4], whole[len(whole) // 4 : len(whole) // 2], *([whole[len(whole) // 2 :]])]
