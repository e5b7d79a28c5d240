"""The MCP servers of an experiment: where they are, and whether they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.errors import SettingsError

CONNECT_TIMEOUT_S = 10.0
KEY_REFUSED = (401, 403)

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "ratchet", "version": "0"},
    },
}
"""The protocol's first message; what is answered matters less than that it is."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is, and the headers to add. The headers are secret: they are not shown."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def check_targets(targets: Mapping[str, Target]) -> None:
    """Ask each server once. Raises :class:`SettingsError` for one that cannot be reached, does not take the key or is
    no MCP server."""
    import httpx

    for name, target in targets.items():
        headers = {"accept": "application/json, text/event-stream", **target.headers}
        try:
            with httpx.Client(timeout=CONNECT_TIMEOUT_S) as client:
                with client.stream("POST", target.url, headers=headers, json=HELLO) as response:
                    status, session = response.status_code, response.headers.get("mcp-session-id")
                if session is not None:
                    client.delete(target.url, headers={**headers, "mcp-session-id": session})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SettingsError(
                f"mcp.{name}.url: {target.url} cannot be reached: {type(error).__name__}: {error}",
                hint="start the server, or correct the address",
            ) from None
        if status in KEY_REFUSED:
            raise SettingsError(
                f"mcp.{name}: {target.url} answered {status}: it does not take what it is sent as key",
                hint=f"see mcp.{name}.headers_from_env and the variables that it names",
            )
        if status >= 500 or status in (404, 405) or 300 <= status < 400:
            raise SettingsError(
                f"mcp.{name}.url: {target.url} answered {status}, expected an MCP server (streamable HTTP)",
                hint="the address is the whole one, often with /mcp at its end, after any redirects",
            )
