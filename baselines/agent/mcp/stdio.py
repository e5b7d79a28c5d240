"""A server of the rollout's own, spoken to on its stdin and stdout: bounded in what it prints, gone when we are.

The SDK has such a transport, too. This one keeps the end of stderr for error messages, bounds a line and what is no
message, gives the server nothing of our environment but what it needs, and waits less long before it kills.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anyio.abc import Process

MAX_LINE_BYTES = 16 * 2**20
MAX_NOISE_BYTES = 2**20
"""What a server may print that is no message before it is ended: a line printed by mistake is passed over."""
STDERR_CHARS = 500
GRACE_S = 0.5
"""How long a server may take to end by itself when its stdin is closed."""
INHERITED = ("PATH", "HOME", "TMPDIR", "LANG")


@dataclass(slots=True)
class Program:
    """A started server and what is known of it; ``ended`` is why it is of no use any more."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    process: Process | None = None
    ended: str = ""
    stderr: str = ""
    noise: str = ""

    def last_words(self) -> str:
        """What helps to find the fault: how it ended, what it printed."""
        parts = [self.ended]
        if self.noise:
            parts.append(f"it printed on stdout what is no message: {self.noise!r}")
        if self.stderr.strip():
            parts.append(f"it said: {' '.join(self.stderr.split())[-STDERR_CHARS:]}")
        return "; ".join(part for part in parts if part)

    def kill(self) -> None:
        """End it and its group at once; harmless when it is gone."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


@asynccontextmanager
async def run_program(program: Program) -> AsyncIterator[tuple[Any, Any]]:
    """A transport for the SDK: the streams of messages from and to the program. Raises :class:`OSError` when it cannot
    be started."""
    import anyio

    environment = {key: os.environ[key] for key in INHERITED if key in os.environ} | dict(program.environment)
    process = program.process = await anyio.open_process(
        list(program.command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=program.folder,
        env=environment,
        start_new_session=True,
    )
    to_session, received = anyio.create_memory_object_stream[Any](0)
    to_send, from_session = anyio.create_memory_object_stream[Any](0)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, program, to_session)
            tasks.start_soon(_write, program, from_session)
            tasks.start_soon(_listen, program)
            try:
                yield received, to_send
            finally:
                tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
            for stream in (to_session, received, to_send, from_session):
                await stream.aclose()


async def _read(program: Program, to_session: Any) -> None:
    """Messages, a line each, until the program ends or prints what it should not."""
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    assert program.process is not None
    assert program.process.stdout is not None
    noise = 0
    async with to_session:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async for line in _lines(program, program.process.stdout):
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except (ValueError, RecursionError):
                    noise += len(line) + 1
                    program.noise = program.noise or line[:200].decode(errors="replace").strip()
                    if noise > MAX_NOISE_BYTES:
                        program.ended = f"it printed more than {MAX_NOISE_BYTES:,} bytes that are no messages"
                        break
                    continue
                await to_session.send(SessionMessage(message))
        if not program.ended:
            with anyio.move_on_after(GRACE_S):
                await program.process.wait()
            code = program.process.returncode
            program.ended = "it closed its stdout" if code is None else f"it ended with exit code {code}"
    program.kill()


async def _lines(program: Program, stdout: Any) -> AsyncIterator[bytes]:
    import anyio

    buffer = bytearray()
    looked = 0
    while True:
        try:
            buffer += await stdout.receive()
        except (anyio.EndOfStream, OSError):
            return
        while (end := buffer.find(b"\n", looked)) >= 0:
            yield bytes(buffer[:end])
            del buffer[: end + 1]
            looked = 0
        looked = len(buffer)
        if looked > MAX_LINE_BYTES:
            program.ended = f"it sent a message of more than {MAX_LINE_BYTES:,} bytes"
            return


async def _write(program: Program, from_session: Any) -> None:
    import anyio

    assert program.process is not None
    assert program.process.stdin is not None
    # A program that does not take what it is sent ends soon, and that is seen where it is read.
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        async with from_session:
            async for each in from_session:
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                await program.process.stdin.send(text.encode("utf-8", "replace") + b"\n")


async def _listen(program: Program) -> None:
    """Keep the end of what it says on stderr."""
    import anyio

    assert program.process is not None
    assert program.process.stderr is not None
    with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
        while True:
            data = await program.process.stderr.receive()
            program.stderr = (program.stderr + data.decode(errors="replace"))[-4 * STDERR_CHARS :]


async def _end(process: Process) -> None:
    """Close its stdin, give it a moment, then kill it and all of its group."""
    import anyio

    if process.stdin is not None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            await process.stdin.aclose()
    with anyio.move_on_after(GRACE_S):
        await process.wait()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with anyio.move_on_after(GRACE_S):
        await process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            await stream.aclose()
    # Something that it started may still hold the pipes, for which asyncio would wait; nothing public closes them.
    transport = getattr(getattr(process, "_process", None), "_transport", None)
    if transport is not None:
        with suppress(PermissionError, ProcessLookupError):
            transport.close()
