"""What stands behind the door: an upstream answers Messages requests and says beforehand what one may cost.

ModelError               a call that failed; raised plain, it is the request's own fault (400, 413, 422): no other try,
│                        and whatever asked so has to live with it
└── UpstreamError        a failure of the upstream or of the way to it: says nothing about whoever asked
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from optimizer.records import Spend
from search_space.messages import ModelError, Request, Response

PROBE = ""
"""The name of the session whose calls are the door's own: it looks whether an upstream is well. Not to be recorded."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer and what it really cost."""

    response: Response
    spend: Spend


class UpstreamError(ModelError):
    """The upstream failed, for no fault of the request: rate limit, overload, dropped connection, wrong key.

    ``spend`` is what the failed attempt cost all the same (a half stream's input). ``again`` says that another attempt
    may succeed (429, 529, 5xx, a dropped connection, half a stream); without it nothing will change by waiting (401,
    403, 404, no credit left). ``retry_after_s`` is how long the provider asked to wait, None when it said nothing.
    ``well`` asks what failed, when that is no model, whether it is well by itself.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        again: bool,
        spend: Spend | None = None,
        retry_after_s: float | None = None,
        well: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(status, kind, message)
        self.again = again
        self.spend = spend or Spend()
        self.retry_after_s = retry_after_s
        self.well = well


class Upstream(Protocol):
    """A model provider, or a stand-in for one. Safe to use from any number of threads."""

    @property
    def name(self) -> str:
        """How reports call it; the embedded model's says that it is no language model."""
        ...

    @property
    def costs_money(self) -> bool:
        """Whether somebody is billed for calls."""
        ...

    def worst_case(self, request: Request) -> Spend:
        """An upper bound on what one attempt at ``request`` can cost: reserved before it."""
        ...

    def create(self, request: Request, *, seed: int, session: str, deadline: float) -> Reply:
        """Make ONE attempt at answering ``request``: the door tries again where that is worth it.

        ``seed`` fixes the randomness where the upstream has a say in it; ``session`` names the rollout (prompt-cache
        scope of the embedded model); ``deadline`` is a ``time.monotonic()`` instant after which no answer is wanted.

        Raises :class:`UpstreamError`, or a plain :class:`ModelError` when the request is at fault.
        """
        ...

    def check(self) -> None:
        """Look before a campaign begins whether calls can succeed at all.

        Raises :class:`optimizer.errors.SettingsError` with one clear line: no key, wrong key, unknown model, unknown
        price with a budget in dollars. Makes no call that is billed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """What a session had from its upstreams.

    ``spend`` is what its answered calls cost, ``wasted`` what failed attempts cost beside that: it is paid, but says
    nothing about whoever asked. ``waited_s`` are the seconds during which at least one of its calls waited for a
    failing upstream. ``failure`` is the last error of an upstream that a call ended with, None when there was none.
    """

    spend: Spend = field(default_factory=Spend)
    wasted: Spend = field(default_factory=Spend)
    waited_s: float = 0.0
    failure: UpstreamError | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """How the upstreams do. ``waited_s``: seconds so far during which at least one call waited for a failing upstream.
    ``failing_s``: how long nothing has been answered since an attempt failed, 0 while all is well. ``pause_s``: how
    long the provider still wants to be left alone."""

    waited_s: float = 0.0
    failing_s: float = 0.0
    pause_s: float = 0.0


class Meter(Protocol):
    """The budget as the door sees it."""

    def reserve(self, worst: Spend) -> int:
        """Set ``worst`` aside and return a ticket; raises :class:`optimizer.errors.BudgetExceeded`."""
        ...

    def settle(self, ticket: int, actual: Spend) -> None:
        """Replace the reservation by what was really spent."""
        ...
