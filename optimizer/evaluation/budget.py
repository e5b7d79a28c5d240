"""The budget: what may be spent, what is set aside, what was spent. Reserved before, settled after, never overrun."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

from optimizer.errors import BudgetExceeded
from optimizer.records import Spend

EXCESS = 8
"""A call that may cost more than what is left, while so many ordinary calls would fit, is itself at fault: one variant
that asks for a billion tokens is no end of the budget."""
CALLS_KNOWN = 1001
"""So many of the latest calls tell what is ordinary."""
WORST_FOR_REAL = 10
"""What calls may cost at most, taken from what they did cost, where only that is known."""


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """Bounds of a whole campaign; None is no bound. ``deadline`` is a ``time.monotonic()`` instant."""

    rollouts: int | None = None
    tokens: int | None = None
    usd: float | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the budget. ``seconds`` are taken off the end of the time, before the deadline."""

    rollouts: int = 0
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Share) -> Share:
        return Share(
            self.rollouts + other.rollouts,
            self.tokens + other.tokens,
            self.usd + other.usd,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True)
class Left:
    """What is left for one purpose; None is no bound."""

    rollouts: int | None
    tokens: int | None
    usd: float | None
    seconds: float | None


@dataclass(slots=True)
class _Purse:
    """A carve-out: what it was given, and whether a batch of its purpose is running now."""

    share: Share
    active: int = 0


@dataclass(slots=True)
class Grant:
    """Rollouts set aside for one batch; :meth:`Budget.count` turns them, one by one, into spent ones. ``own`` of them
    came out of the purpose's own share and go back there when unused."""

    purpose: str
    rollouts: int
    own: int = 0
    purse: _Purse | None = None


