"""What a server of ours does wrong on demand, and when: always the same for the same seed and the same requests.

A plan is asked for each request and answers with a :class:`Fault` or None. It is given a :class:`Seen`: the number of
the request, a digest of its body, and how often that very body came before. A plan that looks only at digest and
attempt does the same thing in whatever order concurrent requests arrive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "rate_limit",  # 429 with Retry-After
    "overloaded",  # 529
    "error",  # 500
    "unauthorized",  # 401, whatever the key
    "hang",  # reads the request and says nothing
    "reset",  # the connection is reset before an answer
    "reset_during",  # ... in the middle of one
    "cut",  # the connection ends in the middle of an answer, without its end
    "early_end",  # a whole HTTP answer, but the stream lacks its last events
    "error_event",  # an error event in the middle of a stream
    "slow",  # one byte at a time
    "stall",  # half an answer, then silence
    "garbage",  # half an answer, then what is no JSON
    "content_type",  # a web page
    "oversized",  # an answer without end
    "bad_tool_json",  # a tool call whose input is no JSON
]
KINDS: tuple[Kind, ...] = get_args(Kind)
PASSING: tuple[Kind, ...] = ("rate_limit", "overloaded", "error", "reset", "reset_during", "cut", "error_event")
"""Faults that pass at once: another attempt gets the answer, and none takes time of its own."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``retry_after`` is the header's text, ``events`` how much of a stream is sent before a fault in the middle,
    ``seconds`` the pause between bytes (``slow``) or the longest silence (``hang``, ``stall``), ``size`` the bytes of
    an oversized answer."""

    kind: Kind
    retry_after: str | None = None
    events: int = 3
    seconds: float = 30.0
    size: int = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as a plan sees it; ``number`` and ``attempt`` count from 0."""

    number: int
    digest: str
    attempt: int


Plan = Callable[[Seen], Fault | None]


def never(seen: Seen) -> None:
    """No fault."""


def always(fault: Fault) -> Plan:
    """The same fault each time."""
    return lambda seen: fault


def in_order(*faults: Fault | None) -> Plan:
    """The first requests get these, one each; later ones none."""
    return lambda seen: faults[seen.number] if seen.number < len(faults) else None


def at_rate(
    rate: float, kinds: Sequence[Kind] = PASSING, *, seed: int = 0, in_a_row: int = 3, seconds: float = 0.005
) -> Plan:
    """A fault in the share ``rate`` of requests, at most ``in_a_row`` for the same body. Retry-After is "0"."""

    def plan(seen: Seen) -> Fault | None:
        text = f"{seed}:{seen.digest}:{seen.attempt}"
        roll = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
        if seen.attempt >= in_a_row or roll / 2**64 >= rate:
            return None
        kind = kinds[roll % len(kinds)]
        return Fault(kind, retry_after="0" if kind == "rate_limit" else None, seconds=seconds)

    return plan
