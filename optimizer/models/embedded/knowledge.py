"""Everything that can be seen in a request's messages, as facts that can be looked up.

Built anew for every call from what is visible: tool results, quoted or summarised results, notes, the memory index.
What compaction took away is not here. Results are parsed once and remembered by content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.models.embedded.delegating import answered
from optimizer.models.embedded.reading import Fact, inputs_key, read_result, read_text
from optimizer.models.embedded.toolbox import Toolbox
from search_space.messages import Message, Request, blocks, text_of

CHECKING = "To check:"
"""How the model begins a message in which it takes a second look; it recognises its own words by it."""

_GONE = re.compile(
    r"^\[.*\b(?:left out|cleared|no longer shown|summary|dropped|omitted)\b", re.IGNORECASE | re.MULTILINE
)
_CLEARED = re.compile(r"^\[(?:cleared|removed|dropped)\b", re.IGNORECASE)

_ENTRY = re.compile(r"^- (.+?)(?:: (.*?)( \(\+\d+ lines?\))?)?$")

Row = tuple[str, int, str]


class Knowledge:
    """The visible facts. Paths and names are as the tools write them."""

    def __init__(self, toolbox: Toolbox) -> None:
        self.lines: dict[str, dict[int, str]] = {}
        self.by_kind: dict[tuple[str, str, str], Any] = {}
        self.totals: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self.absent: set[str] = set()
        self.pages: dict[str, tuple[int, bool, int]] = {}
        """Files read: the last line shown, whether there is more behind it, and how many pages of it are in view."""
        self.noted: dict[str, str] = {}
        self.handed: dict[str, int] = {}
        """What sub-agents answered: question -> number."""
        self.tried: dict[tuple[str, str], str] = {}
        """Calls whose results are visible: ``ok`` or ``failed``."""
        self.forgotten = False
        """Whether something in view says that earlier messages or results are gone."""
        self.checked = False
        """Whether a second look is in view, with its result."""
        self.results = 0
        self.topics: dict[str, bool] = {}
        """Topics that the memory index lists, and whether there is more to read than it shows."""
        self.archived = False
        """Whether the memory index says that the archive holds something."""
        self._toolbox = toolbox

    def read_request(self, request: Request) -> None:
        """Learn all that a request shows. System blocks behind the first are material, such as a memory index."""
        system = request.get("system", "")
        for block in system[1:] if not isinstance(system, str) else ():
            self._read_index(block["text"])
        self._read_messages(request["messages"])

    def get(self, kind: str, name: str, path: str) -> Any:
        """The value of a fact, or None."""
        return self.by_kind.get((kind, name, path))

    def rows(self, path: str) -> Mapping[int, str]:
        """The known source lines of ``path`` by number."""
        return self.lines.get(path, {})

    def _read_messages(self, messages: Sequence[Message]) -> None:
        calls: dict[str, tuple[str, str]] = {}
        checking = False
        for index, message in enumerate(messages):
            mine = message["role"] == "assistant"
            for at, block in enumerate(blocks(message)):
                if block["type"] == "text":
                    if index or at:
                        self.read_text(block["text"])
                    checking = checking or (mine and block["text"].startswith(CHECKING))
                elif block["type"] == "tool_use":
                    calls[block["id"]] = (block["name"], inputs_key(block["input"]))
                    if self._toolbox.role_of(block["name"]) == "note":
                        self.read_text("\n".join(str(value) for value in block["input"].values()))
                elif block["type"] == "tool_result" and block["tool_use_id"] in calls:
                    self.read_result(
                        *calls[block["tool_use_id"]], text_of(block.get("content", "")), block.get("is_error")
                    )
                    self.checked = self.checked or checking

    def read_result(self, tool: str, inputs: str, content: str, failed: bool | None) -> None:
        """Learn what the result of a call (its inputs as :func:`inputs_key` gives them) shows."""
        self.results += 1
        if _CLEARED.match(content):
            self.forgotten = True
            return
        role = self._toolbox.role_of(tool)
        self.tried[tool, inputs] = "failed" if failed else "ok"
        if role in ("recall", "archive"):
            self.read_text(content)
            return
        if role == "delegate":
            self.handed.update(answered(inputs, content))
            return
        self._learn(read_result(role, inputs, content, bool(failed)))

    def read_text(self, text: str) -> None:
        """Learn what a note, a summary, a ledger or a saying holds."""
        if _GONE.search(text):
            self.forgotten = True
        written = read_text(text)
        for tool, inputs, content in written.quoted:
            role = self._toolbox.role_of(tool)
            # What a ledger quotes may be a part of the result: a list of it is no proof that nothing else is there.
            facts = read_result(role, inputs, content, False)
            self._learn([fact for fact in facts if fact.kind not in ("outline", "grepped", "imports")])
        self._learn(written.facts)
        self.noted.update(written.noted)

    def _read_index(self, text: str) -> None:
        """Learn what a system block shows, line by line, and which topics it lists."""
        lines = []
        for line in text.split("\n"):
            self.archived = self.archived or line.startswith("Archive:")
            if not (entry := _ENTRY.match(line)):
                lines.append(line)
                continue
            topic, shown, more = entry.groups()
            lines.append(f"- {topic}: {shown}" if shown else "")
            understood = bool(shown) and bool(read_text(lines[-1]).noted)
            self.topics[topic] = bool(more) or not understood
        self.read_text("\n".join(lines))

    def _learn(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if fact.kind == "line":
                self.lines.setdefault(fact.path, {})[fact.value[0]] = fact.value[1]
            elif fact.kind == "total":
                self.totals.setdefault((fact.name, fact.path), []).append(fact.value)
            elif fact.kind == "page":
                last, cut = fact.value
                before = self.pages.get(fact.path, (0, False, 0))
                self.pages[fact.path] = (last, cut, before[2] + 1)
            elif fact.kind == "absent":
                self.absent.add(fact.path)
            else:
                self.by_kind[fact.kind, fact.name, fact.path] = fact.value
