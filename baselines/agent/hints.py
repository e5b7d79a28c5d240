"""What the harness's flags (:mod:`search_space.flags`) add to results and to the course of a rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from baselines.agent.answers import Answer
from search_space.compaction.cutting import call_text
from search_space.flags import is_on
from search_space.harness import Harness
from search_space.messages import (
    Block,
    Message,
    Request,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    estimate_tokens,
    text_of,
)
from search_space.tools import Tool

ANSWER_NOW = "[This is the last step: no more tool calls. Answer now with what you have.]"
GO_ON = "[Your answer was cut for its length. Go on exactly where it ends.]"
LOOK_FIRST = (
    "[You have not used a tool yet. Look it up with the tools and answer then; if no tool can help, answer again.]"
)


class Hints:
    """The flags of one agent at work. Does nothing where no flag is on."""

    def __init__(self, harness: Harness, tools: Mapping[str, Tool]) -> None:
        """``tools``: all tools of the rollout by name, for what their inputs are."""
        self._flags, self._limits = harness.flags, harness.limits
        self._tools = tools
        self._failed: dict[str, int] = {}
        self._cut: list[str] = []
        self._called = self._sent_back = False

    def on_request(self, request: Request, step: int) -> None:
        """Forbid tools in the last step, when the flag says so."""
        if self._is_last(step) and request.get("tools"):
            request["tool_choice"] = {"type": "none"}

    def on_results(
        self, calls: Sequence[ToolUseBlock], results: list[ToolResultBlock], request: Request, step: int
    ) -> list[Block]:
        """The next message: ``results`` (changed in place: headed and hinted at), and what is told behind them.
        ``request`` is the one that the calls answered."""
        self._called = True
        for call, result in zip(calls, results, strict=True):
            text = text_of(result["content"])
            if self._on("error_hints"):
                text += self._hint(call, bool(result.get("is_error")))
            if self._on("result_headers"):
                lines, chars = text.count("\n") + 1, len(text)
                text = f"[{call_text(call['name'], call['input'])}: {lines:,} lines, {chars:,} characters]\n{text}"
            if text != text_of(result["content"]):
                result["content"] = text
        told: list[TextBlock] = [{"type": "text", "text": text} for text in self._told(results, request, step)]
        return [*results, *told]

    def go_on(self, answer: Answer, step: int) -> Message | None:
        """What to say to an answer without calls that is not to be the last; None when it is."""
        if step >= self._limits.max_steps or not answer.content:
            return None
        if self._on("continue_cut") and answer.stop_reason == "max_tokens":
            self._cut.append(answer.text)
            return {"role": "user", "content": GO_ON}
        if self._on("look_first") and self._tools and not self._called and not self._sent_back:
            self._sent_back = True
            return {"role": "user", "content": LOOK_FIRST}
        return None

    def whole(self, text: str) -> str:
        """The last answer with the parts of it that were cut before."""
        return "".join([*self._cut, text])

    def _on(self, name: str) -> bool:
        return is_on(self._flags, name)

    def _is_last(self, step: int) -> bool:
        return self._on("last_step_answer") and step >= self._limits.max_steps

    def _told(self, results: Sequence[ToolResultBlock], request: Request, step: int) -> list[str]:
        left = self._limits.max_steps - step
        told = []
        if self._on("step_counter"):
            told.append(f"[step {step} of {self._limits.max_steps} is done: {left} left]")
        if self._on("context_meter"):
            used = estimate_tokens(request) + estimate_tokens(results)
            told.append(f"[context: about {used:,} of {self._limits.context_tokens:,} tokens]")
        if self._is_last(step + 1):
            told.append(ANSWER_NOW)
        return told

    def _hint(self, call: ToolUseBlock, failed: bool) -> str:
        name = call["name"]
        self._failed[name] = self._failed.get(name, 0) + 1 if failed else 0
        if not failed or name not in self._tools:
            return ""
        again = (
            f" {name} failed {self._failed[name]} times in a row: try another way." if self._failed[name] > 1 else ""
        )
        return f"\n[{name} takes {parameters(self._tools[name].input_schema)}.{again}]"


def parameters(schema: Mapping[str, Any]) -> str:
    """The parameters of a tool in words: ``path (string, required), start (integer)``."""
    properties = schema.get("properties")
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    words = []
    for name, each in properties.items() if isinstance(properties, Mapping) else ():
        kind = each.get("type") if isinstance(each, Mapping) else None
        notes = [*([kind] if isinstance(kind, str) else []), *(["required"] if name in needed else [])]
        words.append(f"{name} ({', '.join(notes)})" if notes else str(name))
    return ", ".join(words) or "no parameters"
