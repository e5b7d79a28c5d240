"""Tools of MCP servers, through the official ``mcp`` SDK.

The SDK is asynchronous and takes a second to import: it is imported, and a thread with an event loop started, only when
the harness names a server.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.agent.mcp.relay import Relay, relay_of
from search_space.harness import Harness
from search_space.harness_file import ToolsConfig
from search_space.mcp_servers import SEPARATOR, McpServer
from search_space.tools import Effects, Tool

if TYPE_CHECKING:
    from baselines.agent.mcp.connection import Connection
    from baselines.agent.mcp.event_loop import EventLoop

__all__ = ["McpTools", "Relay", "mcp_tools", "relay_of"]

Record = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class McpTools:
    """The tools of all servers, and the names that the harness may use for tools that are not there after all: all of a
    server's that did not start and was not required, and those that were left out."""

    tools: tuple[Tool, ...] = ()
    absent: frozenset[str] = frozenset()
    absent_servers: frozenset[str] = frozenset()

    def fitting(self, harness: Harness) -> Harness:
        """The harness without what it says of tools that are absent."""
        if not (self.absent or self.absent_servers):
            return harness
        agents = {
            name: agent.model_copy(update={"tools": [tool for tool in agent.tools if not self._gone(tool)]})
            for name, agent in harness.subagents.items()
        }
        return harness.model_copy(update={"tools": self._fitted(harness.tools), "subagents": agents})

    def _fitted(self, config: ToolsConfig) -> ToolsConfig:
        changed: dict[str, Any] = {}
        for key in ("visibility", "order", "descriptions", "parallel", "effects"):
            value = getattr(config, key)
            kept = [name for name in value if not self._gone(name)]
            changed[key] = {name: value[name] for name in kept} if isinstance(value, dict) else kept
        return config.model_copy(update=changed)

    def _gone(self, name: str) -> bool:
        return name in self.absent or name.partition(SEPARATOR)[0] in self.absent_servers


@contextmanager
def mcp_tools(
    harness: Harness, harness_folder: Path, folder: Path, relay: Relay | None, record: Record
) -> Iterator[McpTools]:
    """Within this context the harness's servers run. What each one offers is recorded as ``{"kind": "mcp", ...}``.

    ``relay`` says how servers with a url are reached from a sandbox; None is for a rollout that has the network.
    Raises :class:`McpFailed` when a server that is required does not start.
    """
    if not harness.mcp:
        yield McpTools()
        return
    places = {"{python}": sys.executable, "{harness}": str(harness_folder.resolve()), "{folder}": str(folder.resolve())}
    from baselines.agent.mcp.event_loop import EventLoop

    with EventLoop() as loop:
        connections = [_connection(name, harness.mcp[name], places, folder, relay) for name in harness.mcp]
        loop.connections = connections
        yield _started(loop, connections, record)


def _started(loop: EventLoop, connections: Sequence[Connection], record: Record) -> McpTools:
    begun = time.monotonic()
    failures = loop.start()
    tools: list[Tool] = []
    absent: set[str] = set()
    down: set[str] = set()
    for connection, error in zip(connections, failures, strict=True):
        record(_entry(connection, error, time.monotonic() - begun))
        if error is not None:
            down.add(connection.name)
            continue
        tools += [_tool(loop, connection, name) for name in sorted(connection.listing.tools)]
        absent |= {connection.name + SEPARATOR + name for name in connection.listing.left_out}
    for connection, error in zip(connections, failures, strict=True):
        if error is not None and connection.server.required:
            raise error
    return McpTools(tuple(tools), frozenset(absent), frozenset(down))


def _entry(connection: Connection, error: BaseException | None, seconds: float) -> dict[str, Any]:
    entry: dict[str, Any] = {"kind": "mcp", "server": connection.name, "outcome": "failed" if error else "started"}
    if error is not None:
        entry["reason"] = str(error)
    else:
        listing = connection.listing
        entry["tools"] = sorted(listing.tools)
        entry["left_out"] = listing.left_out | dict.fromkeys(listing.missing(), "the server has no such tool")
    return {**entry, "seconds": round(seconds, 4)}


def _connection(
    name: str, server: McpServer, places: Mapping[str, str], folder: Path, relay: Relay | None
) -> Connection:
    from baselines.agent.mcp.connection import Connection
    from baselines.agent.mcp.listing import Listing
    from baselines.agent.mcp.stdio import Program

    program = None
    if server.command is not None:
        command = [_filled(part, places) for part in server.command]
        environment = {key: _filled(value, places) for key, value in server.environment.items()}
        program = Program(command, folder, environment)
    only = None if server.tools is None else tuple(server.tools)
    return Connection(name, server, program, relay, Listing(name, only))


def _filled(text: str, places: Mapping[str, str]) -> str:
    for mark, value in places.items():
        text = text.replace(mark, value)
    return text


def _tool(loop: EventLoop, connection: Connection, name: str) -> Tool:
    listed = connection.listing.tools[name]
    everything = frozenset({f"mcp-{connection.name}"})
    reads = connection.server.assume == "annotations" and listed.reads_only
    return Tool(
        connection.name + SEPARATOR + name,
        listed.description,
        listed.input_schema,
        partial(loop.call, connection, name),
        Effects(reads=everything) if reads else Effects(writes=everything),
        assumed=True,
    )
