"""The event loop in which the SDK runs, in a thread of its own; everything that is asked of it has a deadline."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from baselines.agent.mcp.connection import CLOSE_S, Connection, McpFailed
from search_space.tools import ToolError

T = TypeVar("T")
SLACK_S = 2.0
"""How much longer than its own deadline something in the event loop is waited for."""


@dataclass(slots=True)
class EventLoop:
    """A context manager, within which the loop runs; ``connections`` are closed at its end."""

    connections: Sequence[Connection] = ()
    _loop: Any = None
    _thread: threading.Thread | None = None
    _quiet: logging.Handler = field(default_factory=logging.NullHandler)

    def __enter__(self) -> EventLoop:
        # What the SDK logs of a misbehaving server would fill the rollout's output.
        logger = logging.getLogger("mcp")
        logger.addHandler(self._quiet)
        logger.propagate = False
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="mcp", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(TimeoutError):  # hanging in what cannot be interrupted; the programs are killed all the same
            self._wait(self._close(), CLOSE_S + SLACK_S)
        for connection in self.connections:
            if connection.program is not None:
                connection.program.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join(timeout=SLACK_S)
        if not self._thread.is_alive():
            self._loop.close()

    def start(self) -> list[BaseException | None]:
        """Start all servers at once; the error of each."""
        longest = max(connection.server.start_timeout_s for connection in self.connections)
        try:
            return self._wait(self._start(), longest + CLOSE_S + SLACK_S)
        except TimeoutError:
            return [McpFailed(f"mcp.{each.name}: the event loop does not answer") for each in self.connections]

    def call(self, connection: Connection, tool: str, given: Mapping[str, Any]) -> str:
        try:
            return self._wait(connection.call(tool, given), connection.server.timeout_s + SLACK_S)
        except TimeoutError:
            raise ToolError(f"the MCP server {connection.name} did not answer {tool} in time") from None

    def _wait(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except BaseException:
            future.cancel()
            raise

    async def _start(self) -> list[BaseException | None]:
        return await asyncio.gather(*(each.start() for each in self.connections), return_exceptions=True)

    async def _close(self) -> None:
        await asyncio.gather(*(each.close() for each in self.connections), return_exceptions=True)
