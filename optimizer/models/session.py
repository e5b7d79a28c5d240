"""One rollout's account with the door."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from optimizer.models.base import Account
from optimizer.models.misses import Misses
from optimizer.models.retrying import Stopwatch
from optimizer.records import Spend
from search_space.messages import ModelError


@dataclass(slots=True)
class Session:
    """``reserved`` are tokens set aside for calls under way, ``unpaid`` the worst cases of those that are billed to
    somebody; ``gone`` is set once it closed. Not thread-safe: the door holds a lock."""

    name: str
    seed: int
    deadline: float
    token_limit: int | None
    account: Account = field(default_factory=Account)
    reserved: int = 0
    unpaid: list[Spend] = field(default_factory=list)
    calls: int = 0
    calls_open: int = 0
    waited: Stopwatch = field(default_factory=Stopwatch)
    misses: Misses = field(default_factory=Misses)
    gone: threading.Event = field(default_factory=threading.Event)

    def past(self) -> ModelError:
        """The error of a call that comes, or waits, beyond the deadline."""
        return ModelError(504, "timeout_error", f"the deadline of session '{self.name}' has passed")

    def set_aside(self, worst: Spend, *, billed: bool) -> None:
        """An attempt begins that may cost ``worst``. Raises :class:`ModelError` (402) past the session's token limit;
        what failed attempts cost does not count towards it."""
        taken = self.account.spend.tokens + self.reserved
        if self.token_limit is not None and taken + worst.tokens > self.token_limit:
            text = f"{taken:,} tokens taken and up to {worst.tokens:,} needed, expected at most"
            raise ModelError(402, "budget_exceeded", f"this rollout: {text} {self.token_limit:,}")
        self.reserved += worst.tokens
        self.unpaid += [worst] * billed

    def book(self, worst: Spend, spend: Spend, wasted: Spend) -> None:
        """That attempt is over, and this is what it cost: ``spend`` when it was answered, ``wasted`` when it failed."""
        self.reserved -= worst.tokens
        if worst in self.unpaid:
            self.unpaid.remove(worst)
        before = self.account
        self.account = replace(before, spend=before.spend + spend, wasted=before.wasted + wasted)

    def told(self, now: float) -> Account:
        """The account at ``now``, an instant of the door's clock."""
        return replace(self.account, waited_s=self.waited.seconds(now))
