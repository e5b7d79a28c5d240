"""Hands what leaves the conversation to the memory, each piece once: to the archive, and to notes of the harness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from search_space.compaction.cutting import call_text
from search_space.messages import Block, Message, ToolResultBlock, ToolUseBlock, blocks, text_of


class Keeper(Protocol):
    """What takes what leaves a conversation: the memory, or somebody who hands it on."""

    @property
    def notes_results(self) -> bool: ...

    @property
    def notes_dropped(self) -> bool: ...

    def archive(self, source: str, text: str) -> None: ...

    def leave_note(self, tool: str, given: Mapping[str, Any], result: str, task: str) -> None: ...


class Held:
    """A keeper that holds all back until :meth:`hand_on`: for a sub-agent, which works beside others."""

    def __init__(self, memory: Keeper, agent: str) -> None:
        """``agent`` is named in front of each source."""
        self._memory, self._agent = memory, agent
        self._later: list[Callable[[], None]] = []

    @property
    def notes_results(self) -> bool:
        return self._memory.notes_results

    @property
    def notes_dropped(self) -> bool:
        return self._memory.notes_dropped

    def archive(self, source: str, text: str) -> None:
        self._later.append(partial(self._memory.archive, f"{self._agent}: {source}", text))

    def leave_note(self, tool: str, given: Mapping[str, Any], result: str, task: str) -> None:
        self._later.append(partial(self._memory.leave_note, tool, given, result, task))

    def hand_on(self) -> None:
        """Give all to the memory, in its order."""
        later, self._later = self._later, []
        for give in later:
            give()


class Dropped:
    """Follows one conversation: called with the history and its rendering before each request, told its end."""

    def __init__(self, memory: Keeper) -> None:
        self._memory = memory
        self._history: Sequence[Message] = ()
        self._done: set[tuple[int, int]] = set()
        self._noted: set[tuple[int, int]] = set()

    def __call__(self, history: Sequence[Message], rendered: Sequence[Message]) -> None:
        """Keep every text and tool result of ``history`` after the task that ``rendered`` does not show in full; where
        notes are taken of all results, those that are shown too."""
        self._history = history
        if self._memory.notes_results:
            self._note_all(history)
        same = {id(message) for message in rendered}
        hidden = [index for index in range(1, len(history)) if id(history[index]) not in same]
        if not hidden:
            return
        shown = {_content(block) for message in rendered for block in blocks(message)}
        for index in hidden:
            calls = _calls(history, index)
            for at, block in enumerate(blocks(history[index])):
                text = _content(block)
                if not text or text in shown or (index, at) in self._done:
                    continue
                self._done.add((index, at))
                if block["type"] != "tool_result":
                    self._memory.archive(history[index]["role"], text)
                    continue
                call = calls.get(block["tool_use_id"])
                self._memory.archive(call_text(call["name"], call["input"]) if call else "", text)
                if self._memory.notes_dropped:
                    self._note(call, block, task_of(history))

    def end(self, answer: str | None) -> None:
        """The conversation is over and all of it leaves; the archive gets the task with its answer, too."""
        if not self._history:
            return
        self(self._history, self._history[:1])
        if answer:
            self._memory.archive(task_of(self._history), answer)

    def _note_all(self, history: Sequence[Message]) -> None:
        for index in range(1, len(history)):
            calls = _calls(history, index)
            for at, block in enumerate(blocks(history[index])):
                if block["type"] != "tool_result" or (index, at) in self._noted:
                    continue
                self._noted.add((index, at))
                self._note(calls.get(block["tool_use_id"]), block, task_of(history))

    def _note(self, call: ToolUseBlock | None, result: ToolResultBlock, task: str) -> None:
        """A note on a result; what failed is not worth one."""
        if call and not result.get("is_error"):
            self._memory.leave_note(call["name"], call["input"], _content(result), task)


def task_of(history: Sequence[Message]) -> str:
    """The task's own text: the first block of the first message."""
    return text_of(blocks(history[0])[:1])


def _calls(history: Sequence[Message], index: int) -> dict[str, ToolUseBlock]:
    """The calls that the message at ``index`` answers, by id."""
    return {block["id"]: block for block in blocks(history[index - 1]) if block["type"] == "tool_use"}


def _content(block: Block) -> str:
    """The text of a text block or tool result, nothing for any other."""
    if block["type"] == "text":
        return block["text"]
    return text_of(block["content"]) if block["type"] == "tool_result" else ""
