"""What sub-agents cost that share their parent's prompt prefix (forks), and those that do not (fresh ones).

The main agent reads four files and then hands out N tasks. A fork knows the files; a fresh sub-agent reads them again,
two at a time, with a system prompt and tools of its own. Each sub-agent then makes one call more and answers. The model
is scripted; its tokens are those that the embedded model's prompt cache bills (`optimizer/models/embedded/caching.py`).
The figures are exact: every run gives the same. ``fork:8`` measures N = 8 alone.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optimizer.models.embedded.caching import measure
from search_space.messages import Request, blocks, text_of
from search_space.tools import Tool
from tests.baselines.agent.cached_model import CachedModel, bare, records, start
from tests.bench.tables import table

TASK = "Answer questions about four files."
FIND = [("find", {"name": "thing"})]
COUNTS = (1, 2, 4, 8, 16)
FILES = tuple(f"src/module_{letter}.py" for letter in "abcd")
LINES = 90
SETTINGS = """
[limits]
max_steps = 20
context_tokens = 100000
[cache]
breakpoints = ["tools", "system", "messages"]
[tools]
max_parallel = 1
[subagents.worker]
description = "Works on one question."
mode = "{mode}"
tools = ["read_file", "find"]
"""
PRICES = {"input_tokens": 1.0, "cache_creation_input_tokens": 1.25, "cache_read_input_tokens": 0.1}
"""Of a plain input token; a write that is kept for five minutes (the Messages API's price list)."""


def report(options: str = "") -> str:
    rows = [measured(mode, count) for count in ([int(options)] if options else COUNTS) for mode in ("fork", "fresh")]
    head = (
        "sub-agents",
        "mode",
        "shared prefix, tokens",
        "read from the cache at the first call",
        "input of all calls, tokens",
        "read",
        "written",
        "cost in plain input tokens",
    )
    return table(head, rows)


def measured(mode: str, count: int) -> tuple[str, ...]:
    """One row: N sub-agents of one mode, all figures of the sub-agents together but the shared prefix."""
    with tempfile.TemporaryDirectory() as name:
        model = CachedModel(lambda request: _say(request, count))
        tools = [Tool(name, f"{name} something.", {"type": "object"}, _read) for name in ("read_file", "find")]
        agent = start(Path(name), model, SETTINGS.format(mode=mode), tools, worker="You look things up. " * 60)
        assert agent.run(TASK).outcome == "answered"
        calls = records(Path(name), "answer", "worker")
    firsts = [call for call in calls if call["messages"] == min(each["messages"] for each in calls)]
    assert len(firsts) == count
    spent = {kind: sum(call["usage"][kind] for call in calls) for kind in PRICES}
    cost = sum(spent[kind] * price for kind, price in PRICES.items())
    shared = _shared(model.requests, firsts[0]["messages"]) if mode == "fork" else 0
    read = sum(call["cache"]["read"] for call in firsts)
    return (
        str(count),
        mode,
        f"{shared:,}" if shared else "-",
        f"{read / (shared * count):.1%}" if shared else "-",
        f"{sum(spent.values()):,}",
        f"{spent['cache_read_input_tokens']:,}",
        f"{spent['cache_creation_input_tokens']:,}",
        f"{cost:,.0f}",
    )


def _shared(requests: Sequence[Any], messages: int) -> int:
    """Tokens of the parent's request that the forks continue; each fork's first one begins with all of it."""
    parent = next(each for each in requests if len(each["messages"]) == messages - 2 and not _is_fork(each))
    for fork in requests:
        if _is_fork(fork) and len(fork["messages"]) == messages:
            begins = {**fork, "messages": fork["messages"][: messages - 2]}
            assert json.dumps(bare(begins)) == json.dumps(bare(parent))
    return measure(parent).total_tokens


def _say(request: Request, count: int) -> Any:
    """What the scripted model answers, by what the request shows."""
    made = [block for each in request["messages"] for block in blocks(each) if block["type"] == "tool_use"]
    read = [call for call in made if call["name"] == "read_file"]
    if _is_fork(request):
        return "seen" if made[-1]["name"] == "find" else FIND
    if len(read) < len(FILES):
        paths = FILES[len(read) :][: 1 if _is_main(request) else 2]
        return [("read_file", {"path": path}) for path in paths]
    if made[-1]["name"] != "read_file":
        return "done"
    if not _is_main(request):
        return FIND
    tasks = [{"agent": "worker", "task": f"Question {number} about the four files."} for number in range(count)]
    return [("delegate", {"tasks": tasks})]


def _is_main(request: Request) -> bool:
    return text_of(blocks(request["messages"][0])) == TASK


def _is_fork(request: Request) -> bool:
    return "You are now the sub-agent" in json.dumps(request["messages"])


def _read(given: Mapping[str, Any]) -> str:
    path = str(given.get("path", given.get("name")))
    return "\n".join(f"{number}: def function_{number}(argument):  # of {path}" for number in range(LINES))
