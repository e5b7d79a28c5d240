"""One server from start to end: its transport, its tools, its calls. Everything here runs in one event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from baselines.agent.mcp.listing import Listing
from baselines.agent.mcp.relay import Relay
from baselines.agent.mcp.results import result_text
from baselines.agent.mcp.stdio import Program, run_program
from search_space.errors import SearchSpaceError
from search_space.mcp_servers import McpServer
from search_space.tools import ToolError

if TYPE_CHECKING:
    from mcp import Client

CLOSE_S = 2.0
"""How long a server may take to be closed before it is abandoned (and killed, when it is a program)."""
MAX_PAGES = 32
SILENT_CALLS = 2
"""After so many calls in a row without an answer in time, a server is not asked again."""


class McpFailed(SearchSpaceError):
    """A server that a rollout needs did not start; the text names it and says why."""


@dataclass(slots=True)
class Connection:
    """A server called ``name``. ``program`` is what runs, for a server that is a command; ``relay`` is None where the
    agent may use the network itself."""

    name: str
    server: McpServer
    program: Program | None
    relay: Relay | None
    listing: Listing
    ended: str = ""
    _client: Client | None = None
    _silent: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and learn its tools. Raises :class:`McpFailed` when it cannot, or not in ``start_timeout_s``."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live(ready))
        await asyncio.wait({ready}, timeout=self.server.start_timeout_s)
        if not ready.done():
            await self.close()
            raise self._failed(f"no list of tools within mcp.{self.name}.start_timeout_s")
        error = ready.exception()
        if error is not None:
            raise self._failed(_why(error)) from None

    async def call(self, tool: str, given: Mapping[str, Any]) -> str:
        """The result of one call. Raises :class:`ToolError` for whatever goes wrong."""
        from mcp import MCPError

        who = f"the MCP server {self.name}"
        if self._client is None or (self.program is not None and self.program.ended):
            raise ToolError(f"{who} is gone: {self._epitaph() or 'it was closed'}")
        if self._silent >= SILENT_CALLS:
            raise ToolError(f"{who} did not answer {self._silent} calls in a row and is not asked again")
        # What cannot be written as UTF-8 (half a surrogate pair) must not reach the transport.
        arguments = json.loads(json.dumps(dict(given), ensure_ascii=False).encode("utf-8", "replace"))
        try:
            result = await self._client.call_tool(tool, arguments, read_timeout_seconds=self.server.timeout_s)
        except (MCPError, TimeoutError) as error:
            if isinstance(error, TimeoutError) or _is_timeout(error):
                self._silent += 1
                raise ToolError(f"{who} did not answer {tool} in {self.server.timeout_s:g} s") from None
            await asyncio.sleep(0.05)  # a program that ended is seen as closed first, and only then why
            reason = f"ended during the call: {self._epitaph()}" if self._epitaph() else f"says: {error}"
            raise ToolError(f"{who} {reason}") from None
        except Exception as error:
            raise ToolError(f"{who}: {_why(error)}") from None
        self._silent = 0
        if result.is_error:
            raise ToolError(result_text(result) or f"{tool} failed without saying why")
        return result_text(result)

    async def close(self) -> None:
        """End the connection and the program; not later than in ``CLOSE_S``."""
        self._stop.set()
        if self._task is None or self._task.done():
            return
        if self._client is None:
            self._task.cancel()
        _, late = await asyncio.wait({self._task}, timeout=CLOSE_S)
        if late:
            self._task.cancel()

    async def _live(self, ready: asyncio.Future[None]) -> None:
        from mcp import Client

        try:
            async with Client(_screened(self._transport(), self.listing), cache=None) as client:
                await self._learn(client)
                self._client = client
                ready.set_result(None)
                await self._stop.wait()
        except Exception as error:
            self.ended = self.ended or _why(error)
            if not ready.done():
                ready.set_exception(error)
        finally:
            self._client = None
            if not ready.done():
                ready.cancel()

    async def _learn(self, client: Client) -> None:
        cursor = None
        for _ in range(MAX_PAGES):
            cursor = (await client.list_tools(cursor=cursor)).next_cursor
            if cursor is None:
                return
        self.listing.left_out["more"] = f"the list of tools has more than {MAX_PAGES} pages"

    @asynccontextmanager
    async def _transport(self) -> AsyncIterator[tuple[Any, Any]]:
        if self.program is not None:
            async with run_program(self.program) as streams:
                yield streams
            return
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        timeout = httpx2.Timeout(self.server.timeout_s + 5.0, connect=self.server.start_timeout_s)
        url, headers, over = str(self.server.url), {}, None
        if self.relay is not None:
            if self.name not in self.relay.names:
                raise McpFailed(
                    "a rollout has no network, and the experiment relays no such server; expected "
                    f'[mcp.{self.name}] with url = "{url}" in experiment.toml'
                )
            url, headers = f"http://relay/mcp/{self.name}", {"x-api-key": self.relay.token}
            # Nothing is encrypted on a unix socket, and the sandbox cannot read the system's certificates.
            over = httpx2.AsyncHTTPTransport(uds=self.relay.socket, verify=False)
        async with (
            httpx2.AsyncClient(transport=over, headers=headers, timeout=timeout) as http,
            streamable_http_client(url, http_client=http) as streams,
        ):
            yield streams

    def _failed(self, why: str) -> McpFailed:
        words = self.program.last_words() if self.program is not None else ""
        return McpFailed(f"mcp.{self.name}: the server did not start: {'; '.join(filter(None, (why, words)))}")

    def _epitaph(self) -> str:
        return (self.program.last_words() if self.program is not None and self.program.ended else "") or self.ended


@asynccontextmanager
async def _screened(transport: Any, listing: Listing) -> AsyncIterator[tuple[Any, Any]]:
    """The transport, with every list of tools looked at by ``listing`` on its way in."""
    async with transport as (read, write):
        yield _Screen(read, listing), write


class _Screen:
    """A stream of messages that stands before another one."""

    def __init__(self, stream: Any, listing: Listing) -> None:
        self._stream, self._listing = stream, listing

    async def receive(self) -> Any:
        return self._seen(await self._stream.receive())

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> _Screen:
        return self

    async def __anext__(self) -> Any:
        return self._seen(await self._stream.__anext__())

    async def __aenter__(self) -> _Screen:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await self._stream.__aexit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _seen(self, item: Any) -> Any:
        message = getattr(item, "message", None)
        result = getattr(message, "result", None)
        if message is not None and isinstance(result, dict) and isinstance(result.get("tools"), list):
            message.result = self._listing.take(result)
        return item


def _is_timeout(error: Any) -> bool:
    from mcp.types import REQUEST_TIMEOUT

    return bool(error.code == REQUEST_TIMEOUT)


def _why(error: BaseException) -> str:
    """What went wrong at the bottom of groups of errors, on one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = " ".join(str(error).split())[:300]
    if isinstance(error, McpFailed):
        return text
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"it answered what the protocol does not know: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
