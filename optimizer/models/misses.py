"""What a rollout sent again although it had been in the prompt cache: the tokens that the cache missed.

A call *misses* the tokens of the longest prefix that it shares, block by block, with what an earlier call of the same
rollout had in the prompt cache, less what it read. Why is not asked: the time to live had passed, the place to look
from was too far behind, a breakpoint was left out, or the provider had forgotten it. What follows a block that changed
(a rewritten history, another tool list) is new, and no miss. So this is narrower than
the ``missed`` that the agent's trajectory tells of a call, where what changed counts too; and wider, in that all
conversations of the rollout are one account.

Blocks and their tokens are those of :func:`optimizer.models.embedded.caching.measure`. For the embedded model these are
the tokens that it bills, and the count is exact. For any other, the prefix has the share of the billed input that it
has of the characters: an estimate.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from optimizer.models.embedded.caching import Measured, measure
from optimizer.records import Spend
from search_space.messages import Request


def missed_tokens(calls: Iterable[tuple[Request, Spend]]) -> list[int]:
    """The missed tokens of each call of one session, given in the order in which they were made, with what it cost."""
    session = Misses()
    return [session.took(session.begins(request), spend) for request, spend in calls]


def with_missed(spend: Spend, missed: int) -> Spend:
    """A call's cost with the tokens that it missed, and what they cost: their share of what was sent, that is of input
    and cache writes, in dollars as in tokens."""
    sent = spend.input_tokens + spend.cache_write_tokens
    usd = (spend.usd_input + spend.usd_cache_write) * min(1.0, missed / sent) if sent else 0.0
    return replace(spend, cache_missed_tokens=missed, usd_cache_missed=usd)


@dataclass(frozen=True, slots=True)
class Begun:
    """A call under way: its request by blocks, and how many of them an earlier call had in the cache by then."""

    request: Request
    measured: Measured | None
    blocks: int


@dataclass(slots=True)
class Misses:
    """One session's account of what was in the cache. Safe to use from several threads: what a call could have read is
    looked up when it begins, so that calls side by side owe each other nothing."""

    _had: set[bytes] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begins(self, request: Request) -> Begun:
        """A call is about to be made. Costs nothing while the session has had nothing in the cache."""
        if not self._had:
            return Begun(request, None, 0)
        measured = measure(request)
        with self._lock:
            shared = next(
                (at for at in range(len(measured.prefixes), 0, -1) if measured.prefixes[at - 1] in self._had), 0
            )
        return Begun(request, measured, shared)

    def took(self, call: Begun, spend: Spend) -> int:
        """The call was answered and cost this: the tokens that it missed. One that failed is not told of."""
        read, written = spend.cache_read_tokens, spend.cache_write_tokens
        if not (read or written or call.blocks):
            return 0
        measured = call.measured or measure(call.request)
        billed = spend.input_tokens + read + written
        per_token = billed / measured.total_tokens if measured.total_tokens else 0.0
        if read or written:
            with self._lock:
                self._had.update(measured.prefixes[: _cached_blocks(measured, (read + written) / (per_token or 1.0))])
        return max(0, round(sum(measured.tokens[: call.blocks]) * per_token) - read)


def _cached_blocks(measured: Measured, tokens: float) -> int:
    """How many blocks are in the cache after a call: those up to its last breakpoint; where the provider places them
    itself, the blocks that fit in the ``tokens`` that it read and wrote."""
    marks = [index for index, ttl in enumerate(measured.ttls) if ttl is not None]
    if marks:
        return marks[-1] + 1
    total, blocks = 0.0, 0
    for size in measured.tokens:
        total += size
        if total > tokens + 0.5:
            break
        blocks += 1
    return blocks
