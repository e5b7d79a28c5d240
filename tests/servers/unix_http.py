"""HTTP on a unix socket, as the door speaks it to a rollout: what servers of tests have in common."""

from __future__ import annotations

import http.server
import socketserver
from typing import Any


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """One thread a connection; none is waited for at the end."""

    daemon_threads = True
    block_on_close = False


class Handler(http.server.BaseHTTPRequestHandler):
    """Keeps connections open, and is silent."""

    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes) -> None:
        """Send all of an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def address_string(self) -> str:
        return "unix"
