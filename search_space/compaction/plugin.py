"""Plug-in: a strategy in the harness folder's own code. Load it only inside the sandbox: loading runs the code."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search_space.compaction.cutting import drop_oldest
from search_space.compaction.history import History
from search_space.errors import InvalidFile, MissingFile
from search_space.messages import Message, Model, ModelError, check_messages, text_of

Function = Callable[[list[Message], int, dict[str, Any]], list[Message]]


@dataclass(frozen=True, slots=True)
class Plugin:
    """Calls ``compact(messages, limit_tokens, parameters)`` of the file when the conversation does not fit.

    The function gets a copy and must return valid messages that begin with the task; anything else, and anything it
    raises, becomes :class:`InvalidFile`. What it returns is tightened like a sliding window if it is still too long.
    """

    file: str
    function: Function
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def compact(self, messages: Sequence[Message], *, limit_tokens: int, model: Model | None = None) -> list[Message]:
        if History.of(messages).fits(limit_tokens):
            return list(messages)
        try:
            made = self.function(copy.deepcopy(list(messages)), limit_tokens, copy.deepcopy(dict(self.parameters)))
        except Exception as error:
            raise InvalidFile(self.file, "compact", _where(error, self.file), "a list of messages") from error
        self._check(made, messages[0])
        return drop_oldest(made, limit_tokens, keep=len(made), block=2)

    def _check(self, made: Any, task: Message) -> None:
        if not isinstance(made, list):
            raise InvalidFile(self.file, "compact", type(made).__name__, "a list of messages")
        try:
            check_messages(made)
            kept = text_of(made[0]["content"]).startswith(text_of(task["content"]))
        except ModelError as error:
            raise InvalidFile(self.file, "compact", error.message, "messages that the Messages API accepts") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidFile(self.file, "compact", repr(error), "messages with role and content") from error
        if not kept:
            raise InvalidFile(self.file, "compact", "a first message without the task", "the task kept as it is")


def load_plugin(folder: Path, file: str, parameters: Mapping[str, Any] | None = None) -> Plugin:
    """Run ``folder/file`` and take its ``compact``. Raises :class:`MissingFile` or :class:`InvalidFile`."""
    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidFile("harness.toml", "compaction.file", repr(file), "a path inside the harness folder")
    if not path.is_file():
        raise MissingFile(f"{file}: no such file in the harness folder; compaction.file must name one")
    space: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    try:
        exec(compile(path.read_text(encoding="utf-8"), file, "exec"), space)
    except Exception as error:
        raise InvalidFile(file, "", _where(error, file), "a Python file that loads") from error
    function = space.get("compact")
    if not callable(function):
        raise InvalidFile(file, "compact", "nothing of that name", "def compact(messages, limit_tokens, parameters)")
    return Plugin(file, function, dict(parameters or {}))


def _where(error: Exception, file: str) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    at = f" at line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}: {error}{at}"
