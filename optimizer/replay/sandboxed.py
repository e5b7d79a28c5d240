"""A plug-in strategy as a renderer: its code runs in the sandbox and is told the past, message after message."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from optimizer.sandboxes.base import Exit, Launch, Sandbox
from search_space.messages import Message

ENTRY: Final = "search_space.compaction.serving:serve"
CONNECT_S = 20.0


class PluginFailed(Exception):
    """The plug-in's code raised, returned what is no conversation, took too long, or ended; the text says which."""


class Sandboxed:
    """Renders with a plug-in behind a socket (:func:`sandboxed`)."""

    def __init__(self, connection: socket.socket, answers: BufferedReader, ended: Sequence[Exit]) -> None:
        self._connection, self._answers, self._ended = connection, answers, ended
        self._fed: list[Message] = []
        self._unsent: list[Message] = []

    def feed(self, message: Message) -> None:
        self._fed.append(message)
        self._unsent.append(message)

    def render(self) -> Sequence[Message]:
        try:
            # It may have hung up with a reason, which is still to be read.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._connection.sendall(json.dumps({"messages": self._unsent}).encode() + b"\n")
            self._unsent = []
            answer = self._answers.readline()
        except OSError as error:
            raise PluginFailed(f"the plug-in does not answer: {error}") from None
        if not answer:
            raise PluginFailed(self._ended[0].reason if self._ended else "the plug-in ended before its answer")
        told = json.loads(answer)
        if "error" in told:
            raise PluginFailed(str(told["error"]))
        return [self._fed[each] if isinstance(each, int) else each for each in told["rendered"]]


@contextmanager
def sandboxed(
    sandbox: Sandbox,
    *,
    harness: Path,
    file: str,
    parameters: Mapping[str, Any],
    limit_tokens: int,
    folder: Path,
    timeout_s: float,
) -> Iterator[Sandboxed]:
    """The plug-in ``file`` of the harness folder, at one transcript, for ``timeout_s`` at most. ``folder`` is empty,
    and the only place where the code may write. Raises :class:`PluginFailed` when it does not start."""
    path = folder.with_name(folder.name + ".s")
    ended: list[Exit] = []
    payload = {"harness": str(harness), "file": file, "parameters": dict(parameters), "limit_tokens": limit_tokens}
    launch = Launch(ENTRY, {**payload, "socket": str(path)}, folder, (harness, path), timeout_s)
    cancel = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(1)
        listener.settimeout(min(CONNECT_S, timeout_s + 1))
        thread = threading.Thread(target=lambda: ended.append(sandbox.run(launch, cancel=cancel)), daemon=True)
        thread.start()
        try:
            connection, _ = listener.accept()
            connection.settimeout(timeout_s + 1)
            with connection, connection.makefile("rb") as answers:
                yield Sandboxed(connection, answers, ended)
        except TimeoutError:
            raise PluginFailed("the plug-in does not answer in time") from None
        finally:
            cancel.set()
            thread.join()
            path.unlink(missing_ok=True)
