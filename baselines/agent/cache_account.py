"""What each call of a conversation read from the prompt cache, wrote to it, and missed in it.

From a call's usage: ``read`` are its ``cache_read_input_tokens``, ``written`` its ``cache_creation_input_tokens``. Both
together are the prefix, up to the request's last breakpoint, that the call leaves in the cache. The next call of the
conversation could read all of that; ``missed`` is what it did not read:

    missed = max(0, read + written of the call before - read of this call)

``why`` a call missed is found by comparing the two requests, breakpoints left aside, up to the last breakpoint of the
one before: the first of model, tools, system and messages that differs (``tools_changed``, ...: the words of the
Messages API's cache diagnostics), or ``not_kept`` when the request still begins with all of it: the entry expired or
was evicted, or no breakpoint of this request reaches it.

A fork's first call is counted against the last call of the conversation that it continues; a fresh sub-agent and a
summary that compaction asks for are conversations of their own.

The door's account of a rollout (``cache_missed_tokens``) asks something else: what was sent again unchanged and not
read. What a harness changed itself is missed here, with the reason, and is new there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from baselines.agent.spending import tokens_of
from search_space.messages import Request, blocks

_PLACES = ("model", "tools", "system", "messages")
_Part = tuple[int, Any]


@dataclass(slots=True)
class CacheAccount:
    """One conversation: ``cached`` tokens of prefix that its last call left in the cache, and what they are of."""

    cached: int = 0
    _prefix: tuple[_Part, ...] = ()

    def settle(self, request: Request, usage: Mapping[str, Any]) -> dict[str, Any]:
        """Count one call: ``read``, ``written`` and ``missed`` tokens, and ``why`` when some were missed."""
        read, written = (tokens_of(usage, f"cache_{kind}_input_tokens") for kind in ("read", "creation"))
        parts, marked = _parts(request)
        found: dict[str, Any] = {"read": read, "written": written, "missed": max(0, self.cached - read)}
        if found["missed"]:
            found["why"] = _why(self._prefix, parts)
        self.cached, self._prefix = read + written, tuple(parts[:marked])
        return found

    def fork(self) -> CacheAccount:
        """An account that begins where this one stands."""
        return replace(self)


def _why(before: tuple[_Part, ...], parts: list[_Part]) -> str:
    for index, (place, part) in enumerate(before):
        if index >= len(parts):
            return f"{_PLACES[place]}_changed"
        now, new = parts[index]
        if (now, new) != (place, part):
            return f"{_PLACES[min(now, place)]}_changed"
    return "not_kept"


def _parts(request: Request) -> tuple[list[_Part], int]:
    """The request in cache order without its breakpoints, and how many parts the last breakpoint covers."""
    parts: list[_Part] = []
    marked = 0
    for place, part in _in_order(request):
        bare = part
        if isinstance(part, Mapping) and "cache_control" in part:
            bare = {key: value for key, value in part.items() if key != "cache_control"}
            marked = len(parts) + 1
        parts.append((place, bare))
    return parts, marked


def _in_order(request: Request) -> Iterator[tuple[int, Any]]:
    yield 0, request["model"]
    for tool in request.get("tools", []):
        yield 1, tool
    system = request.get("system", "")
    for block in [{"type": "text", "text": system}] if isinstance(system, str) else system:
        yield 2, block
    for message in request["messages"]:
        yield 3, message["role"]
        for each in blocks(message):
            yield 3, each