class Budget:
    """Thread-safe account of rollouts, tokens, dollars and time; implements :class:`optimizer.models.base.Meter`.

    ``spent`` is what the campaign spent in earlier sittings. Shares set aside by :meth:`reserve_for` are out of
    reach for every other purpose until they are released, so that what was promised for the end (exam, holdout) fits.
    """

    def __init__(self, limits: BudgetLimits, spent: Spend | None = None) -> None:
        self.limits = limits
        self._spent = spent or Spend()
        self._lock = threading.Lock()
        self._tickets: dict[int, Spend] = {}
        self._next_ticket = 1
        self._granted = 0
        self._purses: dict[str, _Purse] = {}
        self._refusals = 0
        self._granted_calls = deque[Spend](maxlen=CALLS_KNOWN)

    # Meter: what the door asks for each call

    def reserve(self, worst: Spend) -> int:
        """Set ``worst`` aside and return a ticket; raises :class:`BudgetExceeded` when tokens or dollars fall short,
        ``passing`` when they would not once the calls under way are settled."""
        with self._lock:
            left, aside = self._left(None), sum(self._tickets.values(), Spend())
            if left.tokens is not None and worst.tokens > left.tokens:
                text = f"a call of up to {worst.tokens} tokens, {max(0, left.tokens)} left"
                self._refuse(text, worst.tokens, left.tokens + aside.tokens, self._ordinary("tokens"))
            if left.usd is not None and worst.usd > left.usd:
                text = f"a call of up to ${worst.usd:.4f}, ${max(0.0, left.usd):.4f} left"
                self._refuse(text, worst.usd, left.usd + aside.usd, self._ordinary("usd"))
            self._granted_calls.append(worst)
            ticket = self._next_ticket
            self._next_ticket += 1
            self._tickets[ticket] = worst
            return ticket

    def settle(self, ticket: int, actual: Spend) -> None:
        """Replace the reservation by what was really spent. Rollouts and seconds are counted by :meth:`count` only."""
        with self._lock:
            if self._tickets.pop(ticket, None) is None:
                raise ValueError(f"ticket {ticket} is not open: a reservation is settled once")
            self._spent += replace(actual, rollouts=0, seconds=0.0)
            for purse in self._purses.values():
                if purse.active:
                    share = purse.share
                    left_usd = max(0.0, share.usd - actual.usd)
                    purse.share = replace(share, tokens=max(0, share.tokens - actual.tokens), usd=left_usd)
                    break

    # Rollouts: what the runner asks for each batch

    @contextmanager
    def rollouts(self, count: int, purpose: str) -> Iterator[Grant]:
        """Set ``count`` rollouts aside for a batch; what :meth:`count` has not used by the end is given back.

        Raises :class:`BudgetExceeded` when fewer are left for ``purpose``. While the batch runs, the tokens and dollars
        set aside for ``purpose`` may be spent.
        """
        grant = self._grant(count, purpose)
        try:
            yield grant
        finally:
            with self._lock:
                self._granted -= grant.rollouts
                if grant.purse is not None:
                    share, unused = grant.purse.share, min(grant.own, grant.rollouts)
                    grant.purse.share = replace(share, rollouts=share.rollouts + unused)
                    grant.purse.active -= 1

    def count(self, grant: Grant, seconds: float) -> None:
        """One rollout of ``grant`` ended after ``seconds`` and counts."""
        with self._lock:
            if grant.rollouts < 1:
                raise ValueError("more rollouts counted than were granted")
            grant.rollouts -= 1
            self._granted -= 1
            self._spent += Spend(rollouts=1, seconds=seconds)

    # Carve-outs

    def reserve_for(
        self, purpose: str, *, rollouts: int = 0, tokens: int = 0, usd: float = 0.0, seconds: float = 0.0
    ) -> None:
        """Set a share aside that only batches of ``purpose`` may use; repeated calls add up.

        Raises :class:`BudgetExceeded` when less than that is left.
        """
        share = Share(rollouts, tokens, usd, seconds)
        with self._lock:
            left = self._left(None)
            for name, wanted, have in (
                ("rollouts", rollouts, left.rollouts),
                ("tokens", tokens, left.tokens),
                ("dollars", usd, left.usd),
                ("seconds", seconds, left.seconds),
            ):
                if have is not None and wanted > have:
                    raise BudgetExceeded(f"{wanted:g} {name} to set aside for {purpose}, {max(0, have):g} left")
            purse = self._purses.setdefault(purpose, _Purse(Share()))
            purse.share += share

    def release(self, purpose: str, *, rollouts: int) -> None:
        """Give so many rollouts of the share of ``purpose`` back to all others, as far as it has them."""
        with self._lock:
            if (purse := self._purses.get(purpose)) is not None:
                kept = max(0, purse.share.rollouts - max(0, rollouts))
                purse.share = replace(purse.share, rollouts=kept)

    def hand_over(self, purpose: str, to: str) -> None:
        """What is left of the share of ``purpose`` belongs to the share of ``to`` from now on."""
        with self._lock:
            purse = self._purses.pop(purpose, None)
            if purse is not None:
                self._purses.setdefault(to, _Purse(Share())).share += purse.share

    # What there is

    @property
    def spent(self) -> Spend:
        """What was spent so far, earlier sittings included."""
        with self._lock:
            return self._spent

    @property
    def refusals(self) -> int:
        """How many model calls were refused so far because the budget is used up: a rollout during which this grew is
        no fair measurement."""
        with self._lock:
            return self._refusals

    def left(self, purpose: str | None = None) -> Left:
        """What is left for ``purpose`` (its own share included), reservations and others' shares taken off."""
        with self._lock:
            return self._left(purpose)

    # Helpers; the lock is held

    def _grant(self, count: int, purpose: str) -> Grant:
        with self._lock:
            left = self._left(purpose)
            if left.rollouts is not None and count > left.rollouts:
                raise BudgetExceeded(f"{count} rollouts for {purpose}, {max(0, left.rollouts)} left")
            if left.seconds is not None and left.seconds <= 0 and count:
                raise BudgetExceeded(f"{count} rollouts for {purpose}, no time left")
            grant = Grant(purpose, count, purse=self._purses.get(purpose))
            if grant.purse is not None:
                share = grant.purse.share
                grant.own = min(share.rollouts, count)
                grant.purse.share = replace(share, rollouts=share.rollouts - grant.own)
                grant.purse.active += 1
            self._granted += count
            return grant

    def _left(self, purpose: str | None) -> Left:
        kept = Share()
        for name, purse in self._purses.items():
            if name == purpose:
                continue
            share = purse.share
            # Tokens and dollars of a running batch's own share may be spent by the door, which knows no purposes.
            kept += replace(share, tokens=0, usd=0.0) if purse.active else share
        tokens = self._spent.tokens + sum(worst.tokens for worst in self._tickets.values())
        usd = self._spent.usd + sum(worst.usd for worst in self._tickets.values())
        limits, deadline = self.limits, self._deadline(purpose)
        return Left(
            None if limits.rollouts is None else limits.rollouts - self._spent.rollouts - self._granted - kept.rollouts,
            None if limits.tokens is None else limits.tokens - tokens - kept.tokens,
            None if limits.usd is None else limits.usd - usd - kept.usd,
            None if deadline is None else deadline - time.monotonic(),
        )

    def _deadline(self, purpose: str | None) -> float | None:
        if self.limits.deadline is None:
            return None
        return self.limits.deadline - sum(p.share.seconds for name, p in self._purses.items() if name != purpose)

    def _ordinary(self, what: str) -> float:
        """Tokens or dollars that a call asks for as a rule; 0 as long as nobody knows."""
        if self._granted_calls:
            return float(median(getattr(worst, what) for worst in self._granted_calls))
        return WORST_FOR_REAL * float(getattr(self._spent, what)) / max(1, self._spent.calls)

    def _refuse(self, text: str, worst: float, settled: float, ordinary: float) -> None:
        """``settled`` is what is left when nothing is under way."""
        if worst <= settled:
            raise BudgetExceeded(text, passing=True)
        if not ordinary or settled < EXCESS * ordinary:
            self._refusals += 1
        raise BudgetExceeded(text)
