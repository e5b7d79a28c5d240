"""Messages between the campaign's process, the fork server and the supervisors: length, then JSON."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

HEADER = struct.Struct("!I")
MESSAGE_BYTES = 64 * 1024 * 1024


def send(channel: socket.socket, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
    """Send one message, with open descriptors when given; raises :class:`OSError` when the other side is gone."""
    data = json.dumps(message, separators=(",", ":")).encode()
    data = HEADER.pack(len(data)) + data
    if fds:
        sent = socket.send_fds(channel, [data], list(fds))
        data = data[sent:]
    channel.sendall(data)


def receive(channel: socket.socket, *, max_fds: int = 0) -> tuple[dict[str, Any], list[int]]:
    """The next message and the descriptors sent along; raises :class:`EOFError` when the other side is gone."""
    fds: list[int] = []
    head = b""
    while len(head) < HEADER.size:
        if max_fds:
            chunk, received, _, _ = socket.recv_fds(channel, HEADER.size - len(head), max_fds)
            fds += received
        else:
            chunk = channel.recv(HEADER.size - len(head))
        if not chunk:
            raise EOFError
        head += chunk
    (length,) = HEADER.unpack(head)
    if length > MESSAGE_BYTES:
        raise EOFError(f"a message of {length} bytes")
    message = json.loads(_exactly(channel, length))
    return message, fds


def _exactly(channel: socket.socket, length: int) -> bytes:
    parts = []
    while length:
        chunk = channel.recv(min(length, 1 << 20))
        if not chunk:
            raise EOFError
        parts.append(chunk)
        length -= len(chunk)
    return b"".join(parts)
