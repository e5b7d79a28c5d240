"""A web server on this machine that serves one file in the ways that servers do, good and bad."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from optimizer.fetching.sets import PublicFile


@dataclass
class Shelf:
    """``content`` at every path. The first ``cuts`` answers end after ``piece`` bytes; without ``ranges`` the server
    knows none; ``code`` answers every request; ``asked`` are the Range headers that came."""

    content: bytes
    cuts: int = 0
    piece: int = 1000
    ranges: bool = True
    code: int = 200
    location: str = ""
    encoding: str = ""
    length: bool = True
    asked: list[str | None] = field(default_factory=list)
    address: str = ""

    @property
    def wanted(self) -> PublicFile:
        """What the file must be."""
        digest = hashlib.sha256(self.content).hexdigest()
        return PublicFile(path="data.bin", bytes=len(self.content), sha256=digest)


@contextmanager
def serving(shelf: Shelf) -> Iterator[Shelf]:
    """The server, ended on the way out."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, shelf)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    shelf.address = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, shelf: Shelf) -> None:
    asked = handler.headers.get("Range")
    shelf.asked.append(asked)
    first = int(re.match(r"bytes=(\d+)-", asked)[1]) if asked and shelf.ranges else 0  # type: ignore[index]
    code = shelf.code if shelf.code != 200 else 416 if first >= len(shelf.content) else 206 if first else 200
    body = shelf.content[first:] if code in (200, 206) else b""
    handler.send_response(code)
    if shelf.location:
        handler.send_header("Location", shelf.location)
    if shelf.encoding:
        handler.send_header("Content-Encoding", shelf.encoding)
    if code == 206:
        handler.send_header("Content-Range", f"bytes {first}-{len(shelf.content) - 1}/{len(shelf.content)}")
    if shelf.length:
        handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Content-Type", "application/octet-stream")
    handler.end_headers()
    if shelf.cuts:
        shelf.cuts -= 1
        body = body[: shelf.piece]
    handler.wfile.write(body)
    handler.close_connection = True
