"""The agent's loop: ask the model, run the tools it calls, until it answers or a limit is reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from baselines.agent.answers import Answer, is_json, read_answer
from baselines.agent.cache_account import CacheAccount
from baselines.agent.hints import Hints
from baselines.agent.outcome import Outcome
from baselines.agent.repeats import Repeats
from baselines.agent.request import build_request, room_tokens, system_blocks, task_message
from baselines.agent.spending import Spending
from baselines.agent.toolbox import Toolbox
from search_space.compaction import Compaction
from search_space.flags import is_on
from search_space.harness import Harness
from search_space.messages import (
    Block,
    Message,
    Model,
    ModelError,
    Request,
    Response,
    ToolResultBlock,
    ToolUseBlock,
    blocks,
)
from search_space.tools import Tool

Record = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """One step as the model saw it and answered it: ``messages`` as rendered, the whole ``request``, the answer's
    ``content``, and the memory ``index`` that was in view."""

    request: Request
    messages: list[Message]
    index: str
    content: list[Block]


@dataclass(slots=True)
class Agent:
    """A harness at work on one task. ``index`` gives the memory index's text; ``dropped(history, rendered)`` is told
    what compaction left out; ``record`` gets the trajectory's records as things happen; ``known`` are all tools by
    name."""

    harness: Harness
    model: Model
    tools: Toolbox
    compaction: Compaction
    record: Record
    index: Callable[[], str] = str
    dropped: Callable[[list[Message], list[Message]], None] = lambda history, rendered: None
    known: Mapping[str, Tool] = field(default_factory=dict)
    spending: Spending = field(default_factory=lambda: Spending(None))
    account: CacheAccount = field(default_factory=CacheAccount)
    turn: Turn | None = field(default=None, init=False)
    _hints: Hints = field(init=False)
    _repeats: Repeats = field(init=False)
    _ids: set[str] = field(default_factory=set, init=False)

    def run(self, prompt: str, beside: str = "") -> Outcome:
        """Work on ``prompt`` until an answer, a limit, or an error of the model. ``beside``: a text shown with it."""
        return self.work([task_message(prompt, beside)])

    def work(self, history: list[Message]) -> Outcome:
        """Go on from ``history``, which ends with a message of the user and is continued in place."""
        self._hints, self._repeats = Hints(self.harness, self.known), Repeats(self.known)
        self._ids |= {block["id"] for message in history for block in blocks(message) if block["type"] == "tool_use"}
        limit = self.harness.limits.max_steps
        for step in range(1, limit + 1):
            try:
                answer = self.ask(history, step)
            except _TokenLimit as error:
                return Outcome(None, "token_limit", str(error), step - 1)
            except ModelError as error:
                return Outcome(None, "model_error", str(error), step - 1)
            history.append({"role": "assistant", "content": answer.content})
            if answer.calls:
                history.append(self.observe(answer, step))
            elif more := self._hints.go_on(answer, step):
                history.append(more)
            else:
                return Outcome(self._hints.whole(answer.text), "answered", answer.ending, step)
        return Outcome(None, "step_limit", f"no answer within limits.max_steps = {limit}", limit)

    def ask(self, history: list[Message], step: int) -> Answer:
        """The model's answer to ``history``, compacted into what the system prompt and the tools leave."""
        tools, index = self.tools.specs(), self.index()
        system = system_blocks(self.harness, index)
        room = room_tokens(self.harness, system, self.tools.tokens())
        rendered = self.compaction.compact(history, limit_tokens=room, model=self)
        self.dropped(history, rendered)
        request = build_request(self.harness, system, tools, rendered)
        self._hints.on_request(request, step)
        answer = read_answer(self._call(request, self.account), self._ids)
        if answer.wrong:
            self.record({"kind": "malformed", "what": answer.wrong})
        self.turn = Turn(request, rendered, index, answer.content)
        return answer

    def create(self, request: Request) -> Response:
        """A model call beside the conversation, such as a compaction's; counted and recorded as the others."""
        return self._call(request, CacheAccount())

    def observe(self, answer: Answer, step: int) -> Message:
        """The results of the answer's calls as the next message."""
        assert self.turn is not None, "there is an answer to observe"
        begun = time.monotonic()
        results = {call["id"]: given for call in answer.calls if (given := self._not_run(call, answer))}
        run = [call for call in answer.calls if call["id"] not in results]
        found = self.tools.run(run)
        results.update({call["id"]: result for call, result in zip(run, found, strict=True)})
        self._repeats.note(run, found, step)
        ordered = [results[call["id"]] for call in answer.calls]
        content = self._hints.on_results(answer.calls, ordered, self.turn.request, step)
        caught = [[run[each.earlier]["id"], run[each.later]["id"], each.resource] for each in self.tools.catches]
        more = {"caught": len(caught), "conflicts": caught} if caught else {}
        self.record({"kind": "results", "content": content, "seconds": round(time.monotonic() - begun, 4), **more})
        return {"role": "user", "content": content}

    def _not_run(self, call: ToolUseBlock, answer: Answer) -> ToolResultBlock | None:
        """The result of a call that cannot or need not be run."""
        if problem := answer.refused.get(call["id"]):
            return {"type": "tool_result", "tool_use_id": call["id"], "content": problem, "is_error": True}
        if self.turn is None or not is_on(self.harness.flags, "repeat_guard"):
            return None
        return self._repeats.answer(call, self.turn.messages)

    def _call(self, request: Request, account: CacheAccount) -> Response:
        if over := self.spending.over():
            raise _TokenLimit(over)
        begun = time.monotonic()
        response = self.model.create(request)
        given: Any = response.get("usage")
        usage: Mapping[str, Any] = given if isinstance(given, Mapping) and is_json(given) else {}
        self.spending.add(usage)
        content: Any = response.get("content")
        stop_reason: Any = response.get("stop_reason")
        self.record(
            {
                "kind": "answer",
                "messages": len(request["messages"]),
                "content": content if is_json(content) else repr(content),
                "stop_reason": stop_reason if isinstance(stop_reason, str) else None,
                "usage": usage,
                "cache": account.settle(request, usage),
                "seconds": round(time.monotonic() - begun, 4),
            }
        )
        return response


class _TokenLimit(Exception):
    """A limit of tokens is reached; the text says which."""
