"""The agent's loop: ask the model, run the tools it calls, until it answers or a limit is reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from baselines.agent.request import build_request, room_tokens, system_blocks, task_message
from baselines.agent.toolbox import Toolbox
from search_space.compaction import Compaction
from search_space.harness import Harness
from search_space.messages import Message, Model, ModelError, Request, Response, ToolUseBlock, text_of

_COUNTED = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
Record = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rollout ended. ``answer`` is the text of the last answer without tool calls, None when there was none."""

    answer: str | None
    outcome: Literal["answered", "step_limit", "token_limit", "model_error"]
    reason: str
    steps: int


@dataclass(slots=True)
class Agent:
    """A harness at work on one task. ``index`` gives the memory index's text; ``dropped(history, rendered)`` is told
    what compaction left out; ``record`` gets the trajectory's records as things happen."""

    harness: Harness
    model: Model
    tools: Toolbox
    compaction: Compaction
    record: Record
    index: Callable[[], str] = str
    dropped: Callable[[list[Message], list[Message]], None] = lambda history, rendered: None
    tokens: int = field(default=0, init=False)

    def run(self, prompt: str, beside: str = "") -> Outcome:
        """Work on ``prompt`` until an answer, a limit, or an error of the model. ``beside``: a text shown with it."""
        limits = self.harness.limits
        history: list[Message] = [task_message(prompt, beside)]
        for step in range(1, limits.max_steps + 1):
            try:
                response = self.create(self.request(history))
            except _TokenLimit:
                return Outcome(None, "token_limit", f"limits.total_tokens = {limits.total_tokens} are spent", step - 1)
            except ModelError as error:
                return Outcome(None, "model_error", str(error), step - 1)
            content = [b for b in response["content"] if b["type"] != "text" or b["text"]]
            calls = [b for b in content if b["type"] == "tool_use"]
            if not calls:
                cut = "cut at limits.max_output_tokens" if response["stop_reason"] == "max_tokens" else ""
                return Outcome(text_of(content), "answered", cut, step)
            history.append({"role": "assistant", "content": content})
            history.append(self.observe(calls))
        return Outcome(None, "step_limit", f"no answer within limits.max_steps = {limits.max_steps}", limits.max_steps)

    def request(self, history: list[Message]) -> Request:
        """The request for the next call: ``history`` compacted into what the system prompt and the tools leave."""
        tools = self.tools.specs()
        system = system_blocks(self.harness, self.index())
        room = room_tokens(self.harness, system, self.tools.tokens())
        rendered = self.compaction.compact(history, limit_tokens=room, model=self)
        self.dropped(history, rendered)
        return build_request(self.harness, system, tools, rendered)

    def create(self, request: Request) -> Response:
        """One model call, counted and recorded; compaction makes its calls here too."""
        total = self.harness.limits.total_tokens
        if total is not None and self.tokens >= total:
            raise _TokenLimit
        begun = time.monotonic()
        response = self.model.create(request)
        usage: Mapping[str, Any] = response["usage"]
        self.tokens += sum(int(usage.get(kind) or 0) for kind in _COUNTED)  # a server may leave out the cache's
        self.record(
            {
                "kind": "answer",
                "messages": len(request["messages"]),
                "content": response["content"],
                "stop_reason": response["stop_reason"],
                "usage": usage,
                "seconds": round(time.monotonic() - begun, 4),
            }
        )
        return response

    def observe(self, calls: list[ToolUseBlock]) -> Message:
        """The results of ``calls`` as the next message."""
        begun = time.monotonic()
        results = self.tools.run(calls)
        caught = [[calls[each.earlier]["id"], calls[each.later]["id"], each.resource] for each in self.tools.catches]
        more = {"caught": len(caught), "conflicts": caught} if caught else {}
        self.record({"kind": "results", "content": results, "seconds": round(time.monotonic() - begun, 4), **more})
        return {"role": "user", "content": [*results]}


class _TokenLimit(Exception):
    """``limits.total_tokens`` are spent."""
