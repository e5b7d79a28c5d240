"""Prompt caching, modelled after the Messages API's documentation.

A request is a sequence of blocks: its tools, then the system prompt's blocks, then the messages' blocks. A block with
``cache_control`` is a breakpoint: the whole prefix up to it is written to the cache when it has at least
``MIN_CACHED_TOKENS``. A read is the longest earlier-written prefix that ends at a breakpoint or at one of the
``LOOKBACK_BLOCKS`` blocks before it. An entry lives for its ttl (5 minutes, or 1 hour), and every use starts it anew.
The scope is a session (one rollout); the real one's is an organisation.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search_space.messages import CHARS_PER_TOKEN, Request, Usage

MIN_CACHED_TOKENS = 1024
LOOKBACK_BLOCKS = 20
TTL_SECONDS = {"5m": 300.0, "1h": 3600.0}
MAX_SESSIONS = 512
"""Sessions remembered; the one unused for longest is forgotten first."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Measured:
    """A request by its blocks: tokens of each, what names the prefix that ends with it, its ttl if a breakpoint."""

    tokens: tuple[int, ...]
    prefixes: tuple[bytes, ...]
    ttls: tuple[str | None, ...]

    @property
    def total_tokens(self) -> int:
        """Input tokens of the whole request."""
        return sum(self.tokens)

    @property
    def breakpoints(self) -> int:
        """How many blocks carry ``cache_control``."""
        return sum(1 for ttl in self.ttls if ttl is not None)


def measure(request: Request) -> Measured:
    """``request`` by its blocks; a block's tokens are its compact JSON's characters by ``CHARS_PER_TOKEN``, rounded up,
    ``cache_control`` left out."""
    running = hashlib.blake2b(digest_size=16)
    tokens, prefixes, ttls = [], [], []
    for place, block in _blocks(request):
        ttl = None
        control = block.get("cache_control")
        if control is not None:
            ttl = control.get("ttl", "5m") if isinstance(control, Mapping) else "5m"
            block = {key: value for key, value in block.items() if key != "cache_control"}
        text = _encode(block)
        running.update(f"{place}{text}\n".encode("utf-8", "surrogatepass"))
        tokens.append(-(-len(text) // CHARS_PER_TOKEN))
        prefixes.append(running.digest())
        ttls.append(ttl)
    return Measured(tuple(tokens), tuple(prefixes), tuple(ttls))


class PromptCache:
    """What was written to the cache, by session. Safe to use from several threads; ``clock`` tells seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sessions: OrderedDict[str, dict[bytes, tuple[float, float]]] = OrderedDict()
        self._lock = threading.Lock()

    def usage(self, session: str, measured: Measured, output_tokens: int) -> Usage:
        """The usage of a call with this input: reads what the session wrote before, then writes at its breakpoints."""
        marks = [index for index, ttl in enumerate(measured.ttls) if ttl is not None]
        reached = _running_totals(measured.tokens)
        marks = [index for index in marks if reached[index] >= MIN_CACHED_TOKENS]
        if not marks:
            return _usage(measured.total_tokens, 0, 0, 0, output_tokens)
        with self._lock:
            now = self._clock()
            entries = self._entries(session, now)
            hit = self._longest_hit(entries, measured, marks, reached)
            read = reached[hit] if hit is not None else 0
            if hit is not None:
                ttl = entries[measured.prefixes[hit]][1]
                entries[measured.prefixes[hit]] = (now + ttl, ttl)
            for index in marks:
                ttl = TTL_SECONDS.get(measured.ttls[index] or "5m", TTL_SECONDS["5m"])
                entries[measured.prefixes[index]] = (now + ttl, ttl)
        written = max(0, reached[marks[-1]] - read)
        for_an_hour, begins = 0, read
        for index in marks:  # each part of the prefix is written for as long as the breakpoint that ends it says
            if measured.ttls[index] == "1h":
                for_an_hour += max(0, reached[index] - begins)
            begins = max(begins, reached[index])
        return _usage(measured.total_tokens - read - written, written, for_an_hour, read, output_tokens)

    def _entries(self, session: str, now: float) -> dict[bytes, tuple[float, float]]:
        entries = self._sessions.pop(session, {})
        entries = {key: value for key, value in entries.items() if value[0] > now}
        self._sessions[session] = entries
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return entries

    @staticmethod
    def _longest_hit(
        entries: Mapping[bytes, object], measured: Measured, marks: list[int], reached: list[int]
    ) -> int | None:
        for mark in reversed(marks):
            for index in range(mark, max(-1, mark - LOOKBACK_BLOCKS - 1), -1):
                if reached[index] >= MIN_CACHED_TOKENS and measured.prefixes[index] in entries:
                    return index
        return None


def _blocks(request: Request) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every block in cache order with where it stands (a message's role and index are part of the prefix)."""
    for tool in request.get("tools", []):
        yield "t", tool
    system = request.get("system", "")
    if isinstance(system, str):
        if system:
            yield "s", {"type": "text", "text": system}
    else:
        for block in system:
            yield "s", block
    for index, message in enumerate(request["messages"]):
        place = f"m{index}{message['role']}"
        content = message["content"]
        if isinstance(content, str):
            yield place, {"type": "text", "text": content}
        else:
            for part in content:
                yield place, part


def _running_totals(tokens: tuple[int, ...]) -> list[int]:
    totals, total = [], 0
    for count in tokens:
        total += count
        totals.append(total)
    return totals


def _usage(plain: int, written: int, for_an_hour: int, read: int, output: int) -> Usage:
    usage: Usage = {
        "input_tokens": plain,
        "output_tokens": output,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
    }
    if written:
        usage["cache_creation"] = {
            "ephemeral_5m_input_tokens": written - for_an_hour,
            "ephemeral_1h_input_tokens": for_an_hour,
        }
    return usage
