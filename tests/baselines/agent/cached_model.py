"""A scripted model that bills as the embedded model does: its usage comes from the same model of the prompt cache."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from baselines.agent.loop import Agent
from baselines.agent.main import assemble
from optimizer.models.embedded.caching import PromptCache, measure
from search_space.harness import harness_from_files
from search_space.memory import Memory
from search_space.messages import Request, Response, check_messages, estimate_tokens
from search_space.tools import Tool
from search_space.trajectory import TrajectoryWriter, read_trajectory

Say = Callable[[Request], Any]


class CachedModel:
    """``say(request)`` is a text, a list of ``(name, input)`` or of blocks. ``now`` is the cache's clock."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.now = 0.0
        self.cache = PromptCache(lambda: self.now)
        self.requests: list[Any] = []
        self._lock = threading.Lock()

    def create(self, request: Request) -> Response:
        check_messages(request["messages"])
        with self._lock:
            self.requests.append(json.loads(json.dumps(request)))
            number = len(self.requests)
        said = self.say(request)
        content = [{"type": "text", "text": said}] if isinstance(said, str) else [_block(each) for each in said]
        for at, block in enumerate(content):
            if block["type"] == "tool_use":
                block.setdefault("id", f"c{number}-{at}")
        usage: Any = self.cache.usage("session", measure(request), estimate_tokens(content))
        stop = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
        response: Any = {"content": content, "stop_reason": stop, "usage": usage}
        return response  # type: ignore[no-any-return]


def _block(each: Any) -> dict[str, Any]:
    return dict(each) if isinstance(each, dict) else {"type": "tool_use", "name": each[0], "input": each[1]}


def start(folder: Path, model: Any, settings: str, tools: list[Tool], **prompts: str) -> Agent:
    """An agent at ``folder``: ``settings`` are those of harness.toml, ``prompts`` those of sub-agents by name."""
    files = {"harness.toml": f'name = "h"\n{settings}'.encode(), "prompts/system.md": ("Find it. " * 200).encode()}
    files |= {f"prompts/agents/{name}.md": text.encode() for name, text in prompts.items()}
    writer = TrajectoryWriter(folder / "trajectory.jsonl")
    harness = harness_from_files(files)
    return assemble(harness, folder, Memory(harness.memory, folder / "memory"), tools, model, writer)


def records(folder: Path, kind: str, agent: str | None = None) -> list[dict[str, Any]]:
    """The trajectory's records of one kind, of one agent (None: the main one)."""
    found = read_trajectory(folder / "trajectory.jsonl")
    return [each for each in found if each["kind"] == kind and each.get("agent") == agent]


def bare(request: Any) -> Any:
    """``request`` without its cache marks, and a text as the block that it is."""
    if isinstance(request, dict):
        kept = {key: bare(value) for key, value in request.items() if key != "cache_control"}
        if "role" in kept and isinstance(kept["content"], str):
            kept["content"] = [{"type": "text", "text": kept["content"]}]
        return kept
    return [bare(each) for each in request] if isinstance(request, list) else request
