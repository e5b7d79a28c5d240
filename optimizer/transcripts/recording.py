"""One transcript as it is taken in: calls and results are paired, texts masked, and the messages put aside on disk.

An importer tells what happened in the order of its file; what comes out is a valid Messages conversation. What does not
fit together (a result without its call, a call without its result) is noted with the place where it stands.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, Any

from optimizer.transcripts.masking import Masker
from optimizer.transcripts.records import MAX_PROBLEMS, Call, Header, Problem
from search_space.messages import Block, Message, TextBlock, ToolResultBlock, ToolUseBlock

IN_MEMORY_BYTES = 4 * 1024 * 1024
NO_RESULT = "[no result was recorded]"
NO_BEGINNING = "[the beginning of this conversation was not recorded]"


@dataclass(slots=True)
class Recording:
    """A transcript in the making. ``masker`` is None where nothing is to be masked."""

    header: Header
    masker: Masker | None = None
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    messages: int = 0
    steps: int = 0
    _spool: IO[bytes] = field(default_factory=partial(tempfile.SpooledTemporaryFile, IN_MEMORY_BYTES))
    _step: list[Block] | None = None
    _same: str = ""
    _open: dict[str, str] = field(default_factory=dict)
    _results: list[ToolResultBlock] = field(default_factory=list)
    _texts: list[TextBlock] = field(default_factory=list)
    _named: int = 0

    def problem(self, where: str, what: str) -> None:
        """Note something that could not be taken as it is."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(where, what))
        else:
            self.more_problems += 1

    def know(self, **told: Any) -> None:
        """What is known of the transcript beside its messages: fields of :class:`Header`."""
        self.header = replace(self.header, **told)

    def system(self, text: str) -> None:
        """The system prompt, or a further part of it."""
        text = self._masked(text)
        if text and text not in self.header.system:
            self.know(system=f"{self.header.system}\n\n{text}".strip())

    def user(self, text: str) -> None:
        """What the user, or whoever speaks for the user, said."""
        if text.strip():
            self._texts.append({"type": "text", "text": self._masked(text)})

    def assistant(self, text: str, calls: Sequence[Call], where: str, *, same: str = "") -> None:
        """An answer of the model. With ``same`` it belongs to one answer with what had the same one before."""
        if not text.strip() and not calls:
            return
        if not (same and same == self._same and self._step is not None):
            self._flush(where)
            self._step, self._same = [], same
            self.steps += 1
        assert self._step is not None, "there is an answer to add to"
        if text.strip():
            self._step.append({"type": "text", "text": self._masked(text)})
        for call in calls:
            self._step.append(self._use(call))

    def result(self, call_id: str, text: str, where: str, *, is_error: bool = False) -> None:
        """What a tool returned to the call ``call_id``; to the oldest open one when the format names none."""
        if not call_id and self._open:
            call_id = next(iter(self._open))
        if call_id not in self._open:
            self.problem(where, f"a tool result without its call ({call_id or 'no id'}): it is left out")
            return
        block: ToolResultBlock = {
            "type": "tool_result",
            "tool_use_id": self._open.pop(call_id),
            "content": self._masked(text),
        }
        if is_error:
            block["is_error"] = True
        self._results.append(block)

    def end(self, where: str) -> None:
        """Nothing more comes."""
        if self._open:
            self.problem(where, "cut in the middle: the last calls have no results")
        self._flush("")
        self._write_user()

    def lines(self) -> Iterator[bytes]:
        """The messages as JSON lines, once it has ended."""
        self._spool.seek(0)
        yield from self._spool

    def close(self) -> None:
        self._spool.close()

    def _use(self, call: Call) -> ToolUseBlock:
        self._named += 1
        own = f"call_{self._named}"
        self._open[call.id or own] = own
        args = self.masker.value(dict(call.args)) if self.masker else dict(call.args)
        return {"type": "tool_use", "id": own, "name": call.name, "input": args}

    def _flush(self, where: str) -> None:
        """Write the last answer; the results and texts after it stay for the next message, as the user's."""
        if self._step is None and not self.messages and not self._texts and where:
            self._texts.append({"type": "text", "text": NO_BEGINNING})
        for call_id, own in self._open.items():
            if where:
                self.problem(where, f"the call {call_id} before here has no result")
            self._results.append({"type": "tool_result", "tool_use_id": own, "content": NO_RESULT, "is_error": True})
        self._open = {}
        if self._step is not None:
            self._write({"role": "assistant", "content": self._step})
            self._step = None
        if where:
            self._write_user()

    def _write_user(self) -> None:
        content: list[Block] = [*self._results, *self._texts]
        if content:
            self._write({"role": "user", "content": content})
        self._results, self._texts = [], []

    def _write(self, message: Message) -> None:
        self._spool.write(
            json.dumps({"message": message}, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
            + b"\n"
        )
        self.messages += 1

    def _masked(self, text: str) -> str:
        return self.masker.text(text) if self.masker else text


def texts_of(content: Any) -> str:
    """All text in a message's content: a text, or a list of parts of which those with a ``text`` count."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list):
        return ""
    parts = [part if isinstance(part, str) else part.get("text") for part in content if isinstance(part, str | dict)]
    return "\n".join(part for part in parts if isinstance(part, str))
