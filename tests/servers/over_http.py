"""An MCP server of this folder as a process of its own, over HTTP on loopback."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = Path(__file__).parent / "mcp_server.py"
PATIENCE_S = 30.0


@contextmanager
def over_http(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The server's address, which it writes into ``folder``, and its process, which ends with the block."""
    file = folder / "address"
    process = subprocess.Popen([sys.executable, str(SERVER), "http", str(file)])
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not file.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield file.read_text(), process
    finally:
        process.kill()
        process.wait()
