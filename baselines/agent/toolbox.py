"""Runs the calls of one model answer: which tools there are, which calls run side by side, what a bad call is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from baselines.agent.inputs import check_input
from search_space.compaction.history import call_text
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
    ) -> None:
        """``on_cut(call, text)`` gets each result longer than ``max_result_chars`` before it is cut."""
        self._partition = partition
        self._max_result_chars = max_result_chars
        self._on_cut = on_cut
        self._found: list[Tool] = []
        self._new: list[Tool] = []
        self._counted = (-1, 0)
        offered = [*partition.offered, *([self._search_tool()] if partition.deferred else [])]
        self._offered = {tool.name: tool for tool in offered}
        self._fixed = [tool.spec() for tool in offered]

    def specs(self) -> list[ToolSpec]:
        """The tools as the next request offers them; what was found stands last, so that the rest keeps its place."""
        return [*self._fixed, *(tool.spec() for tool in self._found)]

    def tokens(self) -> int:
        """Estimated tokens of :meth:`specs`."""
        if self._counted[0] != len(self._found):
            self._counted = (len(self._found), estimate_tokens(self.specs()))
        return self._counted[1]

    def run(self, calls: Sequence[ToolUseBlock]) -> list[ToolResultBlock]:
        """The results of ``calls`` in their order. A bad call gets an ``is_error`` result; nothing is raised."""
        results: dict[int, ToolResultBlock] = {}
        at = {id(call): index for index, call in enumerate(calls)}

        def work(call: ToolUseBlock) -> None:
            results[at[id(call)]] = self._run_one(call)

        for batch in self._partition.batches(calls):
            others = [threading.Thread(target=work, args=(call,), daemon=True) for call in batch[1:]]
            for thread in others:
                thread.start()
            work(batch[0])
            for thread in others:
                thread.join()
        self._found += [tool for tool in self._new if tool not in self._found]
        self._new.clear()
        # Results are cut, and what is cut is handed over, in call order whatever order the threads ended in.
        return [self._cut(call, results[index]) for index, call in enumerate(calls)]

    def _run_one(self, call: ToolUseBlock) -> ToolResultBlock:
        result: ToolResultBlock = {"type": "tool_result", "tool_use_id": call["id"], "content": ""}
        try:
            tool = self._tool(call["name"])
            check_input(tool.input_schema, call["input"])
            text = tool.run(call["input"]) or "(empty result)"
        except ToolError as error:
            text, result["is_error"] = str(error) or "the tool failed", True
        except Exception as error:  # a tool's own mistake is the model's to work around, not the end of the rollout
            text, result["is_error"] = f"the tool failed: {type(error).__name__}: {error}", True
        result["content"] = text
        return result

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
