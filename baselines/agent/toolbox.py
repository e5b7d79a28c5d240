"""Runs the calls of one model answer: which tools there are, which calls run side by side, what a bad call is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from baselines.agent.inputs import check_input
from baselines.agent.scheduling import Catch, Work, run_calls
from search_space.compaction.cutting import call_text
from search_space.messages import ToolResultBlock, ToolSpec, ToolUseBlock, estimate_tokens, text_of
from search_space.partition import SEARCH_TOOL, Partition
from search_space.tools import Effects, Tool, ToolError


class Toolbox:
    """The tools of one rollout. Deferred ones are found through ``search_tools`` and offered from the next call on."""

    def __init__(
        self,
        partition: Partition,
        *,
        max_result_chars: int,
        on_cut: Callable[[str, str], None] = lambda source, text: None,
        refuse: Callable[[ToolUseBlock], str | None] = lambda call: None,
    ) -> None:
        """``on_cut(call, text)`` gets each result longer than ``max_result_chars`` before it is cut. ``refuse(call)``
        is asked before a call is run, in the order of the calls: with a text the call is not run and gets it as an
        ``is_error`` result."""
        self._partition = partition
        self._max_result_chars = max_result_chars
        self._on_cut = on_cut
        self._refuse = refuse
        self.catches: list[Catch] = []
        """The conflicts that were caught in the last :meth:`run`; places in its calls."""
        self._found: list[Tool] = []
        self._new: list[Tool] = []
        self._counted = (-1, 0)
        search = [self._search_tool()] if partition.deferred else []
        offered = partition.adapt([*partition.offered, *search])
        self._offered = {tool.name: tool for tool in offered}
        self._fixed = [tool.spec() for tool in offered]

    def adopt(self, other: Toolbox) -> None:
        """Offer what ``other``, with the same partition, has found so far: both then offer the same."""
        self._found = list(other._found)

    def specs(self) -> list[ToolSpec]:
        """The tools as the next request offers them; what was found stands last, so that the rest keeps its place."""
        return [*self._fixed, *(tool.spec() for tool in self._found)]

    def tokens(self) -> int:
        """Estimated tokens of :meth:`specs`."""
        if self._counted[0] != len(self._found):
            self._counted = (len(self._found), estimate_tokens(self.specs()))
        return self._counted[1]

    def run(self, calls: Sequence[ToolUseBlock]) -> list[ToolResultBlock]:
        """The results of ``calls`` in their order, as if each had been run after the one before it. A bad call gets an
        ``is_error`` result; nothing is raised."""
        results = [_result(call) for call in calls]
        refused = [self._refuse(call) for call in calls]

        def run(place: int) -> bool:
            text = refused[place]
            if text is not None:
                _fail(results[place], text)
                return False
            return self._run_one(calls[place], results[place])

        def failed(place: int, error: Exception) -> None:
            _fail(results[place], _said(error))

        effects: list[Effects | None] = [None] * len(calls)
        if len(calls) > 1 and self._partition.max_parallel > 1:
            effects = [Effects() if why else self._effects(call) for call, why in zip(calls, refused, strict=True)]
        self.catches = run_calls(Work(effects, run, failed), self._partition.max_parallel)
        self._found += [tool for tool in self._new if tool not in self._found]
        self._new.clear()
        # Results are cut, and what is cut is handed over, in call order whatever order the threads ended in.
        return [self._cut(call, result) for call, result in zip(calls, results, strict=True)]

    def _run_one(self, call: ToolUseBlock, result: ToolResultBlock) -> bool:
        """Put the call's outcome into ``result``; whether it succeeded."""
        result.pop("is_error", None)
        try:
            tool = self._tool(call["name"])
            check_input(tool.input_schema, call["input"])
            result["content"] = tool.run(call["input"]) or "(empty result)"
        except Exception as error:  # a tool's own mistake is the model's to work around, not the end of the rollout
            _fail(result, _said(error))
            return False
        return True

    def _effects(self, call: ToolUseBlock) -> Effects | None:
        try:
            tool = self._tool(call["name"])
        except ToolError:
            return Effects()
        return self._partition.effects_of(tool, call["input"])

    def _tool(self, name: str) -> Tool:
        for tool in self._found:
            if tool.name == name:
                return tool
        if name in self._offered:
            return self._offered[name]
        known = [*self._offered, *(tool.name for tool in self._found)]
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" The tools are: {', '.join(known) or 'none'}."
        raise ToolError(f"no tool named {name!r} is available.{hint}")

    def _cut(self, call: ToolUseBlock, result: ToolResultBlock) -> ToolResultBlock:
        text = text_of(result["content"])
        if (gone := len(text) - self._max_result_chars) > 0:
            self._on_cut(call_text(call["name"], call["input"]), text)
            mark = f"\n[cut here: {gone:,} more characters; ask for less at a time]"
            result["content"] = text[: self._max_result_chars] + mark
        return result

    def _search_tool(self) -> Tool:
        schema = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
        description = (
            f"Find more tools by words of what they should do; {len(self._partition.deferred)} tools are not shown. "
            "Tools that are found can be called from the next turn on."
        )
        return Tool(SEARCH_TOOL, description, schema, self._search, Effects(writes=frozenset({"tools"})))

    def _search(self, given: Mapping[str, Any]) -> str:
        found = self._partition.search(given["query"])
        if not found:
            return "no tool matches; try other words"
        self._new += found
        return "\n".join(f"{tool.name}: {tool.description}" for tool in found)


def _result(call: ToolUseBlock) -> ToolResultBlock:
    return {"type": "tool_result", "tool_use_id": call["id"], "content": ""}


def _fail(result: ToolResultBlock, text: str) -> None:
    result["content"], result["is_error"] = text, True


def _said(error: Exception) -> str:
    if isinstance(error, ToolError):
        return str(error) or "the tool failed"
    return f"the tool failed: {type(error).__name__}: {error}"
