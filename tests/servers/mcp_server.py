"""A well-behaved MCP server, written with the official SDK: ``mcp_server.py`` on stdin and stdout, or ``mcp_server.py
http FILE`` on a free port of loopback, whose address it writes to FILE. Tools: add, note, notes, env, picture, fail."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mcp.server.mcpserver import Image, MCPServer
from mcp.types import ToolAnnotations

server = MCPServer("shelf")
notes: list[str] = []


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


@server.tool()
def note(text: str) -> str:
    """Remember a text."""
    notes.append(text)
    return f"noted as {len(notes)}"


@server.tool(name="notes", annotations=ToolAnnotations(read_only_hint=True))
def all_notes() -> str:
    """What was remembered."""
    return "\n".join(notes)


@server.tool()
def env() -> str:
    """The names in the environment, and where it runs."""
    return " ".join([*sorted(os.environ), str(Path.cwd())])


@server.tool()
def picture() -> Image:
    """A picture."""
    return Image(data=b"\x89PNG0123", format="png")


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("no such thing")


def serve_http(file: Path) -> None:
    import socket

    import uvicorn

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        part = file.with_suffix(".part")
        part.write_text(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", encoding="utf-8")
        part.replace(file)
        uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_level="error")).run(sockets=[listener])


if __name__ == "__main__":
    if sys.argv[1:2] == ["http"]:
        serve_http(Path(sys.argv[2]))
    else:
        server.run()
